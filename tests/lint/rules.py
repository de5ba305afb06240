#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""rules.py BUILD: the rules of the tree that no compiler knows.

Who may include whom comes from the compiler's own dependency files in BUILD, so nothing hides behind a macro or a path.
"""

import glob
import os
import re
import subprocess
import sys

FUNCTION_LINES = 100
FILE_LINES = 800

# Each part of the tree, and whose public headers it may see beside its own folder.
BASE = "include/base/"
MAY = {
    "mac": {"include/mac.h"},
    "dhcp": {"include/dhcp.h", "include/dhcp_wire.h", "include/mac.h"},
    "bridge": {"include/bridge.h", "include/bridge_rtnl.h", "include/mac.h"},
    "tap": {"include/tap.h", "include/bridge.h", "include/bridge_rtnl.h", "include/mac.h"},
    # netdctl and libnetd see what a client sees.
    "netd/ctl": {"include/netd.h"},
    "netd/lib": {"include/netd.h"},
    # netd-capture looks at what guests send, and knows nothing of netd but the line to it.
    "netd/capture": set(),
    # What takes another program's place is a client, too.
    "netd/helper": {"include/netd.h"},
    "netd/cni": {"include/netd.h"},
    "netd": {"include/mac.h", "include/dhcp.h", "include/dhcp_wire.h", "include/bridge.h", "include/bridge_rtnl.h",
             "include/tap.h", "include/netd.h"},
}
# The files that know these libraries.
LIBRARY = {
    "netlink": {"bridge/rtnl.c", "bridge/rtnl.h", "bridge/rtnl_macvlan.c", "bridge/rtnl_move.c", "bridge/rtnl_netns.c",
                "bridge/rtnl_parse.c", "bridge/rtnl_qdisc.c", "bridge/rtnl_veth.c", "bridge/rtnl_vlan.c",
                "bridge/rtnl_watch.c"},
    "libnftnl": {"bridge/batch.c", "bridge/batch.h", "bridge/foreign_docker.c", "bridge/foreign_parse.c",
                 "bridge/nft_sets.c"},
    "libmnl": {"bridge/batch.c", "bridge/foreign_docker.c", "bridge/foreign_parse.c", "bridge/foreign_read.c",
               "bridge/listen.c", "bridge/nft.c", "bridge/nft.h", "bridge/nft_change.c", "bridge/nft_sets.c",
               "bridge/nft_watch.c", "bridge/trap.c"},
    "confuse": {"netd/config.c", "netd/config_read.h"},
    "sqlite3": {"netd/store.c", "netd/store_db.h", "netd/store_gc.c", "netd/store_networks.c", "netd/store_published.c",
                "netd/store_rows.c", "netd/store_uplinks.c"},
    "pcap": {"netd/capture/main.c"},
}

MIT = re.compile(r"^(include/base/|include/netd\.h$|netd/lib/|netd/io\.netd\.varlink$|netd/netd\.pc\.in$)")
# Files that bear no line of their own: data, and what others say the form of.
NO_SPDX = re.compile(r"^(LICENSE|LICENSES/|tests/golden/|tests/fuzz/corpus/|README\.md$|\.clang|\.git|\.editorconfig)")


def part_of(path):
    for part in ("netd/ctl", "netd/lib", "netd/capture", "netd/helper", "netd/cni", "mac", "dhcp", "bridge", "tap", "netd"):
        if path.startswith(part + "/"):
            return part
    return None


def dependencies(build):
    """Each source with all that its compilation read."""
    for name in glob.glob(os.path.join(build, "**", "*.d"), recursive=True):
        with open(name, encoding="utf-8") as file:
            text = file.read().replace("\\\n", " ")
        rule = text.split("\n", 1)[0]
        files = [os.path.normpath(f) for f in rule.split(":", 1)[1].split()]
        if files and os.path.exists(files[0]):
            yield files[0], files[1:]


def check_includes(build):
    seen = 0
    for source, headers in dependencies(build):
        part = part_of(source)
        if not part:
            continue
        seen += 1
        own = os.path.dirname(source) + "/"
        for header in headers:
            generated = header.startswith("build/")
            if header.startswith((own, BASE)) or header in MAY[part] or generated:
                continue
            yield f"{source}: includes {header}, which is not in the graph of design"
    if not seen:
        yield f"{build}: there are no dependency files: nothing was checked"


def check_libraries(path, lines):
    for number, line in enumerate(lines, 1):
        found = re.match(r"#include <(netlink/|libnftnl/|libmnl/|confuse\.h|sqlite3\.h|pcap/)", line)
        allowed = LIBRARY[found.group(1).rstrip("/").removesuffix(".h")] if found else ()
        if found and part_of(path) and path not in allowed:
            yield f"{path}:{number}: only {', '.join(sorted(allowed))} may include <{found.group(1)}>"


def check_lengths(path, lines):
    if len(lines) > FILE_LINES:
        yield f"{path}: {len(lines)} lines; {FILE_LINES} are the most"
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin:
            if number - begin + 1 > FUNCTION_LINES:
                yield f"{path}:{begin}: a function of {number - begin + 1} lines; {FUNCTION_LINES} are the most"
            begin = None


def check_licence(path, lines):
    head = "\n".join(lines[:3])
    wanted = "MIT" if MIT.match(path) else "GPL-2.0-or-later"
    if f"SPDX-License-Identifier: {wanted}" not in head:
        yield f"{path}: its first lines do not say SPDX-License-Identifier: {wanted}"


def main():
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True,
                           check=True).stdout.split()
    findings = list(check_includes(sys.argv[1]))
    for path in files:
        if not os.path.isfile(path) or NO_SPDX.match(path):
            continue
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        findings += check_licence(path, lines)
        if path.endswith((".c", ".h")):
            findings += check_libraries(path, lines)
        if path.endswith((".c", ".h", ".py", ".sh")):
            findings += check_lengths(path, lines)
    for finding in dict.fromkeys(findings):
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

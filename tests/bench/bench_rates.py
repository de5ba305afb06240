#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures what TCP gets of a port's rate, to a guest and from it, in namespaces, and prints a table.

The rate is that of Ethernet frames, of which 1,448 of 1,514 octets are TCP's payload: 95.6 % is all that there is to get.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from harness.daemon import CONFIG, Daemon, TestVmm
from harness.namespaces import Host, enter_private

RATES = ["1mbit", "10mbit", "100mbit", "1gbit"]
UNITS = {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
SECONDS, SETTLE = 4, 1         # of one stream, of which the first are not counted

RECEIVE = """
import socket, sys, time
s = socket.create_server((sys.argv[1], 5000))
print("ready", flush=True)
c = s.accept()[0]
begin, seen = time.monotonic(), []
total = 0
while data := c.recv(1 << 18):
    total += len(data)
    seen.append((time.monotonic(), total))
seen = [x for x in seen if x[0] > begin + float(sys.argv[2])]
print((seen[-1][1] - seen[0][1]) * 8 / (seen[-1][0] - seen[0][0]))
"""
SEND = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], 5000))
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    s.send(bytes(1 << 16))
"""


def stream(receiver, sender, address):
    """Bits a second that arrive."""
    python = ["/usr/bin/python3", "-c"]
    with subprocess.Popen(receiver.enter(*python, RECEIVE, address, str(SETTLE)), stdout=subprocess.PIPE, text=True) as rx:
        rx.stdout.readline()
        subprocess.run(sender.enter(*python, SEND, address, str(SECONDS)), check=True)
        return float(rx.stdout.readline())


def main():
    enter_private()
    host = Host()
    netd = Daemon(host, CONFIG)
    guest = TestVmm(netd, "web1")
    address = guest.udhcpc()["ip"]
    print(f"{'rate':>8}  {'to the guest':>14}  {'from the guest':>14}")
    try:
        for rate in RATES:
            netd.configure(CONFIG.replace("\tdomain", f"\trate {{ in = {rate}  out = {rate} }}\n"
                                          "\thost-access = { tcp:5000 }\n\tdomain"))
            netd.ctl("reload")
            time.sleep(0.2)     # what was sent at once before is over
            bits = int(rate[:-4]) * UNITS[rate[-4:]]
            shares = [stream(guest, host.ns, address) / bits, stream(host.ns, guest, "10.77.0.1") / bits]
            print(f"{rate:>8}  {shares[0]:>13.1%}  {shares[1]:>14.1%}")
    finally:
        guest.close()
        netd.close()
        host.close()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netd as a service: configuration, readiness, socket activation, signals; and the face of its API."""

import grp
import json
import os
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import unittest

from support import NetnsTest

from harness.daemon import CONFIG, NETD, NETDCTL, TOP
from harness.namespaces import DEADLINE, Host, Namespace
from harness.varlink import Client, Error


class Configuration(NetnsTest):
    def check(self, text):
        daemon = self.daemon(text, start=False)
        done = subprocess.run([NETD, "-c", daemon.config, "--check"], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr.replace(daemon.config, "netd.conf")

    def test_canonical_form_is_stable(self):
        text = CONFIG + "network b { mode = isolated host x { address = 10.1.0.5 } subnet = 10.1.0.1/16 }\n"
        code, first, _ = self.check(text)
        self.assertEqual(code, 0)
        code, second, _ = self.check(first)
        self.assertEqual((code, second), (0, first))

    def test_error_with_file_and_line(self):
        code, out, err = self.check("network default {\n\tmode = nat\n\tcolour = red\n}\n")
        self.assertEqual((code, out, err), (1, "", "netd.conf:3: no such option 'colour'\n"))

    def test_builtin_network_without_a_file(self):
        daemon = self.daemon(None)
        network = daemon.ctl_json("networks")
        self.assertEqual([(n["name"], n["mode"], n["up"]) for n in network], [("default", "nat", True)])
        self.assertTrue(network[0]["subnet"].startswith("10."))
        self.assertEqual(self.vmm(daemon, "web1").udhcpc()["serverid"], network[0]["gateway"])

    def test_start_with_a_broken_file(self):
        daemon = self.daemon("network x {\n", start=False)
        before = self.host.ns.dump()
        daemon.start(expect_ready=False)
        self.assertEqual(daemon.process.wait(DEADLINE), 1)
        self.assertEqual(daemon.logged(), f"netd: {daemon.config}:1: the file ends inside a block\n")
        self.assertEqual(self.host.ns.dump(), before)

    def test_arguments(self):
        for argv, code in ((["--nonsense"], 2), (["extra"], 2), (["--help"], 0), (["--version"], 0), (["-c"], 2)):
            done = subprocess.run([NETD, *argv], capture_output=True, text=True)
            self.assertEqual(done.returncode, code, argv)
            self.assertTrue(done.stdout if code == 0 else done.stderr)


class Service(NetnsTest):
    def test_socket_s_owner_and_mode(self):
        with open("/proc/self/gid_map", encoding="ascii") as ids:
            if ids.read().split()[2] == "1":
                self.leave_out("this user has one group only, and can give the socket to no other")
        daemon = self.daemon("socket { mode = 0600 group = daemon }\nnetwork default { subnet = 10.77.0.1/24 }\n")
        mode = os.stat(daemon.socket)
        self.assertEqual((stat.S_IMODE(mode.st_mode), grp.getgrgid(mode.st_gid).gr_name), (0o600, "daemon"))

    def test_stale_socket_is_replaced(self):
        daemon = self.daemon()
        daemon.kill()
        self.assertTrue(os.path.exists(daemon.socket))
        daemon.start()
        daemon.call("GetStatus")

    def test_capabilities_of_its_service_unit(self):
        """With what netd.service leaves it, and no more: a port, its rules, its address, its sysctls, its end."""
        with open(os.path.join(TOP, "netd", "netd.service.in"), encoding="utf-8") as unit:
            line = next(line for line in unit if line.startswith("CapabilityBoundingSet="))
        wanted = ",".join("+" + word.removeprefix("CAP_").lower() for word in line.split("=")[1].split())
        daemon = self.daemon(wrapper=["setpriv", "--no-new-privs", "--inh-caps=-all", f"--bounding-set=-all,{wanted}"])
        with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as status:
            effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
        self.assertEqual(effective.bit_count(), len(wanted.split(",")))
        vmm = self.vmm(daemon, "web1")
        self.assertEqual(vmm.udhcpc()["serverid"], "10.77.0.1")
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        container = Namespace("container")
        self.addCleanup(container.close)
        daemon.ctl("attach", "c1", "--netns", f"/proc/{container.pid}/ns/net")
        self.assertTrue(container.ok("ping", "-c", "1", "-W", "10", Host.INTERNET_ADDRESS))
        daemon.ctl("attach", "t1", "--tap", "--owner", "root")
        for guest in ("web1", "c1", "t1"):
            daemon.ctl("release", guest)
        self.assertEqual(daemon.guests(), {})
        self.assertEqual(daemon.stop(), 0)

    def test_address_families_of_its_service_unit(self):
        """Every socket that its sources open is one that netd.service lets it open."""
        used = set()
        for module in ("bridge", "netd", "tap"):
            for name in os.listdir(os.path.join(TOP, module)):
                if name.endswith(".c"):
                    with open(os.path.join(TOP, module, name), encoding="utf-8") as source:
                        used.update(re.findall(r"\bsocket\((\w+),", source.read()))
        with open(os.path.join(TOP, "netd", "netd.service.in"), encoding="utf-8") as unit:
            line = next(line for line in unit if line.startswith("RestrictAddressFamilies="))
        self.assertEqual(used, {"AF_INET", "AF_PACKET", "AF_UNIX"})
        self.assertLessEqual(used, set(line.split("=")[1].split()))

    def test_socket_activation(self):
        daemon = self.daemon(start=False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(daemon.socket)
            listener.listen()
            os.set_inheritable(listener.fileno(), True)
            wrapper = ["sh", "-c", f'exec 3<&{listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"]
            with Client(daemon.socket) as early:
                early.send({"method": "org.varlink.service.GetInfo"})
                real = self.host.ns.popen
                self.host.ns.popen = lambda *argv, **more: real(*wrapper, *argv, pass_fds=[listener.fileno()], **more)
                daemon.start()
                self.host.ns.popen = real
                self.assertEqual(early.reply()["product"], "netd", "a call that came before netd is answered")
            inode = os.stat(daemon.socket).st_ino
            daemon.stop()
            self.assertEqual(os.stat(daemon.socket).st_ino, inode, "the socket stays the service manager's")

    def test_log_lines_have_priorities_for_the_journal(self):
        daemon = self.daemon(start=False)
        ours, theirs = socket.socketpair()
        info = os.fstat(theirs.fileno())
        with theirs:
            process = self.host.ns.popen(NETD, "-c", "/nonexistent", stderr=theirs, stdin=subprocess.DEVNULL,
                                         env={**os.environ, "JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"})
        ours.settimeout(DEADLINE)
        self.assertEqual(ours.recv(4096), b"<3>/nonexistent: No such file or directory\n")
        self.assertEqual(process.wait(DEADLINE), 1)
        ours.close()
        del daemon

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.daemon()
            daemon.process.send_signal(number)
            self.assertEqual(daemon.process.wait(DEADLINE), 0)
            self.assertFalse(os.path.exists(daemon.socket))


class Api(NetnsTest):
    def test_introspection(self):
        daemon = self.daemon()
        with daemon.client() as client:
            info = client.call("org.varlink.service.GetInfo")
            self.assertEqual((info["product"], info["interfaces"]), ("netd", ["org.varlink.service", "io.netd"]))
            description = client.call("org.varlink.service.GetInterfaceDescription", interface="io.netd")["description"]
            with open(os.path.join(TOP, "netd", "io.netd.varlink"), encoding="utf-8") as idl:
                self.assertEqual(description, idl.read())
            own = client.call("org.varlink.service.GetInterfaceDescription", interface="org.varlink.service")
            self.assertIn("interface org.varlink.service", own["description"])
            for method in re.findall(r"^method (\w+)", description, re.M):
                try:
                    client.call(f"io.netd.{method}", nothing=1)
                except Error as e:
                    self.assertEqual((e.name, e.parameters),
                                     ("org.varlink.service.InvalidParameter", e.parameters), method)

    def test_replies_have_the_members_of_the_definition(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1").udhcpc()
        with open(os.path.join(TOP, "netd", "io.netd.varlink"), encoding="utf-8") as idl:
            text = re.sub(r"#.*", "", idl.read())
        types = {name: set(re.findall(r"(\w+):", body)) for name, body in re.findall(r"type (\w+) \(([^)]*:[^)]*)\)", text)}
        status = daemon.call("GetStatus")
        result = re.search(r"method GetStatus\(\) -> \(([^)]*)\)", text).group(1)
        self.assertEqual(set(status), set(re.findall(r"(\w+):", result)))
        self.assertEqual(set(status["networks"][0]), types["Network"])
        self.assertEqual(set(status["uplinks"][0]), types["Uplink"])
        port = daemon.call("ListGuests")["guests"][0]
        self.assertEqual(set(port), types["Port"])
        self.assertEqual(set(port["lease"]), types["PortLease"])
        self.assertEqual(set(daemon.call("ListLeases")["leases"][0]), types["Lease"])
        watch = daemon.watch(since=1)
        for kind in ("started", "attached", "lease-bound"):
            self.assertLessEqual(set(watch.until(kind)), types["Event"])
        watch.close()

    def test_only_root_may(self):
        daemon = self.daemon("socket { mode = 0666 }\n" + CONFIG)
        os.chmod(daemon.directory, 0o755)
        if os.getuid() != 0 or subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "true"],
                                              stderr=subprocess.DEVNULL).returncode:
            self.leave_out("this user cannot become another")
        script = ("import sys; sys.path.insert(0, sys.argv[2]); from harness.varlink import *\n"
                  "c = Client(sys.argv[1])\nprint(c.call('org.varlink.service.GetInfo')['product'])\n"
                  "try:\n    c.call('io.netd.Attach', guest='web1')\nexcept Error as e:\n    print(e.name)\n")
        helper = os.path.join(daemon.directory, "helper")
        subprocess.run(["cp", "-r", os.path.join(TOP, "tests", "harness"), helper + "-harness"], check=True)
        os.makedirs(helper)
        os.rename(helper + "-harness", os.path.join(helper, "harness"))
        subprocess.run(["chmod", "-R", "a+rX", helper], check=True)
        done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-c",
                               script, daemon.socket, helper], capture_output=True, text=True)
        self.assertEqual(done.stdout.split(), ["netd", "io.netd.NotPermitted"], done.stderr)
        self.assertEqual(daemon.guests(), {})

    def test_descriptors_carry_frames(self):
        """An attach by hand: what is written to the descriptor comes out of the bridge."""
        daemon = self.daemon()
        with daemon.client() as client:
            reply = client.call("io.netd.Attach", guest="web1", vhost="off")
            fd = client.fds[reply["tapFileDescriptors"][0]]
            mac = bytes.fromhex(reply["port"]["mac"].replace(":", ""))
            address = socket.inet_aton(reply["port"]["addresses"][0].split("/")[0])
            gateway = socket.inet_aton(reply["port"]["gateway"])
            # A virtio header, then an ARP request for the gateway.
            arp = b"\0\1\x08\0\6\4\0\1" + mac + address + b"\0" * 6 + gateway
            os.write(fd, b"\0" * 10 + b"\xff" * 6 + mac + b"\x08\x06" + arp)
            while True:
                self.assertTrue(select.select([fd], [], [], DEADLINE)[0])
                frame = os.read(fd, 2048)[10:]
                if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2":
                    break
            self.assertEqual((frame[:6], frame[28:32]), (mac, gateway))
            os.close(fd)

    def test_wait(self):
        daemon = self.daemon()
        with self.assertRaises(Error) as timeout:
            daemon.call("Wait", guest="web1", **{"for": "bound", "timeoutSeconds": 0.01})
        self.assertEqual(timeout.exception.name, "io.netd.TimedOut")
        waiter = subprocess.Popen([NETDCTL, "-s", daemon.socket, "wait", "web1", "--for", "bound", "--json"],
                                  stdout=subprocess.PIPE, text=True)
        vmm = self.vmm(daemon, "web1")
        lease = vmm.udhcpc()
        out, _ = waiter.communicate(timeout=DEADLINE)
        self.assertEqual(json.loads(out)["addresses"], [lease["ip"] + "/24"])
        self.assertEqual(waiter.returncode, 0)
        code, _, said = daemon.ctl("wait", "web1", "--for", "gone", "--timeout", "0", check=False)
        self.assertEqual((code, said), (1, "netdctl: it did not happen in time\n"))

    def test_events_command(self):
        daemon = self.daemon()
        events = subprocess.Popen([NETDCTL, "-s", daemon.socket, "--json", "events"], stdout=subprocess.PIPE, text=True)
        self.vmm(daemon, "web1").udhcpc()
        seen = []
        while not seen or seen[-1]["event"] != "lease-bound":
            seen.append(json.loads(events.stdout.readline()))
        self.assertEqual([e["event"] for e in seen], ["network-up", "started", "attached", "lease-bound"])
        self.assertEqual([e["number"] for e in seen], [1, 2, 3, 4])
        events.kill()
        events.communicate()
        text = subprocess.Popen([NETDCTL, "-s", daemon.socket, "events", "--since", "4"], stdout=subprocess.PIPE, text=True)
        self.assertRegex(text.stdout.readline(), r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} lease-bound web1/0 on default nt")
        text.kill()
        text.communicate()

    def test_lists_for_people_and_for_programs(self):
        daemon = self.daemon()
        self.assertEqual(daemon.ctl_json("guests"), [])
        self.assertEqual(daemon.ctl_json("leases"), [])
        self.vmm(daemon, "web1").udhcpc()
        guest = daemon.ctl_json("guests")[0]
        self.assertLessEqual({"guest", "nic", "network", "interface", "mac", "addresses", "gateway", "state", "queues",
                              "vhost", "lease"}, set(guest))
        lease = daemon.ctl_json("leases", "default")[0]
        self.assertLessEqual({"network", "address", "mac", "clientId", "hostname", "guest", "nic", "state", "expires"},
                             set(lease))
        for command, pattern in (("guests", r"^web1/0 +default +attached +nt\w+ +\S+ +10\.77\.0\.\d+/24 +no +bound, ends in"),
                                 ("leases", r"^default +10\.77\.0\.\d+ +\S+ +web1/0 .* bound +in "),
                                 ("networks", r"^default +nat +up +nd-default +10\.77\.0\.0/24 +10\.77\.0\.1 +1/253 +1$"),
                                 ("status", r"^1 ports, 1 attached, 1 leases")):
            self.assertRegex(daemon.ctl(command)[1], re.compile(pattern, re.M))
        self.assertRegex(daemon.ctl("network", "default")[1], re.compile(r"^subnet +10\.77\.0\.0/24$", re.M))


if __name__ == "__main__":
    unittest.main()

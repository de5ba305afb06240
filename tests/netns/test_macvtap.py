#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks of mode macvtap: a LAN with its own router and DHCP server, and guests that are stations of it.

The host's uplink up0 leads to the namespace that other tests take for the internet; here its card is the LAN's router.
"""

import os
import select
import signal
import stat
import subprocess
import sys
import unittest

from support import NetnsTest

from harness import frames
from harness.varlink import Error

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROUTER, HOST = "192.0.2.1", "192.0.2.2"
STRANGER = "52:54:00:00:00:77"

# The LAN gives addresses.
LAN = "network lan { mode = macvtap  uplink = up0 %s }"
# netd does, of a part of the LAN's subnet.
KNOWN = "network lan { mode = macvtap  uplink = up0  subnet = 192.0.2.1/24  range = { 192.0.2.50-192.0.2.99 } %s }"

UDHCPD = """
start 192.0.2.150
end 192.0.2.199
interface eth0
lease_file {0}/leases
pidfile {0}/pid
option subnet 255.255.255.0
option router 192.0.2.1
"""

# Holds descriptors until its input ends.
HOLDER = "import sys; sys.stdout.write('here\\n'); sys.stdout.flush(); sys.stdin.read()"



def setUpModule():
    """Device files of their own, which no other netd on this machine makes or removes; where a user may make none, those there
    are stay."""
    with open("/proc/self/uid_map", encoding="utf-8") as uids:
        if uids.read().split() != ["0", "0", "4294967295"]:
            return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/dev/net"], check=True)
    os.mknod("/dev/net/tun", 0o666 | stat.S_IFCHR, os.makedev(10, 200))


# Has a file of a server open that never answers; a process of its own, since whoever inherits it cannot even close it.
SILENT = """
import sys
from harness.silent import SilentFile
try:
    silent = SilentFile()
except OSError as e:
    sys.exit(print(e.strerror))
print("here", flush=True)
sys.stdin.read()
silent.close()
"""


class MacvtapTest(NetnsTest):

    def setUp(self):
        super().setUp()
        self.lan = self.host.internet
        self.lan.run("sh", "-c", "ip link set net0 down; ip link set net0 name eth0; ip link set eth0 up")

    def station(self, daemon, name, *options):
        """A guest with the address that netd gave it in use."""
        vmm = self.vmm(daemon, name, *options)
        vmm.port = daemon.guests()[f"{name}/0"]
        vmm.address = vmm.port["addresses"][0].split("/")[0]
        vmm.run("ip", "addr", "add", vmm.port["addresses"][0], "dev", "eth0")
        return vmm

    def sniffer(self, place):
        sniffer = frames.Sniffer(place)
        self.addCleanup(sniffer.close)
        return sniffer

    def serve(self):
        directory = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"udhcpd-{os.getpid()}")
        os.makedirs(directory, exist_ok=True)
        self.addCleanup(subprocess.run, ["rm", "-r", directory], check=True)
        config = os.path.join(directory, "conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write(UDHCPD.format(directory))
        open(os.path.join(directory, "leases"), "w", encoding="utf-8").close()
        server = self.lan.popen("busybox", "udhcpd", "-f", config, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

    def ports(self):
        """The host's macvtap devices."""
        return sorted(name for name, link in self.host.ns.links().items()
                      if link.get("linkinfo", {}).get("info_kind") == "macvtap")

    def attach(self, daemon, guest, **more):
        """The port and its descriptors."""
        client = daemon.client()
        self.addCleanup(client.close)
        reply = client.call("io.netd.Attach", guest=guest, **more)
        fds = list(client.fds)
        client.fds.clear()
        return reply, fds

    def mac_of(self, name):
        return self.host.ns.links()[name]["address"]


class TestStations(MacvtapTest):

    def test_guests_reach_the_lan_and_one_another(self):
        daemon = self.daemon(KNOWN % "")
        one, two = self.station(daemon, "one"), self.station(daemon, "two")
        self.assertTrue(one.ping(ROUTER))
        self.assertTrue(one.ping(two.address))
        self.assertEqual((one.port["bridge"], one.port["gateway"], one.port["mtu"]), ("", ROUTER, 1500))
        link = self.host.ns.links()[one.port["interface"]]
        self.assertEqual((link["address"], link["ifalias"], link["altnames"]),
                         (one.port["mac"], "netd:lan/one/0", ["one.0"]))
        network, = daemon.ctl_json("networks")
        self.assertTrue(network["up"])
        self.assertEqual((network["mode"], network["attached"]), ("macvtap", 2))
        self.assertEqual([f for f in daemon.ctl_json("doctor") if f["severity"] == "breaks"], [])

    def test_the_lan_gives_addresses(self):
        self.serve()
        daemon = self.daemon(LAN % "")
        vmm = self.vmm(daemon, "one")
        lease = vmm.udhcpc()
        self.assertTrue(lease["ip"].startswith("192.0.2.1"), lease)
        self.assertTrue(vmm.ping(ROUTER))
        port = daemon.guests()["one/0"]
        self.assertEqual((port["addresses"], port["gateway"]), ([], None))

    def test_addresses_that_others_have_are_not_given(self):
        daemon = self.daemon(KNOWN % "")
        first = self.attach(daemon, "one")[0]["port"]["addresses"][0]
        daemon.ctl("release", "one")
        self.lan.run("ip", "addr", "add", first.replace("/24", "/32"), "dev", "lo")
        # Its MAC rests for a guest of its name, and so it would get the same address again.
        second = self.attach(daemon, "one")[0]["port"]["addresses"][0]
        self.assertNotEqual(second, first)

    def test_private_guests_do_not_reach_one_another(self):
        daemon = self.daemon(KNOWN % "macvtap-mode = private")
        one, two = self.station(daemon, "one"), self.station(daemon, "two")
        self.assertTrue(one.ping(ROUTER))
        sniffer, lan = self.sniffer(two), self.sniffer(self.lan)
        wire = self.sniffer(one)
        ask = frames.arp(1, one.port["mac"], one.port["mac"], one.address, frames.NOBODY, two.address)
        wire.send(ask)
        lan.until(ask)
        # Whatever was sent before this is there as well.
        marker = frames.ethernet(self.lan_mac(), two.port["mac"], frames.IPV4, b"marker" + bytes(60))
        lan.send(marker)
        self.assertNotIn(ask, sniffer.until(marker))

    def lan_mac(self):
        return self.lan.links()["eth0"]["address"]

    def test_vepa_guests_reach_one_another_by_a_switch_that_sends_back(self):
        daemon = self.daemon(KNOWN % "macvtap-mode = vepa")
        one, two = self.station(daemon, "one"), self.station(daemon, "two")
        self.assertTrue(one.ping(ROUTER))
        self.assertFalse(one.ok("ping", "-c", "1", "-W", "1", two.address))
        self.lan.run("sh", "-c", "ip link add br0 type bridge mcast_snooping 0; ip addr del 192.0.2.1/24 dev eth0; "
                     "ip link set eth0 master br0; bridge link set dev eth0 hairpin on; ip link set br0 up; "
                     "ip addr add 192.0.2.1/24 dev br0")
        self.assertTrue(one.ping(two.address))

    def test_queues_share_what_comes(self):
        daemon = self.daemon(KNOWN % "")
        reply, fds = self.attach(daemon, "one", queues=2)
        self.assertEqual((len(fds), reply["port"]["queues"]), (2, 2))
        source, seen = self.sniffer(self.lan), set()
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        for port in range(1000, 3000):
            payload = frames.ipv4(ROUTER, reply["port"]["addresses"][0].split("/")[0], frames.UDP,
                                  frames.udp(ROUTER, "192.0.2.50", port, 9, b"x"))
            source.send(frames.ethernet(self.lan_mac(), reply["port"]["mac"], frames.IPV4, payload))
            for fd, _ in poll.poll(0):
                seen.add(fd)
                os.read(fd, 65536)
            if len(seen) == 2:
                break
        self.assertEqual(seen, set(fds))
        # And out by both, with their virtio headers.
        for number, fd in enumerate(fds):
            frame = frames.arp(1, reply["port"]["mac"], reply["port"]["mac"],
                               reply["port"]["addresses"][0].split("/")[0], frames.NOBODY, f"192.0.2.{200 + number}")
            os.write(fd, bytes(10) + frame)
            source.until(frame)
        for fd in fds:
            os.close(fd)

    def test_host_and_guest_by_the_hosts_own_device(self):
        daemon = self.daemon(KNOWN % "host-access = yes")
        one = self.station(daemon, "one")
        links = self.host.ns.links()
        self.assertEqual(links["nd-lan"]["ifalias"], "netd:lan")
        address, = [a["local"] for a in self.host.ns.json("ip", "-j", "-4", "addr", "show", "dev", "nd-lan")[0]["addr_info"]]
        self.assertTrue(one.ping(address))
        self.assertTrue(self.host.ns.ok("ping", "-c", "1", "-W", "10", one.address))
        self.assertTrue(self.host.ns.ok("ping", "-c", "1", "-W", "10", ROUTER))
        # Whoever takes the address or the device away does not take it for long.
        for what in (("addr", "del", address + "/32", "dev", "nd-lan"), ("link", "del", "nd-lan")):
            self.host.ns.run("ip", *what)
            self.until(lambda: self.host.ns.ok("ping", "-c", "1", "-W", "1", "-I", address, one.address))
        daemon.ctl("detach", "one")
        self.assertNotIn(one.address, self.host.ns.run("ip", "route"))
        # The same address again, and nothing twice.
        daemon.stop()
        daemon.start()
        self.assertIn(address, self.host.ns.run("ip", "-4", "addr", "show", "dev", "nd-lan"))
        # It is not wanted any more.
        daemon.configure(KNOWN % "")
        daemon.ctl("reload")
        self.assertNotIn("nd-lan", self.host.ns.links())

    def test_without_it_the_answer_says_so(self):
        daemon = self.daemon(KNOWN % "")
        reply, fds = self.attach(daemon, "one")
        self.assertIn("host and guest cannot reach one another", reply["note"])
        for fd in fds:
            os.close(fd)
        vmm = self.vmm(daemon, "two")
        vmm.close()
        self.assertIn("host and guest cannot reach one another", vmm.said)

    def test_the_command_line_asks_for_it(self):
        daemon = self.daemon(KNOWN % "" + "network default { }\n")
        self.assertEqual(daemon.ctl("attach", "one", "--macvtap", "--network", "default", check=False)[::2],
                         (1, "netdctl: network default is of mode nat, and --macvtap is for one of mode macvtap\n"))
        self.assertEqual(daemon.ctl("attach", "one", "--macvtap", "--tap", check=False)[0], 2)
        vmm = self.vmm(daemon, "one", "--macvtap")
        self.assertEqual(daemon.guests()["one/0"]["network"], "lan")
        vmm.close()

    def test_passthru_is_for_one(self):
        before = self.mac_of("up0")
        daemon = self.daemon(KNOWN % "macvtap-mode = passthru")
        one = self.station(daemon, "one")
        self.assertEqual(self.mac_of("up0"), one.port["mac"])
        self.assertTrue(one.ping(ROUTER))
        with self.assertRaises(Error) as refused:
            self.attach(daemon, "two")
        self.assertEqual(refused.exception.name, "io.netd.BadValue")
        self.assertEqual(refused.exception.parameters["reason"],
                         "guest one/0 has uplink up0 for itself (macvtap-mode = passthru)")
        self.assertEqual(list(daemon.guests()), ["one/0"])
        one.close()
        daemon.ctl("wait", "one", "--for", "gone", "--timeout", "30")
        self.assertEqual(self.mac_of("up0"), before)
        self.assertTrue(self.station(daemon, "two").ping(ROUTER))


class TestGuard(MacvtapTest):

    def attack(self, daemon, frame):
        """Whether the frame reaches the LAN."""
        one = self.station(daemon, "one")
        lan, wire = self.sniffer(self.lan), self.sniffer(one)
        frame = frame(one)
        marker = frames.arp(1, one.port["mac"], one.port["mac"], one.address, frames.NOBODY, "192.0.2.254")
        wire.send(frame)
        wire.send(marker)
        came = frame in lan.until(marker)
        held = {k: n for k, n in daemon.guests()["one/0"]["guard"]["drops"].items() if n}
        one.close()
        daemon.ctl("wait", "one", "--for", "gone", "--timeout", "30")
        return came, held

    @staticmethod
    def packet(vmm, source, payload, protocol=frames.UDP, mac=None):
        return frames.ethernet(mac or vmm.port["mac"], frames.BROADCAST, frames.IPV4,
                               frames.ipv4(source, ROUTER, protocol, payload))

    def attacks(self):
        def udp(source, source_port, port):
            return frames.udp(source, ROUTER, source_port, port, b"spoof")
        return {
            "mac": lambda vmm: self.packet(vmm, vmm.address, udp(vmm.address, 9, 9), mac=STRANGER),
            "ip": lambda vmm: self.packet(vmm, ROUTER, udp(ROUTER, 9, 9)),
            "arp": lambda vmm: frames.arp(2, vmm.port["mac"], vmm.port["mac"], ROUTER, frames.NOBODY, ROUTER),
            "dhcp-server": lambda vmm: self.packet(vmm, vmm.address, udp(vmm.address, 67, 68)),
            "redirect": lambda vmm: frames.ethernet(vmm.port["mac"], frames.BROADCAST, frames.IPV4,
                                                    frames.redirect(vmm.address, HOST, "203.0.113.7", vmm.address)),
            "ra": lambda vmm: frames.frame6(vmm.port["mac"], frames.ra(frames.link_local(vmm.port["mac"]),
                                                                      vmm.port["mac"])),
            "vlan": lambda vmm: frames.ethernet(vmm.port["mac"], frames.BROADCAST, frames.IPV4, bytes(60),
                                                [(frames.VLAN, 5)]),
            "ethertype": lambda vmm: frames.bpdu(vmm.port["mac"]),
        }

    def test_what_is_not_the_guests_own_is_held_back(self):
        daemon = self.daemon(KNOWN % "")
        for reason, frame in self.attacks().items():
            with self.subTest(reason):
                self.assertEqual(self.attack(daemon, frame), (False, {reason: 1}))

    def test_what_is_watched_passes_and_is_counted(self):
        daemon = self.daemon(KNOWN % "guard = log")
        for reason, frame in self.attacks().items():
            with self.subTest(reason):
                self.assertEqual(self.attack(daemon, frame), (True, {reason: 1}))

    def test_without_a_guard_everything_passes(self):
        daemon = self.daemon(KNOWN % "guard = off")
        for reason, frame in self.attacks().items():
            with self.subTest(reason):
                self.assertEqual(self.attack(daemon, frame), (True, {}))

    def test_it_is_told(self):
        daemon = self.daemon(KNOWN % "")
        one = self.station(daemon, "one")
        watch = daemon.watch()
        self.addCleanup(watch.close)
        self.sniffer(one).send(self.attacks()["mac"](one))
        event = watch.until("spoof")
        self.assertEqual((event["guest"], event["interface"]), ("one", one.port["interface"]))
        self.assertRegex(event["detail"], f"^mac: {STRANGER} > .*, {one.address} > {ROUTER}, UDP 9 > 9")

    def test_rules_that_others_delete_are_put_back(self):
        daemon = self.daemon(KNOWN % "")
        one = self.station(daemon, "one")
        watch = daemon.watch()
        self.addCleanup(watch.close)
        before = self.host.ns.run("nft", "-s", "list", "table", "netdev", "netd")
        self.assertIn(one.port["interface"], before)
        self.host.ns.run("nft", "delete", "table", "netdev", "netd")
        watch.until("rules-restored")
        self.assertEqual(self.host.ns.run("nft", "-s", "list", "table", "netdev", "netd"), before)


class TestLife(MacvtapTest):

    def gone(self, daemon, guest="one"):
        daemon.ctl("wait", guest, "--for", "gone", "--timeout", "30")
        self.assertEqual(self.ports(), [])

    def test_the_device_goes_with_its_vmm(self):
        daemon = self.daemon(KNOWN % "")
        dumps = []
        for _ in range(2):  # the guard's table stays from the first on
            one = self.station(daemon, "one", "--queues", "2")
            self.assertTrue(one.ping(ROUTER))
            one.close()
            self.gone(daemon)
            self.assertEqual(daemon.guests()["one/0"]["state"], "reserved")
            daemon.ctl("release", "one")
            dumps.append(self.host.ns.dump())
        self.assertEqual(*dumps)

    def test_descriptors_that_somebody_else_has_keep_it(self):
        daemon = self.daemon(KNOWN % "")
        _, fds = self.attach(daemon, "one", queues=3)
        holder = subprocess.Popen([sys.executable, "-c", HOLDER], pass_fds=fds[1:2], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdout.close)
        holder.stdout.readline()
        for fd in fds:
            os.close(fd)
        # Two of three are closed, and whatever that brings has been handled when this is answered.
        daemon.ctl("detach", "nobody", check=False)
        daemon.ctl("networks")
        self.assertEqual(len(self.ports()), 1)
        self.assertEqual(daemon.guests()["one/0"]["state"], "attached")
        holder.stdin.close()
        self.gone(daemon)

    def test_a_guest_outlives_the_daemon(self):
        daemon = self.daemon(KNOWN % "")
        one = self.station(daemon, "one", "--queues", "2")
        for _ in range(3):  # by the name of its device file, and then by who has it open
            daemon.kill()
            daemon.start()
            port = daemon.guests()["one/0"]
            self.assertEqual((port["state"], port["interface"]), ("attached", one.port["interface"]))
            self.assertTrue(one.ping(ROUTER))
        one.close()
        self.gone(daemon)

    def test_whose_files_others_have_open_is_not_asked(self):
        """A file server that never answers does not keep the daemon waiting that looks for who has its devices open."""
        silent = subprocess.Popen([sys.executable, "-c", SILENT], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        self.addCleanup(silent.communicate)
        said = silent.stdout.readline().strip()
        if said != "here":
            self.leave_out(f"there is no FUSE here ({said})")
        daemon = self.daemon(KNOWN % "")
        one = self.station(daemon, "one")
        for _ in range(2):  # by the name of its device file, and then by who has it open
            daemon.kill()
            daemon.start()
        self.assertEqual(daemon.guests()["one/0"]["state"], "attached")
        self.assertTrue(one.ping(ROUTER))

    def test_a_vmm_that_died_meanwhile_is_reaped_at_start(self):
        daemon = self.daemon(KNOWN % "")
        one, two = self.station(daemon, "one"), self.station(daemon, "two")
        daemon.kill()
        one.close()
        self.assertEqual(len(self.ports()), 2)
        daemon.start()
        self.assertEqual(self.ports(), [two.port["interface"]])
        daemon.kill()
        two.close()
        daemon.start()
        self.assertEqual(self.ports(), [])
        self.assertEqual({p["state"] for p in daemon.guests().values()}, {"reserved"})

    def test_detach_takes_it_from_a_running_vmm(self):
        daemon = self.daemon(KNOWN % "")
        one = self.station(daemon, "one")
        daemon.ctl("detach", "one")
        self.assertEqual(self.ports(), [])
        two = self.station(daemon, "two")
        self.assertTrue(two.ping(ROUTER))
        one.close()
        again = self.station(daemon, "one")
        self.assertEqual((again.port["mac"], again.address), (one.port["mac"], one.address))

    def test_a_client_that_hangs_up_leaves_nothing(self):
        daemon = self.daemon(KNOWN % "")
        client = daemon.client()
        client.send({"method": "io.netd.Attach", "parameters": {"guest": "one"}})
        client.close()
        self.until(lambda: not self.ports() and not daemon.guests().get("one/0", {}).get("interface"))

    def test_nothing_is_left_in_dev(self):
        daemon = self.daemon(KNOWN % "")
        before = set(os.listdir("/dev/net"))
        one = self.station(daemon, "one")
        self.assertEqual(len(set(os.listdir("/dev/net")) - before), 1)
        one.process.send_signal(signal.SIGKILL)
        one.close()
        self.gone(daemon)
        self.assertLessEqual(set(os.listdir("/dev/net")), before)

    def test_what_is_not_netds_is_not_touched(self):
        self.host.ns.run("ip", "link", "add", "link", "up0", "name", "ntother", "type", "macvtap", "mode", "bridge")
        self.host.ns.run("ip", "link", "add", "link", "up0", "name", "mv0", "type", "macvlan", "mode", "bridge")
        daemon = self.daemon(KNOWN % "host-access = yes")
        self.station(daemon, "one")
        daemon.kill()
        daemon.start()
        self.assertLessEqual({"ntother", "mv0"}, set(self.host.ns.links()))

    def test_the_uplink_comes_and_goes(self):
        daemon = self.daemon(KNOWN % "host-access = yes")
        one = self.station(daemon, "one")
        watch = daemon.watch()
        self.addCleanup(watch.close)
        self.host.ns.run("ip", "link", "set", "up0", "down")
        watch.until("network-down")
        network, = daemon.ctl_json("networks")
        self.assertEqual(network["reason"], "its uplink up0 is down")
        with self.assertRaises(Error) as refused:
            self.attach(daemon, "two")
        self.assertEqual(refused.exception.name, "io.netd.NetworkDown")
        self.host.ns.run("ip", "link", "set", "up0", "up")
        watch.until("network-up")
        self.assertTrue(one.ping(ROUTER))
        self.host.ns.run("ip", "link", "del", "up0")
        watch.until("network-down")
        network, = daemon.ctl_json("networks")
        self.assertEqual(network["reason"], "its uplink up0 is not there")
        self.assertEqual(self.ports(), [])
        self.host.ns.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", str(self.lan.pid))
        self.lan.run("ip", "addr", "add", f"{ROUTER}/24", "dev", "eth0")
        self.lan.run("ip", "link", "set", "eth0", "up")
        self.host.ns.run("ip", "link", "set", "up0", "up")
        watch.until("network-up")
        self.assertTrue(self.station(daemon, "three").ping(ROUTER))

    def test_the_mtu_is_the_uplinks(self):
        daemon = self.daemon(KNOWN % "")
        one = self.station(daemon, "one")
        self.host.ns.run("ip", "link", "set", "up0", "mtu", "1400")
        self.until(lambda: daemon.guests()["one/0"]["mtu"] == 1400)
        self.until(lambda: self.host.ns.links()[one.port["interface"]]["mtu"] == 1400)


if __name__ == "__main__":
    unittest.main()

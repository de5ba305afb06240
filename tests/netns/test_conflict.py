#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody else has an address: squatters that are found, told of, and evaded."""

import contextlib
import os
import socket
import unittest

from support import NetnsTest

from harness import arp, dhcp
from harness.daemon import CONFIG as GUARDED
from harness.namespaces import Namespace
from harness.varlink import Error

# One question a second, so that a test does not wait for long; or none during a test at all.
# Guests that take others' addresses, which the guard would not let them.
CONFIG = GUARDED.replace("domain", "guard = off\n\tdomain")
SWEPT = CONFIG.replace("domain", "sweep = 1s\n\tdomain")
HEARD = CONFIG.replace("domain", "sweep = 1d\n\tdomain")
PROBED = CONFIG.replace("domain", "probe = on\n\tsweep = 0\n\tdomain")

# Clients behind an interface of the host. Joined, it would switch probing on by itself.
SERVED = """
	port veth7 { serve = yes }
	domain"""
CLIENTS = HEARD.replace("domain", SERVED)
CLIENTS_SWEPT = SWEPT.replace("domain", SERVED)
CLIENTS_COLD = CLIENTS.replace("sweep", "probe-stock = 0\n\tsweep")

STRANGER = "52:54:00:00:00:77"


def address_of(port):
    return port["addresses"][0].split("/")[0]


class ConflictTest(NetnsTest):
    def victim(self, daemon, bound):
        """A guest, and its port; with a lease or without."""
        vmm = self.vmm(daemon, "victim")
        if bound:
            vmm.udhcpc()
        return vmm, daemon.guests()["victim/0"]

    def squatter(self, daemon, address):
        """A guest that has somebody's address, says nothing about it, and answers ARP but no ping."""
        vmm = self.vmm(daemon, "squatter")
        vmm.run("sysctl", "-q", "net.ipv4.icmp_echo_ignore_all=1")
        vmm.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        return vmm, daemon.guests()["squatter/0"]


class Sweep(ConflictTest):
    def test_bound_guest_keeps_its_address(self):
        daemon = self.daemon(SWEPT)
        victim, port = self.victim(daemon, bound=True)
        watch = daemon.watch()
        _, squatter = self.squatter(daemon, address_of(port))
        event = watch.until("conflict")
        self.assertEqual((event["network"], event["address"], event["mac"], event["guest"], event["nic"], event["interface"]),
                         ("default", address_of(port), squatter["mac"], "squatter", 0, squatter["interface"]))
        self.assertRegex(event["detail"], r"^it is victim/0's, which uses it and keeps it ")
        watch.close()
        self.assertEqual(daemon.guests()["victim/0"]["addresses"], port["addresses"])
        self.assertEqual(victim.udhcpc()["ip"], address_of(port))

    def test_guest_without_a_lease_gets_another(self):
        daemon = self.daemon(SWEPT)
        victim, port = self.victim(daemon, bound=False)
        watch = daemon.watch()
        self.squatter(daemon, address_of(port))
        watch.until("conflict", address=address_of(port), guest="squatter")
        event = watch.until("quarantined", guest="victim", address=address_of(port))
        watch.close()
        moved = daemon.guests()["victim/0"]
        self.assertNotEqual(moved["addresses"], port["addresses"])
        self.assertIn(f"the port has {address_of(moved)} now", event["detail"])
        self.assertEqual(victim.udhcpc()["ip"], address_of(moved))
        leases = {lease["address"]: lease["state"] for lease in daemon.ctl_json("leases")}
        self.assertEqual(leases, {address_of(port): "declined", address_of(moved): "bound"})

    def test_squatter_behind_a_foreign_port(self):
        daemon = self.daemon(SWEPT)
        _, port = self.victim(daemon, bound=True)
        watch = daemon.watch()
        ns = self.host.ns
        ns.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth7", "netns", str(self.host.internet.pid))
        ns.run("ip", "link", "set", "lan0", "master", "nd-default", "up")
        self.host.internet.run("ip", "link", "set", "eth7", "address", STRANGER, "up")
        self.host.internet.run("ip", "addr", "add", f"{address_of(port)}/24", "dev", "eth7")
        event = watch.until("conflict", address=address_of(port), mac=STRANGER)
        self.assertEqual((event.get("guest"), event["interface"]), (None, "lan0"))
        watch.close()

    def test_what_is_asked_changes_no_cache(self):
        daemon = self.daemon(SWEPT)
        victim, port = self.victim(daemon, bound=True)
        bridge_mac = daemon.call("ListNetworks")["networks"][0]["bridgeMac"]
        victim.run("ip", "neigh", "flush", "dev", "eth0")
        with dhcp.Wire(victim) as wire:
            data = wire.incoming()
            while not dhcp.is_arp(data):
                data = wire.incoming()
        seen = arp.Probe(data)
        self.assertEqual((seen.destination, seen.source, seen.operation), (arp.BROADCAST, bridge_mac, arp.REQUEST))
        self.assertEqual((seen.sender_mac, seen.sender, seen.target_mac, seen.target),
                         (bridge_mac, bytes(4), arp.NOBODY, socket.inet_aton(address_of(port))))
        self.assertEqual(victim.run("ip", "neigh", "show", "dev", "eth0"), "")

    def test_bridge_that_was_made_anew_is_swept(self):
        daemon = self.daemon(SWEPT)
        _, port = self.victim(daemon, bound=True)
        watch = daemon.watch()
        self.host.ns.run("ip", "link", "del", "nd-default")
        watch.until("network-up", network="default")
        self.squatter(daemon, address_of(port))
        watch.until("conflict", address=address_of(port), guest="squatter")
        watch.close()


class Heard(ConflictTest):
    """What guests say by themselves."""

    def test_gratuitous_arp(self):
        daemon = self.daemon(HEARD)
        _, port = self.victim(daemon, bound=True)
        other = self.vmm(daemon, "squatter")
        watch = daemon.watch()
        with dhcp.Wire(other) as wire:
            wire.send(arp.announcement(STRANGER, address_of(port)))
        watch.until("conflict", address=address_of(port), mac=STRANGER, guest="squatter")
        watch.close()

    def test_gateway(self):
        daemon = self.daemon(HEARD)
        other = self.vmm(daemon, "squatter")
        watch = daemon.watch()
        with dhcp.Wire(other) as wire:
            wire.send(arp.frame(arp.REPLY, STRANGER, "10.77.0.1", "10.77.0.9"))
        event = watch.until("conflict", address="10.77.0.1", mac=STRANGER, guest="squatter")
        self.assertRegex(event["detail"], r"^it is the gateway's ")
        watch.close()

    def test_what_is_no_conflict(self):
        """The first that is told of is the last that is sent."""
        daemon = self.daemon(HEARD)
        _, port = self.victim(daemon, bound=True)
        other = self.vmm(daemon, "squatter")
        address = address_of(port)
        watch = daemon.watch()
        with dhcp.Wire(other) as wire:
            wire.send(arp.announcement(STRANGER, address, vlan=7))
            wire.send(arp.probe(STRANGER, address))
            wire.send(arp.frame(arp.REQUEST, STRANGER, "10.77.0.251", address))
            wire.send(arp.announcement(port["mac"], address))  # a guest that has migrated
            wire.send(arp.announcement(STRANGER, address)[:-1])
            wire.send(arp.announcement("52:54:00:00:00:78", address))
        self.assertEqual(watch.until("conflict")["mac"], "52:54:00:00:00:78")
        watch.close()

    def test_quarantine_survives_a_restart(self):
        daemon = self.daemon(HEARD)
        _, port = self.victim(daemon, bound=False)
        other = self.vmm(daemon, "squatter")
        watch = daemon.watch()
        with dhcp.Wire(other) as wire:
            wire.send(arp.announcement(STRANGER, address_of(port)))
        watch.until("quarantined", guest="victim")
        watch.close()
        moved = daemon.guests()["victim/0"]["addresses"]
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.guests()["victim/0"]["addresses"], moved)
        self.assertEqual([(lease["address"], lease["state"]) for lease in daemon.ctl_json("leases")],
                         [(address_of(port), "declined")])
        with self.assertRaisesRegex(AssertionError, "quarantine"):
            daemon.ctl("attach", "web9", "--address", address_of(port), "--json")

    def test_not_swept_is_not_heard(self):
        daemon = self.daemon(CONFIG.replace("domain", "sweep = 0\n\tdomain"))
        sockets = self.host.ns.run("cat", "/proc/net/packet").count("\n")
        daemon.configure(HEARD)
        daemon.ctl("reload")
        self.assertEqual(self.host.ns.run("cat", "/proc/net/packet").count("\n"), sockets + 1)
        daemon.configure(CONFIG.replace("domain", "sweep = 0\n\tdomain"))
        daemon.ctl("reload")
        self.assertEqual(self.host.ns.run("cat", "/proc/net/packet").count("\n"), sockets)


class Server(ConflictTest):
    """Another DHCP server than netd."""

    OFFER = dhcp.frame(dhcp.message(op=2, yiaddr="10.77.0.66", options=[(53, b"\x02")]), mac=STRANGER, source="10.77.0.66",
                       source_port=67, port=68)

    def test_guest_that_plays_server(self):
        daemon = self.daemon(HEARD)
        rogue = self.vmm(daemon, "rogue")
        watch = daemon.watch()
        with dhcp.Wire(rogue) as wire:
            wire.send(self.OFFER)
        event = watch.until("foreign-dhcp")
        self.assertEqual((event["network"], event["guest"], event["nic"], event["mac"], event["address"]),
                         ("default", "rogue", 0, STRANGER, "10.77.0.66"))
        self.assertIn("is dropped", event["detail"])
        watch.close()

    def test_server_behind_a_foreign_port(self):
        daemon = self.daemon(HEARD)
        ns, lan = self.host.ns, self.host.internet
        ns.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", str(lan.pid))
        ns.run("ip", "link", "set", "lan0", "master", "nd-default", "up")
        lan.run("ip", "link", "set", "eth0", "up")
        self.until(lambda: "state forwarding" in ns.run("bridge", "link", "show", "dev", "lan0"))
        watch = daemon.watch()
        with dhcp.Wire(lan) as wire:
            wire.send(self.OFFER)
        event = watch.until("foreign-dhcp", mac=STRANGER, interface="lan0")
        self.assertNotIn("guest", event)
        self.assertIn("can hear it", event["detail"])
        watch.close()

    def test_netd_itself_is_none(self):
        """Nor is a server on a network that netd does not serve."""
        daemon = self.daemon(HEARD + "network off { subnet = 10.78.0.1/24 dhcp = off }\n")
        self.vmm(daemon, "web1").udhcpc()
        watch = daemon.watch(since=1)
        other, rogue = self.vmm(daemon, "other", "--network", "off"), self.vmm(daemon, "rogue")
        for vmm in (other, rogue):
            with dhcp.Wire(vmm) as wire:
                wire.send(self.OFFER)
        self.assertEqual(watch.until("foreign-dhcp")["guest"], "rogue")
        watch.close()


class Probe(ConflictTest):
    """Before an address is used for the first time it is asked for."""

    def candidate(self, daemon, guest):
        """What this guest gets where nobody has anything."""
        vmm = self.vmm(daemon, guest)
        address = address_of(daemon.guests()[f"{guest}/0"])
        vmm.close()
        daemon.ctl("release", guest)
        return address

    def stranger(self, address):
        """A station on the bridge, behind a link that is not ours, that answers ARP but no ping."""
        ns, lan = self.host.ns, self.host.internet
        ns.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth7", "netns", str(lan.pid))
        lan.run("sysctl", "-q", "net.ipv4.icmp_echo_ignore_all=1")
        lan.run("ip", "link", "set", "eth7", "address", STRANGER, "up")
        lan.run("ip", "addr", "add", f"{address}/24", "dev", "eth7")
        ns.run("ip", "link", "set", "lan0", "master", "nd-default", "up")
        self.until(lambda: self.host.ns.run("bridge", "link", "show", "dev", "lan0").find("state forwarding") >= 0)

    def test_address_in_use_is_evaded(self):
        daemon = self.daemon(PROBED)
        address = self.candidate(daemon, "web1")
        daemon.stop()
        daemon.start()
        self.stranger(address)
        watch = daemon.watch()
        vmm = self.vmm(daemon, "web1")
        event = watch.until("conflict", address=address, mac=STRANGER, interface="lan0")
        self.assertIn("is in quarantine", event["detail"])
        watch.close()
        given = address_of(daemon.guests()["web1/0"])
        self.assertNotEqual(given, address)
        self.assertEqual(vmm.udhcpc()["ip"], given)
        leases = {lease["address"]: (lease["guest"], lease["state"]) for lease in daemon.ctl_json("leases")}
        self.assertEqual(leases, {address: ("", "declined"), given: ("web1", "bound")})
        daemon.kill()
        daemon.start()
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web2", addresses=[address])
        self.assertEqual(refused.exception.parameters["holder"], "quarantine, since somebody else uses it")

    def test_address_that_was_asked_for_is_refused(self):
        daemon = self.daemon(PROBED)
        self.stranger("10.77.0.9")
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web1", addresses=["10.77.0.9"])
        self.assertEqual((refused.exception.name, refused.exception.parameters["address"]),
                         ("io.netd.AddressInUse", "10.77.0.9"))
        self.assertEqual(daemon.guests(), {})

    def test_a_foreign_port_switches_it_on(self):
        daemon = self.daemon(HEARD)
        address = self.candidate(daemon, "web1")
        self.stranger(address)
        watch = daemon.watch()
        self.vmm(daemon, "web1")
        watch.until("conflict", address=address, mac=STRANGER, interface="lan0")
        watch.close()
        self.assertNotEqual(address_of(daemon.guests()["web1/0"]), address)

    def test_same_guest_same_address(self):
        daemon = self.daemon(PROBED)
        address = self.candidate(daemon, "web1")
        self.vmm(daemon, "web2")
        self.assertEqual(self.candidate(daemon, "web1"), address)
        self.assertEqual(self.candidate(self.daemon_again(daemon), "web1"), address)

    def daemon_again(self, daemon):
        """Without what it knew."""
        daemon.stop()
        for leaf in os.listdir(daemon.state):
            os.unlink(os.path.join(daemon.state, leaf))
        daemon.start()
        return daemon

    def test_many_at_once(self):
        """Each is probed, twice, before it is given; all wait together."""
        daemon = self.daemon(PROBED.replace("probe = on", "probe = on\n\tprobe-stock = 0"))
        witness = self.vmm(daemon, "witness")
        with contextlib.ExitStack() as stack:
            wire = stack.enter_context(dhcp.Wire(witness))
            clients = [stack.enter_context(daemon.client()) for _ in range(12)]
            for n, client in enumerate(clients):
                client.send({"method": "io.netd.Attach", "parameters": {"guest": f"web{n}"}})
            ports = [client.reply()["port"] for client in clients]
            given = [address_of(port) for port in ports]
            self.assertEqual(len(set(given)), 12)
            asked = []
            while len(asked) < 24:
                data = wire.incoming()
                if dhcp.is_arp(data):
                    asked.append(socket.inet_ntoa(arp.Probe(data).target))
            self.assertEqual(sorted(asked), sorted(2 * given))
            for client in clients:
                for fd in client.fds:
                    os.close(fd)

    def test_calls_behind_one_that_waits(self):
        """They are answered in order; who hangs up meanwhile leaves nothing behind."""
        daemon = self.daemon(PROBED)
        with daemon.client() as client:
            client.send({"method": "io.netd.Attach", "parameters": {"guest": "gone"}})
        with daemon.client() as client:
            client.send({"method": "io.netd.Attach", "parameters": {"guest": "web1"}})
            client.send({"method": "io.netd.ListGuests", "parameters": {}})
            self.assertEqual(client.reply()["port"]["guest"], "web1")
            self.assertEqual([guest["guest"] for guest in client.reply()["guests"]], ["web1"])
            for fd in client.fds:
                os.close(fd)


class Clients(ConflictTest):
    """What DHCP clients are offered is asked for before; they are behind a veth pair, as a container is."""

    CROWD = 24

    def wire(self, daemon):
        """The clients' end."""
        inside = Namespace("inside")
        self.addCleanup(inside.close)
        ns = self.host.ns
        ns.run("ip", "link", "add", "veth7", "type", "veth", "peer", "name", "eth0", "netns", str(inside.pid))
        for space, name in ((ns, "veth7"), (inside, "eth0")):
            space.run("ip", "link", "set", name, "addrgenmode", "none")
        inside.run("ip", "link", "set", "eth0", "up")
        self.until(lambda: daemon.ctl_json("network", "default")["interfaces"][0]["joined"])
        self.until(lambda: "state forwarding" in ns.run("bridge", "link", "show", "dev", "veth7"))
        wire = dhcp.Wire(inside)
        self.addCleanup(wire.close)
        return wire

    def mac(self, n):
        return f"52:54:00:01:00:{n:02x}"

    def send(self, wire, n, kind, *options, xid=1):
        wire.send(dhcp.frame(dhcp.message(mac=self.mac(n), xid=xid, options=((53, bytes([kind])), *options)), mac=self.mac(n)))

    def request(self, address, server=True):
        return [(50, dhcp.ip(address))] + ([(54, dhcp.ip("10.77.0.1"))] if server else [])

    def replies(self, wire, count, asked):
        """So many replies, by their client's MAC; each address that was asked for until then is counted in asked."""
        got = {}
        while len(got) < count:
            data = wire.incoming()
            if dhcp.is_arp(data):
                target = socket.inet_ntoa(arp.Probe(data).target)
                asked[target] = asked.get(target, 0) + 1
            elif dhcp.is_dhcp(data):
                reply = dhcp.Reply(data)
                got[reply.destination_mac] = (reply, asked.get(reply.yiaddr, 0))
        return got

    def bind(self, wire, n, *options):
        self.send(wire, n, 1, *options)
        offer = wire.receive()
        self.send(wire, n, 3, *self.request(offer.yiaddr))
        ack = wire.receive()
        self.assertEqual((ack.type, ack.yiaddr), (5, offer.yiaddr))
        return ack.yiaddr

    def test_crowd(self):
        """All that come at once are offered what was asked for twice before their OFFER left."""
        daemon = self.daemon(CLIENTS_COLD)
        wire = self.wire(daemon)
        for n in range(self.CROWD):
            self.send(wire, n, 1)
        asked = {}
        got = self.replies(wire, self.CROWD, asked)
        self.assertEqual({mac: (reply.type, count) for mac, (reply, count) in got.items()},
                         {self.mac(n): (2, 2) for n in range(self.CROWD)})
        self.assertEqual(len({reply.yiaddr for reply, _ in got.values()}), self.CROWD)
        self.assertEqual(set(asked), {reply.yiaddr for reply, _ in got.values()})
        for n in range(self.CROWD):
            self.send(wire, n, 3, *self.request(got[self.mac(n)][0].yiaddr))
        acks = self.replies(wire, self.CROWD, asked)
        self.assertEqual({reply.type for reply, _ in acks.values()}, {5})
        self.assertEqual(sum(asked.values()), 2 * self.CROWD)

    def test_squatter_on_a_candidate(self):
        """It answers ARP and no ping; the client gets another address in the same exchange, and so does the next one."""
        daemon = self.daemon(CLIENTS_COLD)
        wire = self.wire(daemon)
        _, squatter = self.squatter(daemon, "10.77.0.9")
        watch = daemon.watch()
        self.send(wire, 1, 1, (50, dhcp.ip("10.77.0.9")), xid=77)
        offer = wire.receive()
        self.assertEqual((offer.type, offer.xid), (2, 77))
        self.assertNotEqual(offer.yiaddr, "10.77.0.9")
        event = watch.until("conflict", address="10.77.0.9")
        self.assertEqual((event["network"], event["mac"], event["guest"], event["interface"]),
                         ("default", squatter["mac"], "squatter", squatter["interface"]))
        self.assertIn("is in quarantine", event["detail"])
        watch.close()
        self.send(wire, 1, 3, *self.request(offer.yiaddr))
        self.assertEqual(wire.receive().type, 5)
        self.assertNotEqual(self.bind(wire, 2, (50, dhcp.ip("10.77.0.9"))), "10.77.0.9")
        daemon.kill()
        daemon.start()
        self.assertEqual([lease["state"] for lease in daemon.ctl_json("leases") if lease["address"] == "10.77.0.9"],
                         ["declined"])

    def test_reboot_with_an_unknown_address(self):
        """What the client believes to have is asked for before it is acknowledged, and refused when somebody has it."""
        daemon = self.daemon(CLIENTS_COLD)
        wire = self.wire(daemon)
        self.squatter(daemon, "10.77.0.9")
        for n, address, kind in ((1, "10.77.0.9", 6), (2, "10.77.0.8", 5)):
            self.send(wire, n, 3, *self.request(address, server=False))
            asked = {}
            reply, count = list(self.replies(wire, 1, asked).values())[0]
            self.assertEqual((reply.type, count), (kind, 0 if kind == 6 else 2))
            self.assertGreaterEqual(asked[address], 1)

    def test_stock(self):
        """What was asked for ahead is offered without being asked for again."""
        daemon = self.daemon(CLIENTS.replace("sweep", "probe = off\n\tsweep"))
        wire = self.wire(daemon)
        daemon.configure(CLIENTS)
        daemon.reload_by_signal()
        asked = {}
        while sum(count >= 2 for count in asked.values()) < 8:
            data = wire.incoming()
            if dhcp.is_arp(data):
                target = socket.inet_ntoa(arp.Probe(data).target)
                asked[target] = asked.get(target, 0) + 1
        self.until(lambda: self.offered_at_once(wire, asked))

    def offered_at_once(self, wire, asked):
        """Once the last of them has had its time; what is asked for now was not among those."""
        self.send(wire, len(asked), 1)
        now = {}
        reply, count = list(self.replies(wire, 1, now).values())[0]
        asked[reply.yiaddr] = asked.get(reply.yiaddr, 0)
        return count == 0 and asked[reply.yiaddr] >= 2

    def test_squatter_on_a_lease(self):
        """The sweep finds who has a client's address."""
        daemon = self.daemon(CLIENTS_SWEPT)
        wire = self.wire(daemon)
        address = self.bind(wire, 1)
        watch = daemon.watch()
        _, squatter = self.squatter(daemon, address)
        event = watch.until("conflict", address=address)
        self.assertEqual((event["mac"], event["guest"], event["interface"]),
                         (squatter["mac"], "squatter", squatter["interface"]))
        self.assertRegex(event["detail"], f"^it is the DHCP client {self.mac(1)}'s ")
        watch.close()


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCP as real clients see it, on ports that netd made."""

import os
import subprocess
import unittest

from support import NetnsTest

from harness import dhcp
from harness.daemon import CONFIG
from harness.varlink import Error


class Clients(NetnsTest):
    def test_udhcpc(self):
        daemon = self.daemon(CONFIG.replace("domain", "option 42 { value = 192.0.2.123 }\n\tdomain"))
        vmm = self.vmm(daemon, "web1")
        watch = daemon.watch()
        lease = vmm.udhcpc("-O", "mtu", "-O", "ntpsrv")
        port = daemon.guests()["web1/0"]
        self.assertEqual(lease["ip"] + "/" + lease["mask"], port["addresses"][0])
        self.assertEqual((lease["router"], lease["serverid"], lease["dns"], lease["domain"], lease["hostname"]),
                         ("10.77.0.1", "10.77.0.1", "192.0.2.53", "vm.internal", "web1"))
        self.assertEqual((lease["broadcast"], lease["lease"], lease["mtu"], lease["ntpsrv"]),
                         ("10.77.0.255", "3600", "1500", "192.0.2.123"))
        event = watch.until("lease-bound", guest="web1")
        self.assertEqual(event["address"], lease["ip"])
        self.assertGreater(event["exchangeMicroseconds"], 0)
        self.assertEqual(port["lease"]["state"], "bound")
        self.assertTrue(vmm.ping("10.77.0.1"))
        self.assertTrue(vmm.ping(self.host.INTERNET_ADDRESS))
        row = daemon.ctl_json("leases")[0]
        self.assertEqual((row["address"], row["mac"], row["guest"], row["nic"], row["state"], row["network"]),
                         (lease["ip"], port["mac"], "web1", 0, "bound", "default"))
        self.assertEqual(row["clientId"], "01:" + port["mac"])
        self.assertEqual(daemon.ctl("leases", "--format", "dnsmasq", "default")[1],
                         f"{row['expires']} {row['mac']} {row['address']} {row['hostname'] or '*'} {row['clientId']}\n")
        watch.close()

    def test_dhclient(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        pid, leases = (os.path.join(daemon.directory, leaf) for leaf in ("dhclient.pid", "dhclient.leases"))
        script = os.path.join(daemon.directory, "script")
        with open(script, "w", encoding="utf-8") as out:
            out.write('#!/bin/sh\n[ "$reason" = BOUND ] && ip addr add "$new_ip_address/24" dev "$interface"\nexit 0\n')
        os.chmod(script, 0o755)
        run = ("dhclient", "-1", "-v", "-cf", "/dev/null", "-sf", script, "-pf", pid, "-lf", leases)
        vmm.run(*run, "eth0")
        self.addCleanup(subprocess.run, ["sh", "-c", f"test ! -e {pid} || kill $(cat {pid})"])
        address = daemon.guests()["web1/0"]["addresses"][0].split("/")[0]
        with open(leases, encoding="utf-8") as text:
            self.assertIn(f"fixed-address {address};", text.read())
        watch = daemon.watch()
        vmm.run(*run, "-r", "eth0")
        watch.until("lease-released", guest="web1")
        self.assertEqual(daemon.guests()["web1/0"]["lease"], {"state": "released", "expires": None})
        watch.close()

    def test_two_guests_at_once(self):
        daemon = self.daemon()
        vmms = [self.vmm(daemon, f"web{n}") for n in range(2)]
        leases = [vmm.udhcpc() for vmm in vmms]
        self.assertNotEqual(leases[0]["ip"], leases[1]["ip"])
        self.assertTrue(vmms[0].ping(leases[1]["ip"]))
        self.assertTrue(vmms[1].ping(leases[0]["ip"]))

    def test_uplink_mtu_reaches_the_guest(self):
        self.host.ns.run("ip", "link", "set", "up0", "mtu", "1400")
        self.host.internet.run("ip", "link", "set", "net0", "mtu", "1400")
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        self.assertEqual(vmm.udhcpc("-O", "mtu")["mtu"], "1400")
        links = self.host.ns.links()
        port = daemon.guests()["web1/0"]
        self.assertEqual((links["nd-default"]["mtu"], links[port["interface"]]["mtu"], port["mtu"]), (1400, 1400, 1400))
        self.assertTrue(vmm.ping(self.host.INTERNET_ADDRESS, size=1372))


class Port(NetnsTest):
    """The port is the identity: what a guest's neighbours and the host's firewall can do about it."""

    def test_a_broadcast_stays_at_its_port(self):
        daemon = self.daemon()
        sender, other = self.vmm(daemon, "web1"), self.vmm(daemon, "web2")
        with dhcp.Wire(other) as wire:
            lease = sender.udhcpc()
            # ARP, which does cross the bridge, is the first that the other sees.
            sender.ok("ping", "-c", "1", "-W", "1", "10.77.0.250")
            self.assertEqual(wire.first_of(dhcp.arp_for("10.77.0.250"), dhcp.is_dhcp), "is_arp_for")
        self.assertTrue(lease["ip"])

    def test_the_host_s_firewall_is_not_asked(self):
        self.host.ns.run("nft", "add table inet fw; add chain inet fw input { type filter hook input priority 0; "
                         "policy drop; }; add chain inet fw output { type filter hook output priority 0; policy drop; }; "
                         "add table bridge fw; add chain bridge fw pre { type filter hook prerouting priority -300; "
                         "policy accept; }; add rule bridge fw pre udp dport 67 drop")
        daemon = self.daemon()
        self.assertEqual(self.vmm(daemon, "web1").udhcpc()["serverid"], "10.77.0.1")

    def test_a_guest_cannot_play_server(self):
        daemon = self.daemon()
        rogue, victim = self.vmm(daemon, "rogue"), self.vmm(daemon, "victim")
        with dhcp.Wire(victim) as seen:
            with dhcp.Wire(rogue) as wire:
                wire.send(dhcp.frame(dhcp.message(op=2, yiaddr="10.77.0.66", options=[(53, b"\x02")]),
                                     source_port=67, port=68))
            rogue.run("ip", "addr", "add", daemon.guests()["rogue/0"]["addresses"][0], "dev", "eth0")
            rogue.ok("ping", "-c", "1", "-W", "1", "10.77.0.250")
            self.assertEqual(seen.first_of(dhcp.arp_for("10.77.0.250"), dhcp.is_dhcp), "is_arp_for")

    def nested(self, wire, mac, **more):
        """DORA of a client behind a guest's port, by its own MAC; the address, or None when nobody answers."""
        ask = lambda **m: wire.exchange(dhcp.frame(dhcp.message(mac=mac, **m), mac=mac))
        offer = ask(options=[(53, b"\x01"), *more.get("options", [])])
        ack = ask(options=[(53, b"\x03"), (54, dhcp.ip("10.77.0.1")), (50, dhcp.ip(offer.yiaddr)),
                           *more.get("options", [])])
        self.assertEqual((ack.type, ack.yiaddr), (5, offer.yiaddr))
        return ack.yiaddr

    def test_clients_behind_a_port(self):
        """identity = mac: what is nested in a guest gets addresses of the range, which outlive the daemon."""
        macs = [f"52:54:00:77:00:{n:02x}" for n in range(3)]
        daemon = self.daemon(CONFIG.replace("domain", "identity = mac port-leases = 2 range = { 10.77.0.10-10.77.0.12 }"
                                                      "\n\tdomain"))
        vmm = self.vmm(daemon, "web1")
        own = vmm.udhcpc()["ip"]
        with dhcp.Wire(vmm) as wire:
            addresses = [self.nested(wire, mac) for mac in macs[:2]]
            self.assertEqual(sorted([own, *addresses]), ["10.77.0.10", "10.77.0.11", "10.77.0.12"])
            rows = {row["address"]: row for row in daemon.ctl_json("leases")}
            self.assertEqual([(rows[a]["mac"], rows[a]["guest"], rows[a]["state"]) for a in addresses],
                             [(mac, "web1", "bound") for mac in macs[:2]])
            daemon.kill()
            daemon.start()
            renewed = wire.exchange(dhcp.frame(dhcp.message(mac=macs[1], ciaddr=addresses[1], options=[(53, b"\x03")]),
                                               mac=macs[1]))
            self.assertEqual((renewed.type, renewed.yiaddr), (5, addresses[1]))
            # A third is not answered: what is answered next is the first.
            wire.send(dhcp.frame(dhcp.message(mac=macs[2], options=[(53, b"\x01")]), mac=macs[2]))
            self.assertEqual(self.nested(wire, macs[0]), addresses[0])
        # Their port is gone, and their addresses are free for a guest.
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web2", addresses=[addresses[0]])
        self.assertEqual(refused.exception.parameters["holder"], "the DHCP client " + macs[0])
        watch = daemon.watch()
        vmm.close()
        watch.until("gone", guest="web1")
        watch.close()
        self.assertEqual({row["state"] for row in daemon.ctl_json("leases")}, {"released"})
        self.assertIn(self.vmm(daemon, "web2").udhcpc()["ip"], addresses)

    RESERVING = ("identity = client-id range = {{ 10.77.0.10-10.77.0.14 }}"
                 " host inner {{ match-mac = 52:54:00:77:00:02 address = {} hostname = inner }}\n\tdomain")

    def test_reserved_while_in_use(self):
        """A reload reserves, for a client behind a guest's port, the address that another client there has."""
        daemon = self.daemon(CONFIG.replace("domain", "identity = client-id range = { 10.77.0.10-10.77.0.14 }\n\tdomain"))
        vmm = self.vmm(daemon, "web1")
        own = vmm.udhcpc()["ip"]
        holder, reserved = vmm.card("m1", "52:54:00:77:00:01"), vmm.card("m2", "52:54:00:77:00:02")
        taken = vmm.udhcpc(card=holder)["ip"]
        reserving = CONFIG.replace("domain", self.RESERVING.format(taken))
        daemon.configure(reserving)
        daemon.ctl("reload")
        watch = daemon.watch()
        # Until the holder has gone, it has another.
        temporary = vmm.udhcpc(card=reserved)
        self.assertNotIn(temporary["ip"], (own, taken))
        self.assertEqual(temporary["hostname"], "inner")
        daemon.kill()
        daemon.start()
        watch.close()
        watch = daemon.watch()
        # The holder wants what it had, is refused, and takes another.
        again = vmm.udhcpc("-r", taken, card=holder)["ip"]
        self.assertNotIn(again, (own, taken, temporary["ip"]))
        # The reserved client gets its own now, and leaves what it had.
        self.assertEqual(vmm.udhcpc(card=reserved)["ip"], taken)
        self.assertEqual(watch.until("lease-released", address=temporary["ip"])["guest"], "web1")
        rows = {row["address"]: row for row in daemon.ctl_json("leases")}
        self.assertEqual((rows[taken]["mac"], rows[taken]["state"]), ("52:54:00:77:00:02", "bound"))
        self.assertEqual((rows[temporary["ip"]]["state"], rows[again]["state"]), ("released", "bound"))
        watch.close()

    def test_reserved_and_refused_at_renewal(self):
        """Both are refused at their renewals: first who has the address, then who has another in its place."""
        daemon = self.daemon(CONFIG.replace("domain", "identity = client-id range = { 10.77.0.10-10.77.0.14 }\n\tdomain"))
        vmm = self.vmm(daemon, "web1")
        macs = [f"52:54:00:77:00:{n:02x}" for n in range(1, 3)]
        with dhcp.Wire(vmm) as wire:
            def renew(mac, address):
                return wire.exchange(dhcp.frame(dhcp.message(mac=mac, ciaddr=address, options=[(53, b"\x03")]), mac=mac,
                                                source=address, destination="10.77.0.1"))
            taken = self.nested(wire, macs[0])
            daemon.configure(CONFIG.replace("domain", self.RESERVING.format(taken)))
            daemon.reload_by_signal()
            self.until(lambda: "read again" in daemon.logged())
            temporary = self.nested(wire, macs[1])
            self.assertNotEqual(temporary, taken)
            self.assertEqual(renew(macs[1], temporary).type, 5)
            watch = daemon.watch()
            refusal = renew(macs[0], taken)
            self.assertEqual((refusal.type, refusal.destination), (6, "255.255.255.255"))
            self.assertEqual(watch.until("lease-released", address=taken)["mac"], macs[0])
            daemon.kill()
            daemon.start()
            watch.close()
            self.assertEqual(renew(macs[1], temporary).type, 6)
            self.assertEqual(self.nested(wire, macs[1]), taken)
            self.assertEqual(renew(macs[1], taken).type, 5)
            self.assertNotEqual(self.nested(wire, macs[0]), taken)

    def test_bootp(self):
        """A guest's own card, and a client with a reservation; nobody else, and nothing is stored."""
        config = CONFIG.replace("domain", "identity = mac boot-file = b.img next-server = 10.77.0.9 "
                                "host inner { match-mac = 52:54:00:77:00:01 address = 10.77.0.99 }\n\tdomain")
        daemon = self.daemon(config)
        vmm = self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]
        with dhcp.Wire(vmm) as wire:
            for cookie, tail in ((b"\0\0\0\0", b""), (dhcp.COOKIE, b"\xff")):
                for mac, address in ((port["mac"], port["addresses"][0].split("/")[0]), ("52:54:00:77:00:01", "10.77.0.99")):
                    boot = dhcp.message(mac=mac, cookie=cookie, tail=tail + bytes(60 - len(tail)))
                    reply = wire.exchange(dhcp.frame(boot, mac=mac))
                    self.assertTrue(reply.checksums_good)
                    self.assertEqual((reply.yiaddr, reply.destination, reply.destination_mac), (address, address, mac))
                    self.assertEqual([reply.option(code) for code in (1, 3, 51, 53, 54)],
                                     [dhcp.ip("255.255.255.0"), dhcp.ip("10.77.0.1"), None, None, None])
            wire.send(dhcp.frame(dhcp.message(mac="52:54:00:77:00:02", cookie=bytes(4)), mac="52:54:00:77:00:02"))
            wire.exchange(dhcp.frame(dhcp.message(mac=port["mac"], options=[(53, b"\x01")]), mac=port["mac"]))
        self.assertEqual(daemon.ctl_json("leases"), [])
        status = daemon.call("GetStatus")
        self.assertEqual((status["dhcpSent"], status["dhcpDropped"]), ({"BOOTREPLY": 4, "OFFER": 1}, {"no-cookie": 1}))

    def test_raw_exchange(self):
        """What leaves the port, octet by octet: checksums, addresses, the four kinds of REQUEST."""
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]
        address = port["addresses"][0].split("/")[0]
        bridge_mac = daemon.call("ListNetworks")["networks"][0]["bridgeMac"]
        with dhcp.Wire(vmm) as wire:
            ask = lambda **m: wire.exchange(dhcp.frame(dhcp.message(mac=port["mac"], **m), mac=port["mac"]))
            offer = ask(options=[(53, b"\x01"), (55, bytes([1, 3, 6, 51, 58, 59]))])
            self.assertTrue(offer.checksums_good)
            self.assertEqual((offer.source_mac, offer.destination_mac), (bridge_mac, port["mac"]))
            self.assertEqual((offer.source, offer.destination), ("10.77.0.1", address))
            self.assertEqual((offer.type, offer.yiaddr, offer.option(54)), (2, address, dhcp.ip("10.77.0.1")))
            self.assertEqual([code for code, _ in offer.options], [53, 54, 51, 1, 3, 6, 58, 59])
            ack = ask(options=[(53, b"\x03"), (54, dhcp.ip("10.77.0.1")), (50, dhcp.ip(address))])
            self.assertEqual((ack.type, ack.yiaddr), (5, address))
            ack = ask(options=[(53, b"\x03"), (50, dhcp.ip(address))])
            self.assertEqual((ack.type, ack.yiaddr), (5, address), "INIT-REBOOT")
            ack = wire.exchange(dhcp.frame(dhcp.message(mac=port["mac"], ciaddr=address, options=[(53, b"\x03")]),
                                           mac=port["mac"], source=address, destination="10.77.0.1",
                                           destination_mac=bridge_mac))
            self.assertEqual((ack.type, ack.destination), (5, address), "RENEWING")
            ack = wire.exchange(dhcp.frame(dhcp.message(mac=port["mac"], ciaddr=address, options=[(53, b"\x03")]),
                                           mac=port["mac"], source=address))
            self.assertEqual((ack.type, ack.destination), (5, address), "REBINDING")
            nak = ask(options=[(53, b"\x03"), (50, dhcp.ip("10.99.0.5"))])
            self.assertEqual((nak.type, nak.destination, nak.destination_mac),
                             (6, "255.255.255.255", "ff:ff:ff:ff:ff:ff"))
            ack = ask(ciaddr=address, options=[(53, b"\x08"), (55, bytes([1, 51]))])
            self.assertEqual((ack.type, ack.yiaddr, ack.option(51)), (5, "0.0.0.0", None), "INFORM")

    def test_checksums(self):
        """A good one, none, a guest's partial one, and a bad one."""
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]
        with dhcp.Wire(vmm) as wire:
            discover = dhcp.message(mac=port["mac"], options=[(53, b"\x01")])
            for checksum in ("good", "none", "partial"):
                self.assertEqual(wire.exchange(dhcp.frame(discover, mac=port["mac"], checksum=checksum)).type, 2, checksum)
            wire.send(dhcp.frame(discover, mac=port["mac"], checksum="bad"))
            wire.exchange(dhcp.frame(discover, mac=port["mac"]))
        self.assertEqual(daemon.call("GetStatus")["dhcpDropped"], {"checksum": 1})

    def test_what_is_dropped_is_counted(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]
        discover = [(53, b"\x01")]
        mac = port["mac"]
        cases = (
            ("not-port-mac", dhcp.frame(dhcp.message(mac="52:54:00:00:00:99", options=discover), mac=mac)),
            ("relay", dhcp.frame(dhcp.message(mac=mac, giaddr="10.9.0.1", options=discover), mac=mac)),
            ("size", dhcp.frame(b"\x01" * 100, mac=mac)),
            ("not-request", dhcp.frame(dhcp.message(mac=mac, op=2, options=discover), mac=mac)),
            # BOOTP, and not of the port's own guest.
            ("no-cookie", dhcp.frame(dhcp.message(mac="52:54:00:00:00:99", cookie=b"\0\0\0\0"), mac=mac)),
            ("type", dhcp.frame(dhcp.message(mac=mac, options=[(53, b"\x02")]), mac=mac)),
            ("options", dhcp.frame(dhcp.message(mac=mac, options=discover, tail=b"\x0c\xff"), mac=mac)),
            ("other-server", dhcp.frame(dhcp.message(mac=mac, options=[(53, b"\x07"), (54, dhcp.ip("10.9.0.1"))],
                                                     ciaddr="10.77.0.2"), mac=mac)),
            ("malformed", dhcp.frame(dhcp.message(mac=mac, options=[(53, b"\x03")]), mac=mac)),
            ("vlan", dhcp.frame(dhcp.message(mac=mac, options=discover), mac=mac, vlan=7)),
        )
        with dhcp.Wire(vmm) as wire:
            for _, frame in cases:
                wire.send(frame)
            # Answered in order, so all of the above has been seen by now.
            self.assertEqual(wire.exchange(dhcp.frame(dhcp.message(mac=mac, options=discover), mac=mac)).type, 2)
        self.assertEqual(daemon.call("GetStatus")["dhcpDropped"], {name: 1 for name, _ in cases})

    def test_decline_moves_the_port(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]
        address = port["addresses"][0].split("/")[0]
        watch = daemon.watch()
        with dhcp.Wire(vmm) as wire:
            ask = lambda **m: dhcp.frame(dhcp.message(mac=port["mac"], **m), mac=port["mac"])
            wire.exchange(ask(options=[(53, b"\x01")]))
            wire.exchange(ask(options=[(53, b"\x03"), (54, dhcp.ip("10.77.0.1")), (50, dhcp.ip(address))]))
            wire.send(ask(options=[(53, b"\x04"), (54, dhcp.ip("10.77.0.1")), (50, dhcp.ip(address))]))
            self.assertEqual(watch.until("lease-declined")["address"], address)
            offer = wire.exchange(ask(options=[(53, b"\x01")]))
            self.assertNotEqual(offer.yiaddr, address)
        self.assertEqual(daemon.guests()["web1/0"]["addresses"], [offer.yiaddr + "/24"])
        self.assertEqual([(row["address"], row["state"], row["guest"]) for row in daemon.ctl_json("leases")],
                         [(address, "declined", "web1")])
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web2", addresses=[address])
        self.assertIn("quarantine", refused.exception.parameters["holder"])
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.guests()["web1/0"]["addresses"], [offer.yiaddr + "/24"])
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web2", addresses=[address])
        self.assertIn("quarantine", refused.exception.parameters["holder"])
        watch.close()


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may do what: allow blocks, operators, owners of guests, and what one user can take. As real users of the socket."""

import json
import os
import select
import signal
import subprocess
import threading
import unittest

from support import NetnsTest

from harness import people
from harness.namespaces import DEADLINE
from harness.people import Person
from harness.varlink import Client, Error, Watch

KVM, OPERATORS = 1500, 2000
CONFIG = f"""socket {{ mode = 0666 }}
operators = {{ {OPERATORS} }}
mac {{ secret = "a test's secret" }}
network default {{
	subnet = 10.77.0.1/24
	range = {{ 10.77.0.50-10.77.0.99 }}
	allow {{
		group = {KVM}
		max-ports = 2
		mac-prefix = 52:54:00
		publish = {{ 8000-8999, 9100 }}
	}}
	allow {{ user = 1002 }}
	host reserved {{ address = 10.77.0.200 }}
	host hers {{ address = 10.77.0.201 owner = 1001 }}
}}
network closed {{ subnet = 10.78.0.1/24 }}
network open {{ subnet = 10.79.0.1/24 reach = {{ default, closed }} allow {{ group = {KVM} }} }}
"""
LINE = {"group": 7, "user": 13, "reserved": 14, "closed": 17, "open": 18}


class Allow(NetnsTest):
    def setUp(self):
        if people.why_not():
            self.leave_out(people.why_not())
        super().setUp()

    def people(self, config=CONFIG):
        """A daemon, and who has to do with it: two of group kvm, a third who is named, a stranger, an operator."""
        daemon = self.daemon(config)
        self.alice = Person(daemon, 1000, groups=[7, KVM])
        self.berta = Person(daemon, 1001, gid=KVM)
        self.clara = Person(daemon, 1002)
        self.stranger = Person(daemon, 1003, groups=[8])
        self.operator = Person(daemon, 1004, groups=[OPERATORS])
        return daemon

    def attach(self, who, guest, **parameters):
        """A guest that runs until the test's end; its port."""
        client = who.connect()
        self.addCleanup(client.close)
        port = client.call("io.netd.Attach", guest=guest, **parameters)["port"]
        for fd in client.fds:
            self.addCleanup(os.close, fd)
        return port


class Networks(Allow):
    def test_without_a_block_only_root(self):
        self.people("socket { mode = 0666 }\nnetwork default { subnet = 10.77.0.1/24 }\n")
        self.assertEqual(self.alice.why("Attach", guest="web1"),
                         "user 1000 may not use network 'default', which has no allow block (netd.conf:2)")
        for method in ("GetStatus", "ListGuests", "ListNetworks", "ListLeases", "ListPublished", "Doctor"):
            self.assertEqual(self.alice.why(method), "no allow block of the configuration is for user 1000", method)
        self.assertEqual(self.alice.why("Reload"), "user 1000 is neither root nor an operator")
        with self.alice.connect() as client:
            self.assertEqual(client.call("org.varlink.service.GetInfo")["product"], "netd")

    def test_by_group_and_user(self):
        daemon = self.people()
        self.assertEqual(self.attach(self.alice, "a", network="default")["owner"], 1000)
        self.assertEqual(self.attach(self.berta, "b", network="default")["owner"], 1001)
        self.assertEqual(self.attach(self.clara, "c", network="default")["owner"], 1002)
        self.assertEqual(self.attach(self.operator, "o", network="closed")["owner"], 1004)
        before = daemon.guests()
        self.assertEqual(self.stranger.why("Attach", guest="s", network="default"),
                         f"user 1003 may not use network 'default': netd.conf:{LINE['group']} allows group {KVM}, "
                         f"netd.conf:{LINE['user']} allows user 1002")
        self.assertEqual(self.alice.why("Attach", guest="s", network="closed"),
                         f"user 1000 may not use network 'closed', which has no allow block (netd.conf:{LINE['closed']})")
        self.assertEqual(self.clara.why("Attach", guest="s", network="open"),
                         f"user 1002 may not use network 'open': netd.conf:{LINE['open']} allows group {KVM}")
        self.assertEqual(daemon.guests(), before)

    def test_top_level_is_for_all_networks_and_counts_them_together(self):
        self.people("socket { mode = 0666 }\nallow { user = 1000 max-ports = 2 }\n"
                    "network a { subnet = 10.77.0.1/24 }\nnetwork b { subnet = 10.78.0.1/24 }\n")
        self.attach(self.alice, "one", network="a")
        self.attach(self.alice, "two", network="b")
        self.assertEqual(self.alice.why("Attach", guest="three", network="b"), "max-ports = 2 of netd.conf:2 is reached")

    def test_max_ports_counts_allocations(self):
        self.people()
        self.alice.call("Attach", guest="one", network="default")  # its device is gone with this connection
        self.attach(self.alice, "two", network="default")
        refusal = f"max-ports = 2 of netd.conf:{LINE['group']} is reached"
        self.assertEqual(self.alice.why("Attach", guest="three", network="default"), refusal)
        self.assertEqual(self.alice.why("Attach", guest="one", nic=1, network="default"), refusal)
        self.attach(self.alice, "one", network="default")
        self.attach(self.alice, "three", network="open")
        self.attach(self.berta, "four", network="default")
        self.alice.call("Release", guest="two")
        self.attach(self.alice, "five", network="default")

    def test_what_a_block_says_of_mac_device_and_address(self):
        self.people()
        self.assertEqual(self.alice.why("Attach", guest="a", network="default", mac="52:55:00:00:00:01"),
                         f"user 1000 may not choose that MAC address: netd.conf:{LINE['group']} allows mac-prefix = 52:54:00")
        self.assertEqual(self.alice.why("Attach", guest="a", network="default", device="tap"),
                         f"user 1000 may not have a device of kind tap: netd.conf:{LINE['group']} allows descriptors")
        self.assertEqual(self.alice.why("Attach", guest="a", network="default", addresses=["10.77.0.100"]),
                         "an address outside the ranges of network 'default' (netd.conf:4) is only for its reservations")
        port = self.attach(self.alice, "a", network="default", mac="52:54:00:00:00:01", addresses=["10.77.0.60"])
        self.assertEqual((port["mac"], port["addresses"]), ("52:54:00:00:00:01", ["10.77.0.60/24"]))

    def test_command(self):
        self.people()
        self.assertEqual(self.stranger.ctl("run", "x", "--network", "default", "--", "true", "{fds}"),
                         (1, "", f"netdctl: not permitted: user 1003 may not use network 'default': netd.conf:{LINE['group']}"
                                 f" allows group {KVM}, netd.conf:{LINE['user']} allows user 1002\n"))
        self.assertEqual(self.alice.ctl("reload"),
                         (1, "", "netdctl: not permitted: user 1000 is neither root nor an operator\n"))
        self.assertEqual(self.alice.ctl("guests", "--json"), (0, "[]\n", ""))
        self.attach(self.berta, "b", network="default")
        self.assertEqual(self.alice.ctl("detach", "b"), (1, "", "netdctl: there is no guest 'b'\n"))
        self.assertEqual(self.berta.ctl("detach", "b"), (0, "", ""))


class Owners(Allow):
    def test_others_do_not_see_it(self):
        daemon = self.people()
        self.attach(self.alice, "a", network="default")
        self.alice.call("Publish", guest="a", ports=["tcp:8080:80"])
        for method in ("ListGuests", "ListLeases", "ListPublished"):
            mine, = self.alice.call(method).values()
            theirs, = self.berta.call(method).values()
            for_all, = self.operator.call(method).values()
            self.assertEqual((theirs, for_all), ([], mine), method)
        self.assertEqual(len(self.alice.call("ListGuests")["guests"]), 1)
        self.assertEqual(self.operator.call("ListGuests")["guests"], daemon.call("ListGuests")["guests"])
        for method, more in (("Detach", {}), ("Release", {}), ("Publish", {"ports": ["tcp:8081:80"]}), ("Unpublish", {}),
                             ("Capture", {}), ("Doctor", {})):
            self.assertEqual(self.berta.refused(method, guest="a", **more), ("NoSuchGuest", {"guest": "a"}), method)
            self.assertEqual(self.berta.refused(method, guest="none", **more), ("NoSuchGuest", {"guest": "none"}), method)
        self.assertEqual(self.berta.call("Wait", guest="a", **{"for": "gone"}), {"port": None})
        self.assertEqual(self.berta.refused("Wait", guest="a", **{"for": "attached", "timeoutSeconds": 0})[0], "TimedOut")
        self.assertEqual(self.alice.call("Wait", guest="a", **{"for": "attached"})["port"]["guest"], "a")
        self.assertEqual(daemon.call("ListGuests")["guests"][0]["state"], "attached")

    def test_a_name_is_one_s_own_on_all_networks(self):
        daemon = self.people()
        self.attach(self.alice, "a", network="default")
        for more in ({}, {"nic": 1}):
            for network in ("default", "open"):
                self.assertEqual(self.berta.why("Attach", guest="a", network=network, **more),
                                 "guest 'a' belongs to another user")
        self.assertEqual(self.attach(self.alice, "a", nic=1, network="open")["owner"], 1000)
        with daemon.client() as root:
            self.assertEqual(root.call("io.netd.Attach", guest="a", nic=2, network="closed")["port"]["owner"], 1000)
            for fd in root.fds:
                os.close(fd)
        self.attach(self.operator, "o", network="default")
        self.assertEqual(self.alice.why("Attach", guest="o", network="default"), "guest 'o' belongs to another user")
        self.alice.call("Release", guest="a")
        self.attach(self.berta, "a", network="default")

    def test_refusals_name_no_guest_of_others(self):
        self.people()
        port = self.attach(self.alice, "a", network="open")
        address = port["addresses"][0].split("/")[0]
        wish = {"network": "open", "addresses": [address]}
        self.assertEqual(self.berta.refused("Attach", guest="b", **wish),
                         ("AddressInUse", {"address": address, "holder": "somebody else"}))
        self.assertEqual(self.alice.refused("Attach", guest="a2", **wish),
                         ("AddressInUse", {"address": address, "holder": "port a/0 of network open"}))
        self.assertEqual(self.operator.refused("Attach", guest="o", **wish)[1]["holder"], "port a/0 of network open")
        self.assertEqual(self.berta.refused("Attach", guest="b", network="open", mac=port["mac"]),
                         ("MacInUse", {"mac": port["mac"], "holder": "somebody else"}))
        self.assertEqual(self.alice.refused("Attach", guest="a", network="open"),
                         ("AlreadyAttached", {"port": "a/0", "holder": f"interface {port['interface']} on network open"}))
        self.assertEqual(self.alice.refused("Attach", guest="a", network="open", nic=1, queues=33),
                         ("BadValue", {"parameter": "queues", "reason": "it is not from 1 to 32"}))

    def test_reservations(self):
        self.people()
        self.assertEqual(self.alice.why("Attach", guest="reserved", network="open"),
                         f"guest 'reserved' is reserved at netd.conf:{LINE['reserved']}, and has no owner there")
        self.assertEqual(self.alice.why("Attach", guest="hers", network="default"), "guest 'hers' belongs to another user")
        self.assertEqual(self.attach(self.berta, "hers", network="default")["addresses"], ["10.77.0.201/24"])
        self.berta.call("Release", guest="hers")
        self.assertEqual(self.attach(self.operator, "hers", network="default")["owner"], 1001)
        self.assertEqual([g["guest"] for g in self.berta.call("ListGuests")["guests"]], ["hers"])

    def test_networks_and_status(self):
        daemon = self.people()
        for guest in ("a", "a2"):
            self.attach(self.alice, guest, network="default")
        self.attach(self.berta, "b", network="open")
        self.attach(self.clara, "c", network="default")
        seen = {n["name"]: n for n in self.berta.call("ListNetworks")["networks"]}
        self.assertEqual({name: (n["ports"], n["attached"], n["poolUsed"]) for name, n in seen.items()},
                         {"default": (0, 0, 0), "open": (1, 1, 1)})
        self.assertEqual(seen["open"]["reach"], ["default"])
        self.assertEqual([n["name"] for n in self.clara.call("ListNetworks")["networks"]], ["default"])
        self.assertEqual(self.berta.refused("ListNetworks", name="closed"), ("NoSuchNetwork", {"network": "closed"}))
        self.assertEqual(self.berta.refused("ListLeases", network="closed"), ("NoSuchNetwork", {"network": "closed"}))
        status = self.berta.call("GetStatus")
        whole = daemon.call("GetStatus")
        self.assertEqual(set(status), set(whole))
        self.assertEqual({k: type(v) for k, v in status.items()}, {k: type(v) for k, v in whole.items()})
        self.assertEqual((status["ports"], status["attached"], status["warnings"], len(status["networks"])), (1, 1, [], 2))
        self.assertEqual((whole["ports"], whole["attached"], len(whole["networks"])), (4, 4, 3))
        self.assertEqual(self.operator.call("GetStatus")["networks"], whole["networks"])

    def test_events(self):
        daemon = self.people()
        watches = {who: Watch(daemon.socket, since=1, client=who.connect()) for who in (self.alice, self.berta, self.operator)}
        for watch in watches.values():
            self.addCleanup(watch.close)
        self.attach(self.alice, "a", network="default")
        self.attach(self.berta, "b", network="default")
        daemon.ctl("release", "a")
        daemon.ctl("release", "b")
        for who, guest in ((self.alice, "a"), (self.berta, "b")):
            events = [watches[who].next() for _ in range(4)]
            self.assertEqual([(e["event"], e.get("guest")) for e in events],
                             [("started", None), ("attached", guest), ("detached", guest), ("released", guest)])
        self.assertEqual(watches[self.operator].until("released", guest="b")["network"], "default")

    def test_doctor(self):
        daemon = self.people()
        self.attach(self.alice, "a", network="default")
        self.attach(self.clara, "c", network="default")
        self.host.ns.run("ip", "route", "del", "default")
        self.until(lambda: "guests reach nothing beyond the host" in
                   {f["what"] for f in self.operator.call("Doctor")["findings"]})
        self.assertLess({"a/0", "c/0"}, {f.get("port") for f in daemon.call("Doctor")["findings"]})
        self.assertEqual({f["port"] for f in self.alice.call("Doctor")["findings"]}, {"a/0"})
        self.assertEqual(self.berta.call("Doctor")["findings"], [])

    def test_owner_outlives_the_daemon_but_not_the_state(self):
        daemon = self.people()
        self.attach(self.alice, "a", network="default")
        self.alice.call("Attach", guest="resting", network="default")
        daemon.kill()
        daemon.start()
        self.assertEqual({g["guest"] for g in self.alice.call("ListGuests")["guests"]}, {"a", "resting"})
        self.assertEqual(self.berta.call("ListGuests")["guests"], [])
        daemon.stop()
        os.rename(daemon.state, daemon.state + ".lost")
        daemon.start()
        self.assertEqual(self.alice.call("ListGuests")["guests"], [])
        self.assertEqual(daemon.guests()["a/0"]["owner"], 0)

    def test_reload_changes_owners_and_operators(self):
        daemon = self.people()
        self.attach(self.alice, "a", network="default")
        watch = Watch(daemon.socket, client=self.operator.connect())
        self.addCleanup(watch.close)
        daemon.configure(CONFIG.replace("host reserved", "host a { owner = 1001 }\n\thost reserved")
                         .replace(f"operators = {{ {OPERATORS} }}", f"operators = {{ {OPERATORS + 1} }}"))
        daemon.ctl("reload")
        self.assertEqual(self.alice.call("ListGuests")["guests"], [])
        self.assertEqual([g["owner"] for g in self.berta.call("ListGuests")["guests"]], [1001])
        self.assertEqual(self.operator.why("ListGuests"), "no allow block of the configuration is for user 1004")
        self.berta.call("Release", guest="a")  # which the watch of one who is no operator any more does not tell
        daemon.configure(CONFIG)
        daemon.ctl("reload")
        self.attach(self.clara, "c", network="default")
        self.assertEqual((watch.next()["event"], watch.next()["guest"]), ("reloaded", "c"))


class Published(Allow):
    def test_ports(self):
        daemon = self.people()
        self.attach(self.alice, "a", network="default")
        self.attach(self.clara, "c", network="default")
        for ports in ("tcp:80:80", "udp:7999-8000:1-2", "tcp:9000"):
            self.assertRegex(self.alice.why("Publish", guest="a", ports=["tcp:8080:80", ports]),
                             rf"^user 1000 may not publish {ports}.*: netd.conf:{LINE['group']} allows 8000-8999, 9100$")
        self.assertEqual(self.clara.why("Publish", guest="c", ports=["tcp:8000:80"]),
                         f"user 1002 may not publish tcp:8000:80: netd.conf:{LINE['user']} allows none")
        self.alice.call("Publish", guest="a", ports=["tcp:8000-8999:1-1000", "udp:9100:1"])
        self.attach(self.berta, "b", network="default")
        self.assertEqual(self.berta.refused("Publish", guest="b", ports=["tcp:8500:80"]),
                         ("PortInUse", {"port": "tcp:8500", "holder": "somebody else"}))
        self.assertEqual(self.berta.call("Unpublish", guest="b"), {"published": []})
        self.assertEqual(len(daemon.call("ListPublished")["published"]), 2)
        self.assertEqual(len(self.alice.call("Unpublish", guest="a")["published"]), 2)

    def test_no_more_than_64(self):
        self.people()
        self.attach(self.alice, "a", network="default")
        self.alice.call("Publish", guest="a", ports=[f"tcp:{8000 + n}" for n in range(63)])
        self.assertEqual(self.alice.why("Publish", guest="a", ports=["tcp:8100", "tcp:8101"]),
                         "user 1000 has as many published ports as one may: 64")
        self.alice.call("Publish", guest="a", ports=["tcp:8100"])


class Limits(Allow):
    CONFIG = f"max-clients = 32\nmax-clients-per-user = 4\nmax-waiting-per-user = 2\n{CONFIG}"

    def turned_away(self, client):
        with self.assertRaises(Error) as refused:
            client.reply()
        client.close()
        return refused.exception.name.rsplit(".", 1)[1], refused.exception.parameters

    def connected(self, who):
        client = who.connect()
        self.addCleanup(client.close)
        client.call("org.varlink.service.GetInfo")
        return client

    def test_connections_of_one_user(self):
        daemon = self.people(self.CONFIG)
        held = [self.connected(self.alice) for _ in range(4)]
        for _ in range(50):
            self.assertEqual(self.turned_away(self.alice.connect()), ("TooManyClientsOfUser", {"limit": 4}))
        self.assertEqual(self.alice.ctl("guests"),
                         (1, "", "netdctl: netd serves 4 clients of this user already, which is all it may "
                                 "(max-clients-per-user)\n"))
        self.assertEqual(self.alice.ctl("guests"), self.alice.ctl("guests"))
        self.assertEqual(self.berta.call("ListGuests"), {"guests": []})
        self.assertEqual(len([self.connected(self.operator) for _ in range(6)]), 6)
        daemon.call("GetStatus")
        held.pop().close()
        self.until(lambda: self.alice.ctl("guests")[0] == 0)

    def test_an_eighth_is_for_root(self):
        daemon = self.people(self.CONFIG)
        users = [Person(daemon, 3000 + n, groups=[KVM]) for n in range(8)]
        clients = [self.connected(who) for who in users[:7] for _ in range(4)]
        self.assertEqual(len(clients), 28)
        self.assertEqual(self.turned_away(users[7].connect()), ("TooManyClients", {"limit": 28}))
        self.assertEqual(len([self.connected(self.operator) for _ in range(3)]), 3)
        daemon.call("GetStatus")
        self.assertEqual(self.connected(self.operator).call("io.netd.ListGuests"), {"guests": []})
        self.assertEqual(self.turned_away(Client(daemon.socket)), ("TooManyClients", {"limit": 32}))

    def test_calls_that_wait(self):
        daemon = self.people(self.CONFIG)
        waiting = [self.connected(self.alice) for _ in range(3)]
        for client in waiting[:2]:
            client.send({"method": "io.netd.Wait", "parameters": {"guest": "a", "for": "attached"}})
        self.until(lambda: self.alice.refused("Wait", guest="a", **{"for": "attached", "timeoutSeconds": 0})[0] != "TimedOut")
        refusal = ("TooManyWaiting", {"limit": 2})
        self.assertEqual(self.alice.refused("Wait", guest="a", **{"for": "attached"}), refusal)
        with self.assertRaises(Error) as refused:
            next(waiting[2].more("io.netd.Watch"))
        self.assertEqual(refused.exception.name, "io.netd.TooManyWaiting")
        self.assertEqual(waiting[2].call("io.netd.ListGuests"), {"guests": []}, "the connection is good for other calls")
        self.assertEqual(self.berta.refused("Wait", guest="b", **{"for": "attached", "timeoutSeconds": 0})[0], "TimedOut")
        for _ in range(5):
            self.assertEqual(self.operator.refused("Wait", guest="b", **{"for": "attached", "timeoutSeconds": 0})[0], "TimedOut")
        waiting[2].close()
        self.attach(self.alice, "a", network="default")
        for client in waiting[:2]:
            self.assertEqual(client.reply()["port"]["guest"], "a")
        self.assertEqual(self.alice.call("Wait", guest="a", **{"for": "attached"})["port"]["guest"], "a")
        self.assertEqual(daemon.call("GetStatus")["attached"], 1)

    def test_attaches_that_wait_for_a_probe(self):
        daemon = self.people("max-waiting-per-user = 2\nsocket { mode = 0666 }\n"
                             f"network default {{ subnet = 10.77.0.1/24 probe = on allow {{ group = {KVM} }} }}\n")
        clients = [self.connected(self.alice) for _ in range(3)] + [self.connected(self.berta)]
        daemon.process.send_signal(signal.SIGSTOP)
        for n, client in enumerate(clients):
            client.send({"method": "io.netd.Attach", "parameters": {"guest": f"g{n}", "vhost": "off"}})
        daemon.process.send_signal(signal.SIGCONT)
        replies = [client.receive() for client in clients]
        for client in clients:
            for fd in client.fds:
                os.close(fd)
        self.assertEqual([reply.get("error") for reply in replies].count("io.netd.TooManyWaiting"), 1)
        self.assertIn("port", replies[3]["parameters"])
        self.assertEqual(len(daemon.guests()), 3)

    def test_one_who_hangs_up_waits_no_more(self):
        self.people(self.CONFIG)
        for _ in range(10):
            client = self.connected(self.alice)
            client.send({"method": "io.netd.Wait", "parameters": {"guest": "a", "for": "attached"}})
            client.close()
            self.until(lambda: self.alice.call("GetStatus")["clients"] == 1)
        self.assertEqual(self.alice.refused("Wait", guest="a", **{"for": "attached", "timeoutSeconds": 0})[0], "TimedOut")

    def test_one_who_floods_keeps_nobody_from_being_served(self):
        """Calls without end on each of a user's connections; another user's, and root's, are answered all the while."""
        daemon = self.people(self.CONFIG)
        call = json.dumps({"method": "io.netd.GetStatus"}).encode() + b"\0"
        clients = [self.connected(self.alice) for _ in range(4)]
        answered = [0] * len(clients)
        stop = threading.Event()

        def flood(n):
            while not stop.is_set():
                clients[n].send(call * 50)
                for _ in range(50):
                    clients[n].reply()
                    answered[n] += 1

        threads = [threading.Thread(target=flood, args=(n,)) for n in range(len(clients))]
        for thread in threads:
            thread.start()
        try:
            for n in range(20):
                self.attach(self.berta if n < 2 else self.operator, f"g{n}", network="default")
            self.until(lambda: min(answered) > 100)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(daemon.call("GetStatus")["attached"], 20)

    def test_one_who_does_not_read(self):
        """What it sends stays in its socket, others are served, and when it reads it has its answers."""
        self.people(self.CONFIG)
        client = self.connected(self.alice)
        client.socket.setblocking(False)
        call = json.dumps({"method": "org.varlink.service.GetInterfaceDescription",
                           "parameters": {"interface": "io.netd"}}).encode() + b"\0"
        sent = 0
        with self.assertRaises(BlockingIOError):
            while True:
                sent += client.socket.send(call[sent % len(call):])
        for _ in range(100):
            self.berta.call("GetStatus")
        client.socket.settimeout(DEADLINE)
        for _ in range(sent // len(call)):
            self.assertIn("interface io.netd", client.reply()["description"])

    def test_what_one_user_does_not_read_is_bounded(self):
        """Of many connections whose replies lie in netd since nobody reads them, some are closed."""
        daemon = self.people("socket { mode = 0666 }\n"
                             f"network default {{ subnet = 10.77.0.1/20 allow {{ group = {KVM} }} }}\n")
        for third in range(2, 7):
            daemon.call("Import", items=[{"mac": f"52:54:00:00:{third:02x}:{n:02x}", "address": f"10.77.{third}.{n}"}
                                         for n in range(1, 255)])
        daemon.stop()
        subprocess.run(["sqlite3", os.path.join(daemon.state, "state.db"), "UPDATE allocation SET owner = 1000"], check=True)
        daemon.start()
        size = len(json.dumps(self.alice.call("ListGuests")))
        self.assertGreater(size, 500_000, "more than a socket holds")
        poll = select.poll()
        for _ in range(60):
            client = self.alice.connect()
            self.addCleanup(client.close)
            client.send({"method": "io.netd.ListGuests"})
            poll.register(client.socket, 0)
        self.assertTrue(poll.poll(DEADLINE * 1000), "none was closed")
        self.assertEqual(self.berta.call("ListGuests"), {"guests": []})
        self.assertLess(len(poll.poll(0)), 60 - (4 << 20) // size, "those that fit are kept")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that is lived in: whatever netd does, what is not its own stays as it is, to the last attribute."""

import re
import unittest

from support import NetnsTest
from test_tap import TapTest

from harness.namespaces import Namespace

NOTHING = 'mac { secret = "a test\'s secret" }\n'
CONFIG = NOTHING + """
network default { subnet = 10.77.0.1/24  dns = { 192.0.2.53 } }
network tenant  { subnet = 10.78.0.1/24  dns = { 192.0.2.53 }  mode = route  isolate = yes }
network inner   { subnet = 10.79.0.1/24  mode = isolated }
"""

# Uplinks of their own, which netd moves or puts guests on, and a bridge of the host's.
RATE = "rate { in = 20mbit  out = 10mbit }"
LANS = CONFIG + f"""
network moved {{ mode = bridge  uplink = up1  {RATE} }}
network found {{ mode = bridge  bridge = br-lan  {RATE} }}
network macs  {{ mode = macvtap  uplink = up2  {RATE} }}
network rated {{ subnet = 10.80.0.1/24  dns = {{ 192.0.2.53 }}  {RATE} }}
"""
UPLINKS = """
ip link add up1 type veth peer name net1 netns {0}
ip link add up2 type veth peer name net2 netns {0}
sysctl -qw net.ipv6.conf.up1.disable_ipv6=1 net.ipv6.conf.up2.disable_ipv6=1
ip link set up1 up
ip link set up2 up
ip addr add 198.51.100.2/24 dev up1
ip addr add 198.51.100.3/24 dev up1
ip addr add 10.40.0.2/24 dev up2
ip route add 10.41.0.0/16 via 198.51.100.1 metric 7
ip route add 10.42.0.0/16 via 10.40.0.1
tc qdisc add dev up2 root tbf rate 1gbit burst 256k latency 50ms
tc qdisc add dev up2 ingress
tc filter add dev up2 parent ffff: protocol ip u32 match u32 0 0 flowid :1
tc qdisc add dev up1 root tbf rate 2gbit burst 256k latency 50ms
"""

# What a host has that others made, some of it much like what is netd's.
LIVED_IN = """
echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode
ip link add br-lan type bridge forward_delay 0
ip link add veth-a type veth peer name veth-b
ip link set veth-a master br-lan up
ip link set veth-b up
ip link set br-lan up
ip addr add 10.20.0.1/24 dev br-lan
ip addr add 2001:db8::1/64 dev br-lan nodad
ip link set veth-a alias netd
ip link set veth-b alias 'netd: not a mark'
ip tuntap add dev nt0123456789ab mode tap user 1000
ip tuntap add dev tap7 mode tap multi_queue
ip link set tap7 master br-lan
ip link add nd-lookalike type bridge
ip link add mv0 link up0 type macvlan mode bridge
ip link add ifb7 type ifb
ip link set ifb7 up
ip link add vx7 type vxlan id 7 remote 192.0.2.9 dev up0 dstport 4789
ip route add 10.30.0.0/16 via 10.20.0.2
ip route add 10.31.0.0/16 dev veth-b table 100
ip rule add from 10.31.0.0/16 table 100 priority 1000
ip neigh add 10.20.0.2 lladdr 52:54:00:00:00:01 dev br-lan nud permanent
bridge fdb add 52:54:00:00:00:02 dev veth-a master static
tc qdisc add dev up0 root handle 1: htb default 10
tc class add dev up0 parent 1: classid 1:10 htb rate 1gbit
tc filter add dev up0 parent 1: protocol ip u32 match ip dst 10.30.0.0/16 flowid 1:10
tc qdisc add dev veth-b ingress
tc filter add dev veth-b parent ffff: protocol ip u32 match u32 0 0 flowid :1
tc qdisc add dev ifb7 root tbf rate 100mbit burst 64k latency 50ms
"""
RULES = """
table inet filter {
	set admins { type ipv4_addr; elements = { 192.0.2.7, 192.0.2.8 }; }
	chain input { type filter hook input priority 0; policy accept; ip saddr @admins tcp dport 22 accept; }
	chain forward { type filter hook forward priority 0; policy accept; counter; }
}
table ip nat {
	chain post { type nat hook postrouting priority 100; oifname "up0" ip saddr 10.20.0.0/24 masquerade; }
}
table bridge filter {
	chain forward { type filter hook forward priority 0; policy accept; ether type arp accept; }
}
table netdev ingress {
	chain veth { type filter hook ingress device "veth-b" priority 0; policy accept; }
}
table inet netd-of-others { chain c { }; }
"""
VOLATILE_LINK = ("operstate", "flags", "stats", "stats64")
TIMERS = re.compile(r"_timer$|^gc_timer|^tcn|topology")


class Untouched(NetnsTest):
    def setUp(self):
        super().setUp()
        for line in LIVED_IN.strip().splitlines():
            self.host.ns.run("sh", "-c", line)
        self.host.ns.run("nft", "-f", "-", input=RULES)
        self.foreign = {link["ifname"] for link in self.host.ns.json("ip", "-j", "link")}

    def links(self):
        links = {}
        for name, link in self.host.ns.links().items():
            if name not in self.foreign:
                continue
            data = link.get("linkinfo", {}).get("info_data", {})
            for key in [key for key in data if TIMERS.search(key)]:
                del data[key]
            links[name] = {key: value for key, value in link.items() if key not in VOLATILE_LINK}
            links[name]["up"] = "UP" in link["flags"]
        return links

    def of_foreign(self, *argv):
        """The objects of a listing that belong to what others made, without counters."""
        found = []
        for item in self.host.ns.json(*argv):
            if item.get("dev", item.get("ifname")) in self.foreign | {None}:
                item.pop("flags", None)
                found.append(repr(sorted(item.items())))
        return sorted(found)

    def rules(self):
        tables = self.host.ns.run("nft", "list", "tables").splitlines()
        return {t: self.host.ns.run("nft", "-s", "list", *t.split()) for t in tables if t.split()[-1] != "netd"}

    def dump(self):
        """All that others made, by what it is."""
        return {"links": self.links(),
                "addresses": {a["ifname"]: sorted(repr(x) for x in a["addr_info"]) for a in
                              self.host.ns.json("ip", "-j", "addr") if a["ifname"] in self.foreign},
                "routes": self.of_foreign("ip", "-j", "-d", "route", "show", "table", "all"),
                "policies": self.host.ns.run("ip", "rule"),
                "neighbours": self.of_foreign("ip", "-j", "neigh", "show", "nud", "permanent"),
                "fdb": sorted(repr(e) for e in self.host.ns.json("bridge", "-j", "fdb", "show", "br", "br-lan")),
                "qdiscs": self.of_foreign("tc", "-j", "qdisc"),
                "classes": self.host.ns.run("tc", "class", "show", "dev", "up0"),
                "filters": [self.host.ns.run("tc", "filter", "show", "dev", *at) for at in
                            (("up0",), ("veth-b", "parent", "ffff:"))],
                "rules": self.rules()}

    def same(self, before, when):
        after = self.dump()
        for what, had in before.items():
            self.assertEqual(had, after[what], f"{what} {when}")

    def test_over_a_daemon_s_life(self):
        before, whole = self.dump(), self.host.ns.dump()
        daemon = self.daemon(CONFIG)
        self.same(before, "after the start")
        guests = [self.vmm(daemon, f"g{i}", "--network", ("default", "tenant", "inner")[i % 3]) for i in range(6)]
        for guest in guests:
            guest.udhcpc()
        self.same(before, "with guests")
        daemon.ctl("publish", "g0", "tcp:8080:80")
        daemon.ctl("reload")
        self.same(before, "after a reload")
        daemon.kill()
        self.same(before, "after kill -9")
        guests.pop().close()
        daemon.start()
        self.same(before, "after the second start")
        for guest in guests:
            guest.close()
        for i in range(6):
            daemon.ctl("release", f"g{i}")
        self.same(before, "after the guests")
        daemon.stop()
        self.same(before, "after the end")
        daemon.configure(NOTHING)
        daemon.start()
        daemon.stop()
        self.same(before, "without networks")
        self.assertEqual(whole, self.host.ns.dump())

    def test_lookalikes_are_not_leftovers(self):
        """A TAP with a name like ours, aliases like ours and a bridge with our prefix outlive a start without networks."""
        before = self.dump()
        daemon = self.daemon(NOTHING)
        self.same(before, "without networks")
        daemon.kill()
        daemon.start()
        daemon.stop()
        self.same(before, "after two starts")


class WithLans(Untouched, TapTest):
    """Its uplinks lead to LANs, on which guests are, and to which it belongs itself."""

    maxDiff = None

    def setUp(self):
        super().setUp()
        for line in UPLINKS.format(self.host.internet.pid).strip().splitlines():
            self.host.ns.run("sh", "-c", line)
        for name, address in (("net1", "198.51.100.1/24"), ("net2", "10.40.0.1/24")):
            self.host.internet.run("ip", "addr", "add", address, "dev", name)
            self.host.internet.run("ip", "link", "set", name, "up")
        self.foreign |= {"up1", "up2"}

    # Those of the other class have no need of this.
    test_over_a_daemon_s_life = test_lookalikes_are_not_leftovers = None

    def dump(self):
        found = super().dump()
        found["filters"] += [self.host.ns.run("tc", "filter", "show", "dev", "up2", "parent", "ffff:")]
        found["all qdiscs"] = self.of_foreign("tc", "-j", "qdisc", "show")
        found["ifbs"] = self.host.ns.run("ip", "-o", "link", "show", "type", "ifb").count("\n")
        return found

    def same_but_the_uplink(self, before, when):
        """While up1 is in netd's bridge: all that is not about it."""
        after = self.dump()
        for what, had in before.items():
            has = after[what]
            if what == "ifbs":
                continue
            if isinstance(had, dict):
                had, has = ({k: v for k, v in x.items() if k != "up1"} for x in (had, has))
                if what == "links":
                    # A card that cannot filter for several MACs hears all while guests are on it.
                    had, has = ({**x, "up2": {**x["up2"], "promiscuity": 0}} for x in (had, has))
            elif what == "routes":
                had, has = ([r for r in x if "up1" not in r] for x in (had, has))
            elif what == "fdb":
                # Guests' ports are in br-lan.
                has = [e for e in has if e in had]
            self.assertEqual(had, has, f"{what} {when}")

    def test_over_a_daemon_s_life_with_lans(self):
        before, whole = self.dump(), self.host.ns.dump()
        daemon = self.daemon(LANS)
        self.until(lambda: all(n["up"] for n in daemon.ctl_json("networks")))
        self.assertEqual(self.host.ns.links()["up1"]["master"], "nd-moved")
        self.same_but_the_uplink(before, "after the start")
        guests = [self.vmm(daemon, f"g-{name}", "--network", name) for name in ("moved", "found", "macs", "rated")]
        container = Namespace("container")
        self.addCleanup(container.close)
        for name in ("moved", "found", "rated"):
            self.attach(daemon, f"t-{name}", "--network", name, "--tap")
            self.attach(daemon, f"c-{name}", "--network", name, "--netns", f"/proc/{container.pid}/ns/net", "--ifname", name)
        self.assertEqual(self.dump()["ifbs"] - before["ifbs"], 10)
        self.same_but_the_uplink(before, "with guests")
        daemon.ctl("reload")
        daemon.kill()
        self.same_but_the_uplink(before, "after kill -9")
        guests.pop().close()
        daemon.start()
        self.same_but_the_uplink(before, "after the second start")
        for guest in guests:
            guest.close()
        for guest in list(daemon.guests()):
            daemon.ctl("release", guest.split("/", maxsplit=1)[0])
        daemon.ctl("reload")
        self.same_but_the_uplink(before, "after the guests")
        self.assertEqual(self.dump()["ifbs"], before["ifbs"])
        daemon.stop()
        self.same(before, "after the end")
        daemon.start()
        self.until(lambda: all(n["up"] for n in daemon.ctl_json("networks")))
        daemon.kill()
        daemon.configure(NOTHING)
        daemon.start()
        daemon.stop()
        self.same(before, "without networks")
        self.assertEqual(whole, self.host.ns.dump())


if __name__ == "__main__":
    unittest.main()

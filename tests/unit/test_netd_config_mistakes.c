/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of each mistake in a configuration, and of which line. */
#include "config_kit.h"

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X240 X60 X60 X60 X60
#define IN_SOCKET(text) "socket {\n" text "\n}\n"
#define IN_MAC(text) "mac {\n" text "\n}\n"
#define IN_HOST(text) "network a {\nsubnet = 10.77.0.1/24\nhost web1 {\n" text "\n}\n}\n"

static const struct {
	const char *text, *sentence;
} mistakes[] = {
	/* what no key can be */
	{ "colour = blue", ":1: no such option 'colour'" },
	{ "\n\nnetwork a {\ncolour = blue }", ":4: no such option 'colour'" },
	{ "max-ports 7", ":1: missing equal sign after option 'max-ports'" },
	{ "max-ports = }", ":1: unexpected token '}'" },
	{ "max-ports = { 7 }", ":1: unexpected token '{'" },
	{ "max-ports += 7", ":1: attempt to append to non-list option 'max-ports'" },
	{ "supernet = { 10.0.0.0/8 10.1.0.0/16 }", ":1: unexpected token '10.1.0.0/16'" },
	{ "}", ":1: unexpected closing brace" },
	{ "network a {\n}\n}\n", ":3: unexpected closing brace" },
	{ "\"\" = 7", ":1: cannot be parsed" },
	{ "network {\n}", ":1: missing title for section 'network'" },
	{ "network a\nmode = nat", ":2: missing opening brace for section 'network'" },
	{ "socket default { }", ":1: missing opening brace for section 'socket'" },

	/* where the file ends too soon */
	{ "network a {", ":1: the file ends inside a block" },
	{ "network a {\n", ":1: the file ends inside a block" },
	{ "network a {\nhost b {\n}\n", ":3: the file ends inside a block" },
	{ "network a {\n# b\n", ":2: the file ends inside a block" },
	{ "supernet = {\n10.0.0.0/8\n", ":2: the file ends inside a block" },
	{ "/* abc", ":1: the file ends inside a comment" },
	{ "max-ports = 7\n/* abc\n\n", ":3: the file ends inside a comment" },
	{ "network a {\n/*\n}\n", ":3: the file ends inside a comment" },
	{ "\nmac { secret = \"abc }\n", ":2: premature end of file" },
	{ "\nmac { secret = 'abc }\n", ":2: unterminated string constant" },

	/* lines are counted through comments and texts of several lines */
	{ "# 1\n// 2\n/* 3\n4 */\n/* 5 *//* 5 */ mode = nat", ":5: no such option 'mode'" },
	{ "mac { secret = 'a # b' }\nmode = nat", ":2: no such option 'mode'" },
	{ "mac { secret = \"a \\\" // b\" }\nmode = nat", ":2: no such option 'mode'" },
	{ "mac { secret = 'a \\' /* b' } # */\nmode = nat", ":2: no such option 'mode'" },
	{ "socket { path = /a//b } /* c */\nmode = nat", ":2: no such option 'mode'" },
	{ "mac { secret = \"a\\\nb\" } # c\nmode = nat", ":3: no such option 'mode'" },
	{ "# a\r\n# b\r\nmode = nat", ":3: no such option 'mode'" },
	{ "max-ports = 7 # a\n# b\nmax-ports = 7", ":3: 'max-ports' is set twice" },

	/* duplicates */
	{ "max-ports = 7\n\nmax-ports = 7", ":3: 'max-ports' is set twice" },
	{ "supernet = 10.0.0.0/8\nsupernet = 11.0.0.0/8", ":2: 'supernet' is set twice" },
	{ "supernet = { 10.0.0.0/8 }\nsupernet = { 10.0.0.0/8 }", ":2: 'supernet' is set twice" },
	{ "\nsupernet = { 10.0.0.0/8 }\nsupernet = { }", ":2: 'supernet' is set twice" },
	{ IN_NETWORK("mode = nat mode = nat"), ":2: 'mode' is set twice" },
	{ IN_HOST("mac = 2:0:0:0:0:1\nmac = 2:0:0:0:0:1"), ":5: 'mac' is set twice" },
	{ "socket {\n}\n\nsocket {\nmode = 0600\n}", ":4: there are two blocks 'socket'" },
	{ "mac { }\nmac { }", ":2: there are two blocks 'mac'" },
	{ "network a { }\n\nnetwork a {\n}", ":3: found duplicate title 'a'" },
	{ IN_NETWORK("host b { }\nhost b { }"), ":3: found duplicate title 'b'" },
	{ IN_NETWORK("option 42 { value = 1.1.1.1 }\noption 42 { value = 2.2.2.2 }"),
	  ":3: found duplicate title '42'" },
	{ IN_NETWORK("option 42 { value = 1.1.1.1 }\noption ntp-servers { value = 2.2.2.2 }"),
	  ":3: option 42 (ntp-servers) is set twice" },
	{ IN_HOST("option 42 { value = 1.1.1.1 }\noption 42 { value = 1.1.1.1 }"),
	  ":5: found duplicate title '42'" },

	/* the daemon's keys */
	{ "supernet = { 10.0.0.0/8,\n10.64.0.0/7 }",
	  ":2: supernet: '10.64.0.0/7' is not a prefix of length 8 to 24 like 10.64.0.0/10" },
	{ "supernet = 10.64.0.0/25",
	  ":1: supernet: '10.64.0.0/25' is not a prefix of length 8 to 24 like 10.64.0.0/10" },
	{ "supernet = 10.64.0.1/10",
	  ":1: supernet: '10.64.0.1/10' is not a prefix of length 8 to 24 like 10.64.0.0/10" },
	{ "supernet = all",
	  ":1: supernet: 'all' is not a prefix of length 8 to 24 like 10.64.0.0/10" },
	{ "supernet = { 1.0.0.0/8, 2.0.0.0/8, 3.0.0.0/8, 4.0.0.0/8, 5.0.0.0/8, 6.0.0.0/8,\n"
	  "7.0.0.0/8, 8.0.0.0/8, 9.0.0.0/8, 10.0.0.0/8, 11.0.0.0/8, 12.0.0.0/8,\n"
	  "13.0.0.0/8, 14.0.0.0/8, 15.0.0.0/8, 16.0.0.0/8,\n17.0.0.0/8 }",
	  ":4: supernet: more than 16 values" },
	{ "trap-group = 0", ":1: trap-group: '0' is not a number from 1 to 65534" },
	{ "trap-group = 65536", ":1: trap-group: '65536' is not a number from 1 to 65534" },
	{ "trap-group = -1", ":1: trap-group: '-1' is not a number from 1 to 65534" },
	{ "trap-group = 0x7", ":1: trap-group: '0x7' is not a number from 1 to 65534" },
	{ "trap-group = ''", ":1: trap-group: '' is not a number from 1 to 65534" },
	{ "trap-group = ' 7'", ":1: trap-group: ' 7' is not a number from 1 to 65534" },
	{ "trap-group = '7 '", ":1: trap-group: '7 ' is not a number from 1 to 65534" },
	{ "trap-group = 99999999999999999999",
	  ":1: trap-group: '99999999999999999999' is not a number from 1 to 65534" },
	{ "max-ports = 0", ":1: max-ports: '0' is not a number from 1 to 65536" },
	{ "max-ports = 65537", ":1: max-ports: '65537' is not a number from 1 to 65536" },
	{ "max-clients = 7", ":1: max-clients: '7' is not a number from 8 to 4096" },
	{ "max-clients = 4097", ":1: max-clients: '4097' is not a number from 8 to 4096" },
	{ "coexist = ufw", ":1: coexist: 'ufw' is not none or docker" },
	{ IN_SOCKET("path = run/netd.sock"), ":2: path: 'run/netd.sock' is not an absolute path" },
	{ IN_SOCKET("path = ''"), ":2: path: '' is not an absolute path" },
	{ IN_SOCKET("path = '/a\tb'"), ":2: path: it has a control character" },
	{ IN_SOCKET("path = /" X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
	  ":2: path: '/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 107 characters" },
	{ IN_SOCKET("group = " X60 "xxxx"),
	  ":2: group: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 63 characters" },
	{ IN_SOCKET("mode = 0888"), ":2: mode: '0888' is not a file mode like 0660" },
	{ IN_SOCKET("mode = 1777"), ":2: mode: '1777' is not a file mode like 0660" },
	{ IN_SOCKET("mode = -1"), ":2: mode: '-1' is not a file mode like 0660" },
	{ IN_SOCKET("mode = rw"), ":2: mode: 'rw' is not a file mode like 0660" },
	{ IN_MAC("policy = serial"), ":2: policy: 'serial' is not hash, random or host" },
	{ IN_MAC("prefix = 52:54:00:12:34:56"),
	  ":2: prefix: '52:54:00:12:34:56' is not one to five octets like 52:54:00" },
	{ IN_MAC("prefix = 52-54-00"),
	  ":2: prefix: '52-54-00' is not one to five octets like 52:54:00" },
	{ IN_MAC("prefix = '52:54:'"),
	  ":2: prefix: '52:54:' is not one to five octets like 52:54:00" },
	{ IN_MAC("prefix = ''"), ":2: prefix: '' is not one to five octets like 52:54:00" },
	{ IN_MAC("prefix = 52:54:0g"),
	  ":2: prefix: '52:54:0g' is not one to five octets like 52:54:00" },
	{ IN_MAC("prefix = 01:00:5e"),
	  ":2: prefix: '01:00:5e' cannot begin a guest's MAC address: it is a multicast address" },
	{ IN_MAC("prefix = fe"),
	  ":2: prefix: 'fe' cannot begin a guest's MAC address: first octet fe "
	  "is kept for the host's side of ports" },
	{ IN_MAC("prefix = 00:00:5e:00:01"),
	  ":2: prefix: '00:00:5e:00:01' cannot begin a guest's MAC address: it is a VRRP virtual "
	  "router's" },
	{ IN_MAC("policy = host\nprefix = 52:54"), ":3: prefix: policy host takes three octets" },
	{ IN_MAC("prefix = 2:3:4:5\n\npolicy = host"),
	  ":2: prefix: policy host takes three octets" },
	{ IN_MAC("secret = " X240 "xxxxxxxxxxxxxxxx"),
	  ":2: secret: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 255 characters" },
	{ IN_MAC("secret = \"a\\x1fb\""), ":2: secret: it has a control character" },
	{ IN_MAC("secret = \"\\x1fb\""), ":2: secret: it has a control character" },
	{ IN_MAC("secret = \"a\\x7f\""), ":2: secret: it has a control character" },

	/* networks */
	{ "\nnetwork /x {\n\n}\n",
	  ":2: '/x' is not a name for a network: it does not begin with a letter or digit" },
	{ "network '' {\n}\n", ":1: '' is not a name for a network: it is empty" },
	{ "network " X60 "xxxx {\n}\n",
	  ":1: '" X60 "xxxx' is not a name for a network: it is longer than 63 characters" },
	{ "network 'a b' {\n}\n", ":1: 'a b' is not a name for a network: it has other characters "
				  "than letters, digits, '.', '_' and '-'" },
	{ IN_NETWORK("uplink = eth0"), ":2: uplink: it is for modes bridge and macvtap" },
	{ IN_NETWORK("mode = bridge"), ":1: network 'a': mode bridge needs an uplink or a bridge" },
	{ IN_NETWORK("mode = macvtap"), ":1: network 'a': mode macvtap needs an uplink" },
	{ IN_NETWORK("mode = macvtap\nbridge = br0"), ":3: bridge: it is for mode bridge" },
	{ IN_NETWORK("mode = bridge\nbridge = br0\nuplink = eth0"),
	  ":3: bridge: one that exists has its uplink already" },
	{ IN_NETWORK("mode = bridge\nuplink = eth/0"),
	  ":3: uplink: 'eth/0' is not the name of an interface" },
	{ IN_NETWORK("mode = bridge\nbridge = br0\ndhcp = on"),
	  ":4: dhcp: without a subnet there is no DHCP" },
	{ IN_NETWORK("mode = Nat"),
	  ":2: mode: 'Nat' is not nat, route, isolated, bridge or macvtap" },
	{ IN_NETWORK("subnet = 10.77.0.1"),
	  ":2: subnet: '10.77.0.1' is neither auto nor an address "
	  "with a prefix length like 10.77.0.1/24" },
	{ IN_NETWORK("subnet = 10.77.0.0/24"), ":2: subnet: '10.77.0.0/24' is not the address of a "
					       "gateway: it is the subnet's network address" },
	{ IN_NETWORK("subnet = 10.77.0.255/24"),
	  ":2: subnet: '10.77.0.255/24' is not the address of "
	  "a gateway: it is the subnet's broadcast address" },
	{ IN_NETWORK("subnet = 10.77.0.1/31"),
	  ":2: subnet: '10.77.0.1/31' has a prefix length that is not from 8 to 30" },
	{ IN_NETWORK("subnet = 10.77.0.1/7"),
	  ":2: subnet: '10.77.0.1/7' has a prefix length that is not from 8 to 30" },
	{ "network a { subnet = 10.77.0.1/24 }\nnetwork b {\nsubnet = 10.77.0.129/25 }",
	  ":3: subnet: 10.77.0.129/25 overlaps 10.77.0.1/24 of network 'a' at %s:1" },
	{ IN_NETWORK("port eth0 {\n}\nport 'a b' {\n}"),
	  ":4: 'a b' is not the name of an interface" },
	{ IN_NETWORK("port abcdefghijklmnop {\n}"),
	  ":2: 'abcdefghijklmnop' is not the name of an interface" },
	{ IN_NETWORK("port a/b {\n}"), ":2: 'a/b' is not the name of an interface" },
	{ IN_NETWORK("port eth0 {\nserve = perhaps\n}"),
	  ":3: serve: 'perhaps' is neither on nor off" },
	{ "network a {\nport eth0 {\n}\n}\nnetwork b {\nport eth0 {\n}\n}",
	  ":6: port 'eth0' stands already at %s:2" },
	{ IN_NETWORK("relay 10.9.0.0/24 {\n}"),
	  ":2: '10.9.0.0/24' is not a router's address and prefix length like 10.9.0.1/24" },
	{ IN_NETWORK("relay 10.9.0.1 {\n}"),
	  ":2: '10.9.0.1' is not a router's address and prefix length like 10.9.0.1/24" },
	{ IN_NETWORK("relay 10.9.0.1/31 {\n}"),
	  ":2: '10.9.0.1/31' is not a router's address and prefix length like 10.9.0.1/24" },
	{ IN_NETWORK("relay 10.9.0.1/24 {\n}\nrelay 10.9.0.129/25 {\n}"),
	  ":4: relay: 10.9.0.129/25 overlaps relay 10.9.0.1/24" },
	{ IN_NETWORK("subnet = 10.9.0.1/16\nrelay 10.9.7.1/24 {\n}"),
	  ":3: relay: 10.9.7.1/24 overlaps subnet 10.9.0.1/16 of network 'a'" },
	{ IN_NETWORK("relay 10.9.0.1/24 {\nrange = 10.9.0.10-10.9.1.10\n}"),
	  ":3: range: 10.9.1.10 is outside the subnet 10.9.0.1/24" },
	{ IN_NETWORK("range = 10.77.0.9-10.77.0.10"), ":2: range: a subnet that is auto has none" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\nrange = 10.77.0.9-10.77.1.10"),
	  ":3: range: 10.77.1.10 is outside the subnet 10.77.0.1/24" },
	{ IN_NETWORK("range = 10.76.0.9-10.77.0.10\nsubnet = 10.77.0.1/24"),
	  ":2: range: 10.76.0.9 is outside the subnet 10.77.0.1/24" },
	{ IN_NETWORK("range = 10.77.0.10-10.77.0.9"),
	  ":2: range: '10.77.0.10-10.77.0.9' ends before it begins" },
	{ IN_NETWORK("range = { 10.77.0.1-10.77.0.9,\n10.77.0.9 }"),
	  ":3: range: '10.77.0.9' overlaps an earlier range" },
	{ IN_NETWORK("range = 10.77.0.0/24"),
	  ":2: range: '10.77.0.0/24' is not a range like 10.77.0.50-10.77.0.199" },
	{ IN_NETWORK("range = 10.77.0.1-10.77.0.256"),
	  ":2: range: '10.77.0.1-10.77.0.256' is not a range like 10.77.0.50-10.77.0.199" },
	{ IN_NETWORK("range = 10.77.0.1-"),
	  ":2: range: '10.77.0.1-' is not a range like 10.77.0.50-10.77.0.199" },
	{ IN_NETWORK("range = '10.77.0.1 - 10.77.0.9'"),
	  ":2: range: '10.77.0.1 - 10.77.0.9' is not a range like 10.77.0.50-10.77.0.199" },
	{ IN_NETWORK("range = 10.77.0.1-10.77.0.9-10.77.0.19"),
	  ":2: range: '10.77.0.1-10.77.0.9-10.77.0.19' is not a range like "
	  "10.77.0.50-10.77.0.199" },
	{ IN_NETWORK("exclude = 10.77.0.9"), ":2: exclude: a subnet that is auto has none" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\nexclude = { 10.77.0.9,\n10.78.0.1 }"),
	  ":4: exclude: 10.78.0.1 is outside the subnet 10.77.0.1/24" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\nexclude = { 10.77.0.9-10.77.0.12,\n10.77.0.11 }"),
	  ":4: exclude: '10.77.0.11' overlaps an earlier range" },
	{ IN_NETWORK("exclude = web"),
	  ":2: exclude: 'web' is not a range like 10.77.0.50-10.77.0.199" },
	{ IN_NETWORK("\ngrow = 10.77.0.9"), ":3: grow: a subnet that is auto has none" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\ngrow = 10.77.0.250-10.77.1.9"),
	  ":3: grow: 10.77.1.9 is outside the subnet 10.77.0.1/24" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\ngrow = 10.77.0.250"),
	  ":3: grow: without range the whole subnet is in use already" },
	{ IN_NETWORK("subnet = 10.77.0.1/24 range = 10.77.0.9-10.77.0.19\n"
		     "grow = { 10.77.0.8, 10.77.0.19-10.77.0.29 }"),
	  ":3: grow: the range from 10.77.0.19 on overlaps range" },
	{ IN_NETWORK("subnet = 10.77.0.1/24 range = 10.77.0.9\ngrow = { 10.77.0.8, 10.77.0.8 }"),
	  ":3: grow: '10.77.0.8' overlaps an earlier range" },
	{ IN_NETWORK("keep-leases = forever"), ":2: keep-leases: 'forever' is neither on nor off" },
	{ IN_NETWORK("lease-time = soon"),
	  ":2: lease-time: 'soon' is not a time like 90s, 1h30m or 7d" },
	{ IN_NETWORK("lease-time = 1h30x"),
	  ":2: lease-time: '1h30x' is not a time like 90s, 1h30m or 7d" },
	{ IN_NETWORK("lease-time = 1hh"),
	  ":2: lease-time: '1hh' is not a time like 90s, 1h30m or 7d" },
	{ IN_NETWORK("lease-time = -1h"),
	  ":2: lease-time: '-1h' is not a time like 90s, 1h30m or 7d" },
	{ IN_NETWORK("lease-time = ''"), ":2: lease-time: '' is not a time like 90s, 1h30m or 7d" },
	{ IN_NETWORK("lease-time = 29"),
	  ":2: lease-time: '29' is not from 30 to 4294967294 seconds" },
	{ IN_NETWORK("lease-time = 4294967295"),
	  ":2: lease-time: '4294967295' is not from 30 to 4294967294 seconds" },
	{ IN_NETWORK("lease-time = 4294967295w"),
	  ":2: lease-time: '4294967295w' is not from 30 to 4294967294 seconds" },
	{ IN_NETWORK("lease-time = 4294967296"),
	  ":2: lease-time: '4294967296' is not a time like 90s, 1h30m or 7d" },
	{ IN_NETWORK("offer-hold = 0"), ":2: offer-hold: '0' is not from 1 to 3600 seconds" },
	{ IN_NETWORK("offer-hold = 61m"), ":2: offer-hold: '61m' is not from 1 to 3600 seconds" },
	{ IN_NETWORK("offer-hold = infinite"),
	  ":2: offer-hold: 'infinite' is not a time like 90s, 1h30m or 7d" },
	{ IN_NETWORK("probe = yes"), ":2: probe: 'yes' is not auto, on or off" },
	{ IN_NETWORK("ping = auto"), ":2: ping: 'auto' is neither on nor off" },
	{ IN_NETWORK("probe-stock = 33"), ":2: probe-stock: '33' is not a number from 0 to 32" },
	{ IN_NETWORK("sweep = 25h"), ":2: sweep: '25h' is not from 0 to 86400 seconds" },
	{ IN_NETWORK("sweep = off"), ":2: sweep: 'off' is not a time like 90s, 1h30m or 7d" },
	{ IN_NETWORK("quarantine = 32d"),
	  ":2: quarantine: '32d' is not from 1 to 2678400 seconds" },
	{ IN_NETWORK("max-lease-time = 30m\n"), ":1: network 'a': lease-time is not between "
						"min-lease-time and max-lease-time" },
	{ IN_NETWORK("\n\nmin-lease-time = 2h\n"), ":1: network 'a': lease-time is not between "
						   "min-lease-time and max-lease-time" },
	{ IN_NETWORK("dns = { 1.1.1.1, auto }"), ":2: dns: 'auto' is not an IPv4 address" },
	{ IN_NETWORK("dns = { auto, 1.1.1.1 }"), ":2: dns: it is either auto or addresses" },
	{ IN_NETWORK("dns = 2606:4700::1111"),
	  ":2: dns: '2606:4700::1111' is not an IPv4 address" },
	{ IN_NETWORK(
		  "dns = { 1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5, 1.1.1.6, 1.1.1.7, 1.1.1.8,"
		  "1.1.1.9, 1.1.2.1, 1.1.2.2, 1.1.2.3, 1.1.2.4, 1.1.2.5, 1.1.2.6, 1.1.2.7,\n"
		  "1.1.2.8 }"),
	  ":3: dns: more than 16 values" },
	{ IN_NETWORK("domain = a_b"), ":2: domain: 'a_b' is not a host or domain name" },
	{ IN_NETWORK("domain = ''"), ":2: domain: '' is not a host or domain name" },
	{ IN_NETWORK("domain = a..b"), ":2: domain: 'a..b' is not a host or domain name" },
	{ IN_NETWORK("domain = -a"), ":2: domain: '-a' is not a host or domain name" },
	{ IN_NETWORK("domain = " X60 "xxxx"),
	  ":2: domain: '" X60 "xxxx' is not a host or domain name" },
	{ IN_NETWORK("mtu = 575"), ":2: mtu: '575' is not a number from 576 to 65521" },
	{ IN_NETWORK("mtu = 65522"), ":2: mtu: '65522' is not a number from 576 to 65521" },
	{ IN_NETWORK("dhcp = maybe"), ":2: dhcp: 'maybe' is neither on nor off" },

	/* hosts */
	{ IN_NETWORK("host a/b {\nmac = 2:0:0:0:0:1 }"),
	  ":2: 'a/b' is not a name for a guest: it has other characters than letters, digits, '.', "
	  "'_' and '-'" },
	{ IN_HOST("mac = 52:54:00"), ":4: mac: '52:54:00' is not a MAC address" },
	{ IN_HOST("mac = ff:ff:ff:ff:ff:ff"),
	  ":4: mac: 'ff:ff:ff:ff:ff:ff' cannot be a guest's MAC address: it is a multicast "
	  "address" },
	{ IN_HOST("mac = 0:0:0:0:0:0"),
	  ":4: mac: '0:0:0:0:0:0' cannot be a guest's MAC address: it is zero" },
	{ IN_HOST("address = web"), ":4: address: 'web' is not an IPv4 address" },
	{ IN_HOST("address = 10.78.0.9"),
	  ":4: address: 10.78.0.9 is not a host of the subnet 10.77.0.1/24" },
	{ IN_HOST("address = 10.77.0.0"),
	  ":4: address: 10.77.0.0 is not a host of the subnet 10.77.0.1/24" },
	{ IN_HOST("address = 10.77.0.255"),
	  ":4: address: 10.77.0.255 is not a host of the subnet 10.77.0.1/24" },
	{ IN_HOST("address = 10.77.0.1"), ":4: address: 10.77.0.1 is the gateway's" },
	{ IN_HOST("hostname = 'a b'"), ":4: hostname: 'a b' is not a host or domain name" },
	{ IN_NETWORK("host b { address = 10.77.0.2 }"),
	  ":2: address: a subnet that is auto has no reservations" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\nhost b { address = 10.77.0.2 }\n"
		     "host c { }\n\nhost d {\naddress = 10.77.0.2 }"),
	  ":7: address: 10.77.0.2 is reserved for 'b' at %s:3" },
	{ IN_NETWORK("host b { mac = 2:0:0:0:0:1 }\nhost c { mac = 02:00:00:00:00:01 }"),
	  ":3: mac: it is reserved for 'b' at %s:2" },
	{ IN_NETWORK("host b { mac = 2:0:0:0:0:1 }\nhost c {\nmatch-mac = 02:00:00:00:00:01 }"),
	  ":4: match-mac: it is reserved for 'b' at %s:2" },
	{ IN_NETWORK("host b { match-mac = 2:0:0:0:0:1 }\nhost c { match-mac = 2:0:0:0:0:1 }"),
	  ":3: match-mac: it is reserved for 'b' at %s:2" },
	{ IN_NETWORK("host b { match-client-id = ab }\nhost c { match-client-id = 61:62 }"),
	  ":3: match-client-id: it is reserved for 'b' at %s:2" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\nhost b { address = 10.77.0.2 }\n"
		     "host c { match-client-id = ab address = 10.77.0.2 }"),
	  ":4: address: 10.77.0.2 is reserved for 'b' at %s:3" },
	{ IN_HOST("match-mac = 52:54:00"), ":4: match-mac: '52:54:00' is not a MAC address" },
	{ IN_HOST("mac = 2:0:0:0:0:1\nmatch-client-id = ab"),
	  ":4: mac: it is for guests; 'web1' is a client's reservation" },
	{ IN_HOST("match-client-id = ''"),
	  ":4: match-client-id: '' is not a client identifier of 2 to 255 octets like "
	  "01:52:54:00:12:34:56" },
	{ IN_NETWORK("identity = mac\nhost b {\nmatch-client-id = ab }"),
	  ":4: match-client-id: with identity = mac no identifier counts" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\nrelay 10.9.0.1/24 { }\n"
		     "host b { match-client-id = ab address = 10.9.0.1 }"),
	  ":4: address: 10.9.0.1 is the gateway's" },
	{ IN_NETWORK("subnet = 10.77.0.1/24\nrelay 10.9.0.1/24 { }\n"
		     "host b {\naddress = 10.9.0.20 }"),
	  ":5: address: 10.9.0.20 is not a host of the subnet 10.77.0.1/24" },
	{ IN_NETWORK("bootp = maybe"), ":2: bootp: 'maybe' is neither on nor off" },

	/* classes */
	{ "class a { }", ":1: class 'a' says nothing of its clients" },
	{ IN_NETWORK("\nclass a { option 67 { value = a } }"),
	  ":3: class 'a' says nothing of its clients" },
	{ "class 'a b' { arch = 1 }",
	  ":1: 'a b' is not a name for a class: it has other characters than letters, digits, '.', "
	  "'_' and '-'" },
	{ "class a { arch = 1 }\nclass a { arch = 2 }", ":2: found duplicate title 'a'" },
	{ "class a {\nvendor-class = '' }", ":2: vendor-class: an empty pattern" },
	{ "class a {\nvendor-class = a vendor-class = b }", ":2: 'vendor-class' is set twice" },
	{ "class a {\nhostname = " X60 X60 X60 " }",
	  ":2: hostname: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 127 "
	  "characters" },
	{ "class a { arch = { 1,\n65536 } }", ":2: arch: '65536' is not a number from 0 to 65535" },
	{ "class a { arch = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 } }",
	  ":1: arch: more than 16 values" },
	{ "class a { mac-prefix = 1:2:3:4:5:6:7 }",
	  ":1: mac-prefix: '1:2:3:4:5:6:7' is not one to six octets like 52:54:00" },
	{ "class a { mac-prefix = 1g }",
	  ":1: mac-prefix: '1g' is not one to six octets like 52:54:00" },
	{ "class a { arch = 1\noption 42 { value = z } }",
	  ":2: option 42 (ntp-servers): 'z' is not an IPv4 address" },
	{ "class a { host b { } }", ":1: no such option 'host'" },

	/* booting */
	{ IN_NETWORK("next-server = tftp"), ":2: next-server: 'tftp' is not an IPv4 address" },
	{ IN_NETWORK("boot-file = a\n\nboot-file = b"), ":4: 'boot-file' is set twice" },
	{ IN_NETWORK("option 67 { value = a }\nboot-file = b"),
	  ":3: boot-file: it is option 67, which is set as well" },
	{ IN_HOST("boot-file = b option 67 { value = a }"),
	  ":4: boot-file: it is option 67, which is set as well" },
	{ IN_NETWORK("boot-file = " X240 X60),
	  ":2: boot-file: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 255 "
	  "characters" },
	{ "boot-file = a", ":1: no such option 'boot-file'" },

	/* options */
	{ IN_NETWORK("option no-such {\nvalue = 1 }"), ":2: there is no DHCP option 'no-such'" },
	{ IN_NETWORK("option 256 {\n}"), ":2: there is no DHCP option '256'" },
	{ IN_NETWORK("\noption 42 {\n\n}"), ":3: option 42 (ntp-servers) takes a value" },
	{ IN_NETWORK("\noption 42 {\n\nvalue = { } }"),
	  ":3: option 42 (ntp-servers) takes a value" },
	{ IN_NETWORK("option 42 {\n\nvalue = x\n}"),
	  ":4: option 42 (ntp-servers): 'x' is not an IPv4 address" },
	{ IN_NETWORK("option 42 { name = x }"), ":2: no such option 'name'" },
	{ IN_NETWORK("option 42 { value = { 1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5, 1.1.1.6,\n"
		     "1.1.1.7, 1.1.1.8, 1.1.1.9, 1.1.2.1, 1.1.2.2, 1.1.2.3, 1.1.2.4, 1.1.2.5,\n"
		     "1.1.2.6, 1.1.2.7, 1.1.2.8 } }"),
	  ":2: more than 16 values" },
	{ "option 42 {\n value = y }", ":2: option 42 (ntp-servers): 'y' is not an IPv4 address" },
	{ "network a { }\noption 42 { value = 1.1.1.1 } option ntp-servers { value = 1.1.1.1 }",
	  ":2: option 42 (ntp-servers) is set twice" },
	{ IN_NETWORK("option 43 {\n value = { '1 u8 1',\n'2 u7 1' } }"),
	  ":4: option 43 (vendor-encapsulated): '2 u7 1': there is no type 'u7'" },
	{ IN_NETWORK("option 125 {\n value = '1 u8 1' }"),
	  ":3: option 125 (vendor-identifying): '1 u8 1' is not a sub-option like '3561 1 ip 10.77.0.1'" },
	{ IN_HOST("option 42 {\n value = y }"),
	  ":5: option 42 (ntp-servers): 'y' is not an IPv4 address" },
};

START_TEST(mistake)
{
	config_must_refuse(mistakes[_i].text, mistakes[_i].sentence);
}
END_TEST

/* Nothing of a refused file is remembered when the next is read. */
START_TEST(reads_again_after_a_mistake)
{
	const char *path = scratch_path("netd.conf");

	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		struct config *c = NULL;

		scratch_write_text(path, mistakes[i].text);
		ck_assert_int_eq(config_read(path, false, &c, NULL), -EINVAL);
		c = config_must_read(config_everything);
		ck_assert_uint_eq(c->networks, 1);
		config_free(c);
	}
}
END_TEST

START_TEST(too_many_networks)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct config *c;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		fprintf(out, "network n%u { }\n", i);
	fflush(out);
	c = config_must_read(text);
	ck_assert_uint_eq(c->networks, CONFIG_NETWORKS_MAX);
	config_free(c);
	fputs("network last { }\n", out);
	fclose(out);
	config_must_refuse(text, ":257: more than 256 networks");
	free(text);
}
END_TEST

/* Those of all networks count in each. */
START_TEST(too_many_classes)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct config *c;

	for (unsigned i = 0; i < DHCP_CLASSES_MAX; i++)
		fprintf(out, "class c%u { arch = 1 }\n", i);
	fputs("network a { }\n", out);
	fflush(out);
	c = config_must_read(text);
	ck_assert_uint_eq(c->classes.n, DHCP_CLASSES_MAX);
	config_free(c);
	fputs("network b {\nclass a { arch = 1 } }\n", out);
	fclose(out);
	config_must_refuse(text, ":34: network 'b': more than 32 classes");
	free(text);
}
END_TEST

UNIT_SUITE(netd_config_mistakes)
{
	tcase_add_test(tc, too_many_classes);
	scratch_use(tc);
	tcase_add_loop_test(tc, mistake, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(tc, reads_again_after_a_mistake);
	tcase_add_test(tc, too_many_networks);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of networks of a LAN, and what is said of mistakes with them. */
#include "config_kit.h"

#define LAN(text) "network a {\nmode = bridge\nuplink = eth0\n" text "\n}\n"
#define SUBNET "subnet = 192.0.2.1/24 range = 192.0.2.9 "

static const struct {
	const char *text, *sentence;
} mistakes[] = {
	{ LAN("}\nnetwork b {\nmode = bridge uplink = eth0"),
	  ":6: uplink: eth0 is that of network 'a' at %s:3" },
	{ LAN("}\nnetwork b {\nmode = macvtap uplink = eth0"),
	  ":6: uplink: eth0 is that of network 'a' at %s:3" },
	{ "network a {\nmode = bridge bridge = br0\n}\nnetwork b {\nmode = bridge bridge = br0\n}\n",
	  ":5: bridge: br0 is that of network 'a' at %s:2" },
	{ LAN("port eth0 { }"), ":4: port 'eth0': it is the uplink of network 'a' at %s:3" },
	{ LAN("}\nnetwork b {\nport eth0 { }"),
	  ":6: port 'eth0': it is the uplink of network 'a' at %s:3" },
	{ LAN("subnet = 192.0.2.1/24"),
	  ":4: subnet: on a LAN, range has to say which addresses are netd's to give" },
	{ LAN("dhcp = on"), ":4: dhcp: without a subnet there is no DHCP" },
	{ "network a {\nmode = bridge\nbridge = br0 mtu = 1400\n}\n",
	  ":3: bridge: one that exists has its MTU already" },
	{ "network b { subnet = 10.77.0.1/24 }\n" LAN("reach = { b }"),
	  ":5: reach: the host does not route for guests of a LAN" },
	{ LAN("rule { allow in any }"), ":4: rule: the host does not route for guests of a LAN" },
	{ LAN("host-access = { tcp:80 }"),
	  ":1: host-access: the host does not route for guests of a LAN" },
	{ LAN(SUBNET "publish { guest = b port = tcp:80 }"),
	  ":4: publish: the host does not route for guests of a LAN" },
	{ LAN("host b { rule { allow in any } }"),
	  ":4: host 'b': the host does not route for guests of a LAN, so there are no rules" },
	{ "network a {\nuplink = eth0\n}\n", ":2: uplink: it is for modes bridge and macvtap" },
};

START_TEST(refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++)
		config_must_refuse(mistakes[i].text, mistakes[i].sentence);
}
END_TEST

START_TEST(accepted)
{
	CLEAN_CONFIG struct config *c = config_must_read(LAN(
		"uplink-deadline = 3s host web1 { address = 192.0.2.60 }") "network b { mode = macvtap uplink = eth1 }\n"
									   "network c { mode = macvtap uplink = eth1 }\n"
									   "network d { mode = bridge bridge = br0 subnet = 198.51.100.1/24\n"
									   "range = 198.51.100.10-198.51.100.20 dhcp = on }\n");

	ck_assert_uint_eq(c->networks, 4);
	ck_assert(!c->network[0].dhcp);
	ck_assert(c->network[3].dhcp);
	ck_assert_uint_eq(c->network[0].uplink_deadline, 3);
	ck_assert_uint_eq(c->network[3].uplink_deadline, 10);
}
END_TEST

START_TEST(printed)
{
	CLEAN_CONFIG struct config *c = config_must_read(LAN(""));
	CLEAN_FREE char *text = config_printed(c);

	ck_assert_ptr_nonnull(strstr(text, "\tuplink = eth0\n\tuplink-deadline = 10s\n"));
}
END_TEST

UNIT_SUITE(netd_config_lan)
{
	scratch_use(tc);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, accepted);
	tcase_add_test(tc, printed);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How published ports and fixed source addresses are written, and what is said of mistakes. */
#include <netinet/in.h>

#include "config_kit.h"

static const struct {
	const char *text, *printed; /* printed NULL: it is refused, with these words */
	struct config_published is;
	const char *why;
} specs[] = {
	{ "tcp:8080:80", "tcp:8080:80", { IPPROTO_TCP, 8080, 80, 1 }, NULL },
	{ "udp:53", "udp:53:53", { IPPROTO_UDP, 53, 53, 1 }, NULL },
	{ "tcp:1:65535", "tcp:1:65535", { IPPROTO_TCP, 1, 65535, 1 }, NULL },
	{ "udp:5000-5009:6000-6009",
	  "udp:5000-5009:6000-6009",
	  { IPPROTO_UDP, 5000, 6000, 10 },
	  NULL },
	{ "tcp:7-7:8", "tcp:7:8", { IPPROTO_TCP, 7, 8, 1 }, NULL },
	{ "tcp:64512-65535",
	  "tcp:64512-65535:64512-65535",
	  { IPPROTO_TCP, 64512, 64512, 1024 },
	  NULL },
	{ .text = "", .why = "is not PROTOCOL:PORT:GUESTPORT" },
	{ .text = "tcp", .why = "is not PROTOCOL:PORT:GUESTPORT" },
	{ .text = "sctp:80:80", .why = "is not PROTOCOL:PORT:GUESTPORT" },
	{ .text = "TCP:80", .why = "is not PROTOCOL:PORT:GUESTPORT" },
	{ .text = "tcp:80:80:80", .why = "is not PROTOCOL:PORT:GUESTPORT" },
	{ .text = "tcp:80 ", .why = "is not PROTOCOL:PORT:GUESTPORT" },
	{ .text = "tcp:", .why = "has no port where one should be" },
	{ .text = "tcp:80:", .why = "has no port where one should be" },
	{ .text = "tcp:-80", .why = "has no port where one should be" },
	{ .text = "tcp:80-:80", .why = "has no port where one should be" },
	{ .text = "tcp:+80", .why = "has no port where one should be" },
	{ .text = "tcp:000080", .why = "has no port where one should be" },
	{ .text = "tcp:0:80", .why = "has a port that is not from 1 to 65535" },
	{ .text = "tcp:80:0", .why = "has a port that is not from 1 to 65535" },
	{ .text = "tcp:65536:80", .why = "has a port that is not from 1 to 65535" },
	{ .text = "tcp:99999", .why = "has a port that is not from 1 to 65535" },
	{ .text = "tcp:65535-65536", .why = "has a port that is not from 1 to 65535" },
	{ .text = "tcp:81-80", .why = "has a range that ends before it begins" },
	{ .text = "tcp:80-81:80", .why = "has 2 ports of the host and 1 of the guest" },
	{ .text = "tcp:80:80-81", .why = "has 1 ports of the host and 2 of the guest" },
	{ .text = "tcp:1-1025", .why = "is more than 1024 ports" },
};

START_TEST(spec)
{
	struct config_published p = { 0 };
	char text[CONFIG_PUBLISHED_TEXT];
	struct err err;
	int rc = config_published_parse(specs[_i].text, &p, &err);

	if (!specs[_i].printed) {
		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_msg(strstr(err.text, specs[_i].why) != NULL, "%s", err.text);
		ck_assert_uint_eq(p.protocol, 0); /* untouched */
		return;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(p.protocol, specs[_i].is.protocol);
	ck_assert_uint_eq(p.port, specs[_i].is.port);
	ck_assert_uint_eq(p.to, specs[_i].is.to);
	ck_assert_uint_eq(p.count, specs[_i].is.count);
	ck_assert_str_eq(config_published_text(&p, text), specs[_i].printed);
}
END_TEST

START_TEST(overlap)
{
	static const struct config_published a = { IPPROTO_TCP, 80, 80, 10 };
	struct config_published b = a;

	b.port = 90;
	ck_assert(!config_published_overlap(&a, 0, &b, 0));
	ck_assert(!config_published_overlap(&b, 0, &a, 0));
	b.port = 89;
	ck_assert(config_published_overlap(&a, 0, &b, 0));
	ck_assert(config_published_overlap(&b, 0, &a, 0));
	ck_assert(config_published_overlap(&a, 1, &b, 0));
	ck_assert(config_published_overlap(&a, 0, &b, 1));
	ck_assert(config_published_overlap(&a, 1, &b, 1));
	ck_assert(!config_published_overlap(&a, 1, &b, 2));
	b.protocol = IPPROTO_UDP;
	ck_assert(!config_published_overlap(&a, 0, &b, 0));
}
END_TEST

#define NET "network a {\nsubnet = 10.77.0.1/24\n"
#define P80 "publish { guest = b port = tcp:80 }"

/* What is said of each, behind the name of the file; the last %s: it. */
static const struct {
	const char *text, *sentence;
} mistakes[] = {
	{ NET "snat = 192.0.2\n}", ":3: snat: '192.0.2' is neither an address nor a range like "
				   "192.0.2.10-192.0.2.13" },
	{ NET "snat = 192.0.2.9-192.0.2.8\n}",
	  ":3: snat: '192.0.2.9-192.0.2.8' ends before it begins" },
	{ NET "snat = 224.0.0.1\n}", ":3: snat: '224.0.0.1' is not what a host sends from" },
	{ NET "snat = 127.0.0.1\n}", ":3: snat: '127.0.0.1' is not what a host sends from" },
	{ NET "snat = 0.0.0.0\n}", ":3: snat: '0.0.0.0' is not what a host sends from" },
	{ NET "snat = 10.77.0.9\n}", ":3: snat: it is in subnet 10.77.0.1/24 of network 'a'" },
	{ NET "snat = 10.76.0.0-10.78.0.0\n}",
	  ":3: snat: it is in subnet 10.77.0.1/24 of network 'a'" },
	{ NET "mode = route\nsnat = 192.0.2.1\n}", ":4: snat: network 'a' is not of mode nat" },
	{ NET "mode = isolated\nsnat-ports = 7\n}",
	  ":4: snat-ports: network 'a' is not of mode nat" },
	{ NET "snat-ports = 0-7\n}",
	  ":3: snat-ports: '0-7' has a port that is not from 1 to 65535" },
	{ NET "snat-ports = 1-65536\n}",
	  ":3: snat-ports: '1-65536' has a port that is not from 1 to 65535" },
	{ NET "snat-ports = 9-8\n}",
	  ":3: snat-ports: '9-8' has a range that ends before it begins" },
	{ NET "snat-ports = 8-9-10\n}",
	  ":3: snat-ports: '8-9-10' is not a range like 20000-29999" },
	{ NET "publish {\n}\n}", ":3: publish: it has no guest" },
	{ NET "publish {\nguest = b\n}\n}", ":3: publish: it has no port" },
	{ NET "publish {\nguest = b\nport = { }\n}\n}", ":3: publish: it has no port" },
	{ NET "publish {\nport = tcp:80\n}\n}", ":3: publish: it has no guest" },
	{ NET "publish {\nguest = '-'\n}\n}",
	  ":4: guest: '-' is not a name for a guest: it does not begin with a letter or digit" },
	{ NET "publish {\nnic = 64\n}\n}", ":4: nic: '64' is not a number from 0 to 63" },
	{ NET "publish {\naddress = 224.0.0.1\n}\n}",
	  ":4: address: '224.0.0.1' is not an address that a host can have" },
	{ NET "publish {\nguest = b\nport = tcp:80\naddress = 10.77.0.9\n}\n}",
	  ":6: address: 10.77.0.9 is in subnet 10.77.0.1/24 of network 'a', and not its gateway's" },
	{ NET "publish {\nport = { tcp:80,\ntcp:0 }\n}\n}",
	  ":5: port: 'tcp:0' has a port that is not from 1 to 65535" },
	{ NET "publish {\nguest = b\nport = tcp:80\nport = tcp:81\n}\n}",
	  ":6: 'port' is set twice" },
	{ NET "publish {\ncolour = blue\n}\n}", ":4: no such option 'colour'" },
	{ NET "publish web1 {\n}\n}", ":3: missing opening brace for section 'publish'" },
	{ NET "mode = isolated\n" P80 "\n}", ":4: publish: network 'a' is isolated" },
};

START_TEST(mistake)
{
	config_must_refuse(mistakes[_i].text, mistakes[_i].sentence);
}
END_TEST

/* The same port again: in the list, in the network, in another network; and both places are named.
 */
static const struct {
	const char *text;
	int line, before;
	const char *port;
} twice[] = {
	{ NET "publish { guest = b port = { tcp:80,\ntcp:70-89:70-89 } }\n}", 4, 4,
	  "tcp:70-89:70-89" },
	{ NET P80 "\n" P80 "\n}", 4, 3, "tcp:80:80" },
	{ NET P80
	  "\n}\nnetwork c {\npublish { guest = d\naddress = 192.0.2.2\nport = tcp:80:8 }\n}",
	  8, 3, "tcp:80:8" },
};

START_TEST(port_twice)
{
	char sentence[256];

	snprintf(sentence, sizeof(sentence), ":%d: port: %s is published for 'b' at %s:%d",
		 twice[_i].line, twice[_i].port, scratch_path("netd.conf"), twice[_i].before);
	config_must_refuse(twice[_i].text, sentence);
}
END_TEST

START_TEST(too_many)
{
	char text[40000] = NET, one[64];

	for (unsigned i = 0; i < 17; i++) {
		snprintf(one, sizeof(one), "publish { guest = b port = %s:%u-%u }\n",
			 i % 2 ? "tcp" : "udp", 1 + 1024 * (i / 2), 1024 + 1024 * (i / 2));
		strcat(text, one);
	}
	strcat(text, "}");
	config_must_refuse(text, ":19: port: more than 16384 ports, or 1024 values, are published");
}
END_TEST

/* Of one port, different addresses and protocols are different things. */
START_TEST(side_by_side)
{
	CLEAN_CONFIG struct config *c = config_must_read(
		NET "publish { guest = b port = { tcp:80, udp:80 } address = 192.0.2.2 }\n"
		    "publish { guest = c nic = 2 port = tcp:80:8080 address = 10.77.0.1 }\n}");
	const struct config_network *n = &c->network[0];

	ck_assert_uint_eq(n->publishes, 2);
	ck_assert_uint_eq(n->publish[0].ports, 2);
	ck_assert_str_eq(n->publish[1].guest, "c");
	ck_assert_uint_eq(n->publish[1].nic, 2);
	ck_assert_uint_eq(n->publish[1].address, 0x0a4d0001);
	ck_assert_uint_eq(n->publish[1].port[0].to, 8080);
	ck_assert_int_eq(n->publish[1].port_place.line, 4);
}
END_TEST

UNIT_SUITE(netd_config_publish)
{
	scratch_use(tc);
	tcase_add_loop_test(tc, spec, 0, ARRAY_SIZE(specs));
	tcase_add_test(tc, overlap);
	tcase_add_loop_test(tc, mistake, 0, ARRAY_SIZE(mistakes));
	tcase_add_loop_test(tc, port_twice, 0, ARRAY_SIZE(twice));
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, side_by_side);
}

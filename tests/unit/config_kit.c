/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_kit.h"

const char config_everything[] =
	"# every key that there is, but reach, which needs another network\n"
	"socket { path = /run/x/netd.sock  group = kvm  mode = 0600 }\n"
	"supernet = { 10.128.0.0/9, 192.168.0.0/16 }   // two\n"
	"trap-group = 7\n"
	"max-ports = 100\n"
	"max-leases = 0\n"
	"max-clients = 10 tap-grace = 90  coexist = docker\n"
	"mac { policy = random  prefix = 52:54:00  secret = \"a b'c\\\\d\" }\n"
	"/* the network\n"
	"   that matters */\n"
	"network blue {\n"
	"	mode = route\n"
	"	subnet = 10.77.0.1/24\n"
	"	range = { 10.77.0.50-10.77.0.199, 10.77.0.7 } exclude = { 10.77.0.60,10.77.0.70-"
	"10.77.0.79 } grow = { 10.77.0.240-10.77.0.249, 10.77.0.8-10.77.0.9 }\n"
	"	lease-time = 2h\n"
	"	min-lease-time = 90s\n"
	"	max-lease-time = infinite\n"
	"	offer-hold = 10\n"
	"	quarantine = 1d12h keep-leases = yes\n"
	"	dns = { 1.1.1.1, 9.9.9.9 }\n"
	"	domain = VM.internal\n"
	"	mtu = 1400 rate { in = 100mbit out = 1500kbit }\n"
	"	dhcp = off\n"
	"	guard = log\n"
	"	identity = client-id\n"
	"	port-leases = 0\n"
	"	authoritative = no\n"
	"	rapid-commit = yes subnet-selection = on bootp = off\n"
	"	probe = on\n"
	"	probe-stock = 3\n"
	"	ping = yes sweep = 1m30s next-server = 10.77.0.9 isolate = yes "
	"host-access = { tcp:8000, udp:9000-9010, icmp } max-connections = 100 "
	"rule { allow in tcp:22,80 from 10.0.0.0/8 } rule{deny out any} "
	"group back { rule { allow in 6:5432 from group front } }\n"
	"	option 42 { value = { 10.77.0.1, 10.77.0.2 } }\n"
	"	option boot-file-name { value = 'it\\'s a.efi' }\n"
	"	class any { mac-prefix = 2:0:0:0:0:1 }\n"
	"	host web1 {\n"
	"		mac = 52-54-0-12-34-56\n"
	"		address = 10.77.0.10\n"
	"		also = { 10.77.0.200, 10.77.0.201 }\n"
	"		rate { out = unlimited burst = 64kb } hostname = WEB boot-file = 'a b.efi'\n"
	"		option 66 { value = tftp.example }\n"
	"	}\n"
	"	host db.1 { groups = { back, front } rule { allow out udp:53 } } port eth9 { serve = yes trusted = no } port veth7 { }\n"
	"	relay 10.9.0.1/24 { range = { 10.9.0.100-10.9.0.199 } option 42 { value = 10.9.0.2 } }\n"
	"	host printer { match-mac = 2:0:0:0:0:9 match-client-id = 'laser 7'\n"
	"		address = 10.77.0.11 }\n"
	"	host web2 { match-client-id = 01:0A:ff address = 10.9.0.20 }\n"
	"}\n"
	"option ntp-servers { value = 10.9.9.9 }\n"
	"class first {\n"
	"	vendor-class = \"PXEClient*\"\n"
	"	user-class = iPXE\n"
	"	hostname = 'WEB-?'\n"
	"	circuit-id = 'port *'\n"
	"	remote-id = x\n"
	"	arch = { 7, 9 }\n"
	"	mac-prefix = 52:54:0 next-server = 10.0.0.1\n"
	"	option 67 { value = a.efi }\n"
	"}\n"
	"group front {\n"
	"	rule { allow in icmp from network blue } rule { deny in any from 192.0.2.1 }\n"
	"}\n";

struct config *config_must_read(const char *text)
{
	const char *path = scratch_path("netd.conf");
	struct config *c = NULL;

	scratch_write_text(path, text);
	ck_ok(config_read(path, false, &c, &unit_err));
	return c;
}

void config_must_refuse(const char *text, const char *sentence)
{
	const char *path = scratch_path("netd.conf"), *at = strstr(sentence, "%s");
	char expected[sizeof(unit_err.text)];
	struct config *c = (void *)text;
	struct err err;

	scratch_write_text(path, text);
	ck_assert_int_eq(config_read(path, false, &c, &err), -EINVAL);
	snprintf(expected, sizeof(expected), "%s%.*s%s%s", path,
		 (int)(at ? (size_t)(at - sentence) : strlen(sentence)), sentence, at ? path : "",
		 at ? at + 2 : "");
	ck_assert_str_eq(err.text, expected);
	ck_assert_ptr_eq(c, text); /* untouched */
}

char *config_printed(const struct config *c)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	config_print(c, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

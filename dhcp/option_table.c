/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each option is: name, type, who sets it. From IANA's registry of BOOTP and DHCP parameters;
 * the RFC is 2132 unless the line says another. Drives configuration, printing and documentation.
 * Pure data.
 */
#include <assert.h>
#include <stdio.h>
#include <strings.h>

#include "base/cleanup.h"
#include "dhcp.h"

#define OPT(n, t)                                                                                  \
	{                                                                                          \
		.name = (n), .type = DHCP_OPT_##t                                                  \
	}
#define OPT_PROTOCOL(n, t)                                                                         \
	{                                                                                          \
		.name = (n), .type = DHCP_OPT_##t, .flags = DHCP_OPT_PROTOCOL                      \
	}
#define OPT_SUBNET(n, t, k)                                                                        \
	{                                                                                          \
		.name = (n), .type = DHCP_OPT_##t, .flags = DHCP_OPT_SUBNET, .key = (k)            \
	}

static const struct dhcp_option_info table[256] = {
	[0] = OPT_PROTOCOL("pad", BYTES),
	[1] = OPT_SUBNET("subnet-mask", IP, "subnet"),
	[2] = OPT("time-offset", I32),
	[3] = OPT("routers", IPS),
	[4] = OPT("time-servers", IPS),
	[5] = OPT("name-servers", IPS),
	[6] = OPT_SUBNET("domain-name-servers", IPS, "dns"),
	[7] = OPT("log-servers", IPS),
	[8] = OPT("cookie-servers", IPS),
	[9] = OPT("lpr-servers", IPS),
	[10] = OPT("impress-servers", IPS),
	[11] = OPT("resource-location-servers", IPS),
	[12] = OPT_SUBNET("host-name", DOMAIN, "hostname"),
	[13] = OPT("boot-file-size", U16),
	[14] = OPT("merit-dump-file", TEXT),
	[15] = OPT_SUBNET("domain-name", DOMAIN, "domain"),
	[16] = OPT("swap-server", IP),
	[17] = OPT("root-path", TEXT),
	[18] = OPT("extensions-path", TEXT),
	[19] = OPT("ip-forwarding", BOOL),
	[20] = OPT("non-local-source-routing", BOOL),
	[21] = OPT("policy-filter", IP_PAIRS),
	[22] = OPT("max-datagram-reassembly", U16),
	[23] = OPT("default-ip-ttl", U8),
	[24] = OPT("path-mtu-aging-timeout", U32),
	[25] = OPT("path-mtu-plateau-table", U16S),
	[26] = OPT_SUBNET("interface-mtu", U16, "mtu"),
	[27] = OPT("all-subnets-local", BOOL),
	[28] = OPT_SUBNET("broadcast-address", IP, "subnet"),
	[29] = OPT("perform-mask-discovery", BOOL),
	[30] = OPT("mask-supplier", BOOL),
	[31] = OPT("router-discovery", BOOL),
	[32] = OPT("router-solicitation-address", IP),
	[33] = OPT("static-routes", IP_PAIRS),
	[34] = OPT("trailer-encapsulation", BOOL),
	[35] = OPT("arp-cache-timeout", U32),
	[36] = OPT("ieee802-3-encapsulation", BOOL),
	[37] = OPT("default-tcp-ttl", U8),
	[38] = OPT("tcp-keepalive-interval", U32),
	[39] = OPT("tcp-keepalive-garbage", BOOL),
	[40] = OPT("nis-domain", TEXT),
	[41] = OPT("nis-servers", IPS),
	[42] = OPT("ntp-servers", IPS),
	[43] = OPT("vendor-encapsulated", SUBS),
	[44] = OPT("netbios-name-servers", IPS),
	[45] = OPT("netbios-dd-servers", IPS),
	[46] = OPT("netbios-node-type", U8),
	[47] = OPT("netbios-scope", TEXT),
	[48] = OPT("font-servers", IPS),
	[49] = OPT("x-display-managers", IPS),
	[50] = OPT_PROTOCOL("requested-address", IP),
	[51] = OPT_SUBNET("lease-time", U32, "lease-time"),
	[52] = OPT_PROTOCOL("option-overload", U8),
	[53] = OPT_PROTOCOL("message-type", U8),
	[54] = OPT_PROTOCOL("server-identifier", IP),
	[55] = OPT_PROTOCOL("parameter-request-list", U8S),
	[56] = OPT_PROTOCOL("message", TEXT),
	[57] = OPT_PROTOCOL("max-message-size", U16),
	[58] = OPT_PROTOCOL("renewal-time", U32),
	[59] = OPT_PROTOCOL("rebinding-time", U32),
	[60] = OPT("vendor-class", TEXT),
	[61] = OPT_PROTOCOL("client-identifier", BYTES),
	[62] = OPT("nwip-domain", TEXT),
	[63] = OPT("nwip-suboptions", BYTES),
	[64] = OPT("nisplus-domain", TEXT),
	[65] = OPT("nisplus-servers", IPS),
	[66] = OPT("tftp-server-name", TEXT),
	[67] = OPT("boot-file-name", TEXT),
	[68] = OPT("mobile-ip-home-agents", IPS),
	[69] = OPT("smtp-servers", IPS),
	[70] = OPT("pop3-servers", IPS),
	[71] = OPT("nntp-servers", IPS),
	[72] = OPT("www-servers", IPS),
	[73] = OPT("finger-servers", IPS),
	[74] = OPT("irc-servers", IPS),
	[75] = OPT("streettalk-servers", IPS),
	[76] = OPT("streettalk-directory-servers", IPS),
	[77] = OPT("user-class", BYTES),			  /* RFC 3004 */
	[78] = OPT("slp-directory-agents", BYTES),		  /* RFC 2610 */
	[79] = OPT("slp-service-scope", BYTES),			  /* RFC 2610 */
	[80] = OPT_PROTOCOL("rapid-commit", BYTES),		  /* RFC 4039 */
	[81] = OPT_PROTOCOL("client-fqdn", BYTES),		  /* RFC 4702 */
	[82] = OPT_PROTOCOL("relay-agent-information", BYTES),	  /* RFC 3046 */
	[83] = OPT("isns", BYTES),				  /* RFC 4174 */
	[85] = OPT("nds-servers", IPS),				  /* RFC 2241 */
	[86] = OPT("nds-tree-name", TEXT),			  /* RFC 2241 */
	[87] = OPT("nds-context", TEXT),			  /* RFC 2241 */
	[88] = OPT("bcmcs-domains", DOMAINS),			  /* RFC 4280 */
	[89] = OPT("bcmcs-addresses", IPS),			  /* RFC 4280 */
	[90] = OPT_PROTOCOL("authentication", BYTES),		  /* RFC 3118 */
	[91] = OPT_PROTOCOL("client-last-transaction-time", U32), /* RFC 4388 */
	[92] = OPT_PROTOCOL("associated-ip", IPS),		  /* RFC 4388 */
	[93] = OPT_PROTOCOL("client-architecture", U16S),	  /* RFC 4578 */
	[94] = OPT_PROTOCOL("client-network-interface", BYTES),	  /* RFC 4578 */
	[97] = OPT_PROTOCOL("client-machine-identifier", BYTES),  /* RFC 4578 */
	[98] = OPT("user-authentication", TEXT),		  /* RFC 2485 */
	[99] = OPT("geoconf-civic", BYTES),			  /* RFC 4776 */
	[100] = OPT("posix-timezone", TEXT),			  /* RFC 4833 */
	[101] = OPT("tzdb-timezone", TEXT),			  /* RFC 4833 */
	[108] = OPT("ipv6-only-preferred", U32),		  /* RFC 8925 */
	[112] = OPT("netinfo-address", IPS),
	[113] = OPT("netinfo-tag", TEXT),
	[114] = OPT("captive-portal", URI),		  /* RFC 8910 */
	[116] = OPT_PROTOCOL("auto-configure", U8),	  /* RFC 2563 */
	[117] = OPT("name-service-search", U16S),	  /* RFC 2937 */
	[118] = OPT_PROTOCOL("subnet-selection", IP),	  /* RFC 3011 */
	[119] = OPT("domain-search", DOMAINS),		  /* RFC 3397 */
	[120] = OPT("sip-servers", BYTES),		  /* RFC 3361 */
	[121] = OPT("classless-routes", ROUTES),	  /* RFC 3442 */
	[122] = OPT("cablelabs-configuration", BYTES),	  /* RFC 3495 */
	[123] = OPT("geoconf", BYTES),			  /* RFC 6225 */
	[124] = OPT("vendor-identifying-class", BYTES),	  /* RFC 3925 */
	[125] = OPT("vendor-identifying", VENDOR_SUBS),	  /* RFC 3925 */
	[136] = OPT("pana-agents", IPS),		  /* RFC 5192 */
	[137] = OPT("lost-server", DOMAINS),		  /* RFC 5223 */
	[138] = OPT("capwap-controllers", IPS),		  /* RFC 5417 */
	[139] = OPT("mos-addresses", BYTES),		  /* RFC 5678 */
	[140] = OPT("mos-domains", BYTES),		  /* RFC 5678 */
	[141] = OPT("sip-ua-domains", DOMAINS),		  /* RFC 6011 */
	[142] = OPT("andsf-addresses", IPS),		  /* RFC 6153 */
	[143] = OPT("sztp-redirect", BYTES),		  /* RFC 8572 */
	[144] = OPT("geoloc", BYTES),			  /* RFC 6225 */
	[145] = OPT_PROTOCOL("forcerenew-nonce", BYTES),  /* RFC 6704 */
	[146] = OPT("rdnss-selection", BYTES),		  /* RFC 6731 */
	[150] = OPT("tftp-server-address", IPS),	  /* RFC 5859 */
	[151] = OPT_PROTOCOL("status-code", BYTES),	  /* RFC 6926 */
	[152] = OPT_PROTOCOL("base-time", U32),		  /* RFC 6926 */
	[153] = OPT_PROTOCOL("start-time-of-state", U32), /* RFC 6926 */
	[154] = OPT_PROTOCOL("query-start-time", U32),	  /* RFC 6926 */
	[155] = OPT_PROTOCOL("query-end-time", U32),	  /* RFC 6926 */
	[156] = OPT_PROTOCOL("dhcp-state", U8),		  /* RFC 6926 */
	[157] = OPT_PROTOCOL("data-source", U8),	  /* RFC 6926 */
	[158] = OPT("pcp-servers", BYTES),		  /* RFC 7291 */
	[159] = OPT("port-parameters", BYTES),		  /* RFC 7618 */
	[161] = OPT("mud-url", URI),			  /* RFC 8520 */
	[162] = OPT("encrypted-dns", BYTES),		  /* RFC 9463 */
	[175] = OPT("ipxe-encapsulated", SUBS),		  /* iPXE */
	[208] = OPT("pxelinux-magic", BYTES),		  /* RFC 5071 */
	[209] = OPT("pxelinux-configfile", TEXT),	  /* RFC 5071 */
	[210] = OPT("pxelinux-pathprefix", TEXT),	  /* RFC 5071 */
	[211] = OPT("pxelinux-reboottime", U32),	  /* RFC 5071 */
	[212] = OPT("6rd", BYTES),			  /* RFC 5969 */
	[213] = OPT("access-domain", DOMAINS),		  /* RFC 5986 */
	[220] = OPT("subnet-allocation", BYTES),	  /* RFC 6656 */
	[221] = OPT_PROTOCOL("virtual-subnet", BYTES),	  /* RFC 6607 */
	[249] = OPT("ms-classless-routes", ROUTES),	  /* [MS-DHCPE] 2.2.8 */
	[252] = OPT("wpad-url", TEXT),
	[255] = OPT_PROTOCOL("end", BYTES),
};

static_assert(ARRAY_SIZE(table) == 256, "one entry for each octet");

const struct dhcp_option_info *dhcp_option_info(uint8_t code)
{
	return &table[code];
}

const char *dhcp_option_type_text(enum dhcp_option_type type)
{
	static const char *const text[] = {
		[DHCP_OPT_BYTES] = "bytes",	 [DHCP_OPT_IP] = "ip",
		[DHCP_OPT_IPS] = "ips",		 [DHCP_OPT_IP_PAIRS] = "ip-pairs",
		[DHCP_OPT_BOOL] = "bool",	 [DHCP_OPT_U8] = "u8",
		[DHCP_OPT_U8S] = "u8s",		 [DHCP_OPT_U16] = "u16",
		[DHCP_OPT_U16S] = "u16s",	 [DHCP_OPT_U32] = "u32",
		[DHCP_OPT_I32] = "i32",		 [DHCP_OPT_TEXT] = "text",
		[DHCP_OPT_URI] = "uri",		 [DHCP_OPT_DOMAIN] = "domain",
		[DHCP_OPT_DOMAINS] = "domains",	 [DHCP_OPT_ROUTES] = "routes",
		[DHCP_OPT_SUBS] = "sub-options", [DHCP_OPT_VENDOR_SUBS] = "vendor-sub-options",
	};

	return text[type];
}

const char *dhcp_option_text(uint8_t code, char buf[DHCP_OPTION_TEXT_SIZE])
{
	const char *name = table[code].name;

	if (name)
		snprintf(buf, DHCP_OPTION_TEXT_SIZE, "%u (%s)", code, name);
	else
		snprintf(buf, DHCP_OPTION_TEXT_SIZE, "%u", code);
	return buf;
}

bool dhcp_option_lookup(const char *text, uint8_t *ret_code)
{
	unsigned long v;
	char *end;

	if (*text >= '0' && *text <= '9') {
		v = strtoul(text, &end, 10);
		if (*end == 0) {
			if (v > 255)
				return false;
			*ret_code = (uint8_t)v;
			return true;
		}
	}
	for (unsigned code = 0; code < ARRAY_SIZE(table); code++) {
		if (table[code].name && !strcasecmp(table[code].name, text)) {
			*ret_code = (uint8_t)code;
			return true;
		}
	}
	return false;
}

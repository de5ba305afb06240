/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matches and targets of iptables that iptables-nft puts into rules of nf_tables as they are
 * (net/netfilter/nft_compat.c). Those that are known here are the ones that decide what most
 * firewalls do; any other match holds maybe.
 */
#include "foreign.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include "base/cleanup.h"

static enum foreign_truth not(enum foreign_truth t, bool really) {
	return really ? FOREIGN_YES - t : t;
}

uint32_t foreign_xt_states(const struct foreign_expr *e, bool *ret_invert)
{
	struct xt_conntrack_mtinfo3 info;
	struct xt_state_info state;

	*ret_invert = false;
	if (!strcmp(e->name, "state") && e->len >= sizeof(state)) {
		memcpy(&state, e->data, sizeof(state));
		return state.statemask;
	}
	/* Revisions 2 and 3 are alike so far; the first two kept states elsewhere. */
	if (strcmp(e->name, "conntrack") || e->key < 2 ||
	    e->len < offsetof(struct xt_conntrack_mtinfo3, origsrc_port_high))
		return 0;
	memset(&info, 0, sizeof(info));
	memcpy(&info, e->data, e->len < sizeof(info) ? e->len : sizeof(info));
	if (info.match_flags != XT_CONNTRACK_STATE)
		return 0;
	*ret_invert = info.invert_flags & XT_CONNTRACK_STATE;
	return info.state_mask;
}

static enum foreign_truth match_states(const struct foreign_expr *e, const struct foreign_packet *p)
{
	bool invert;
	uint32_t states = foreign_xt_states(e, &invert);
	enum foreign_truth t = FOREIGN_NO;

	if (!states || !p->state)
		return FOREIGN_MAYBE;
	if (states & XT_CONNTRACK_STATE_DNAT)
		t = p->dnat;
	if (states & XT_CONNTRACK_STATE_SNAT && t == FOREIGN_NO)
		t = FOREIGN_MAYBE;
	if (states & p->state)
		t = FOREIGN_YES;
	return not(t, invert);
}

/* A port of the packet, at this octet of its transport header, from the first to the last. */
static enum foreign_truth port_within(const struct foreign_packet *p, unsigned at,
				      const uint16_t range[2], bool invert)
{
	uint16_t port = (uint16_t)(p->transport.at[at] << 8 | p->transport.at[at + 1]);

	if (range[0] == 0 && range[1] == UINT16_MAX)
		return not(FOREIGN_YES, invert);
	if (p->transport.known[at] != 0xff || p->transport.known[at + 1] != 0xff)
		return FOREIGN_MAYBE;
	return not(range[0] <= port && port <= range[1] ? FOREIGN_YES : FOREIGN_NO, invert);
}

static enum foreign_truth match_ports(const struct foreign_packet *p, const uint16_t source[2],
				      const uint16_t destination[2], bool not_source,
				      bool not_destination)
{
	enum foreign_truth s = port_within(p, 0, source, not_source),
			   d = port_within(p, 2, destination, not_destination);

	return s < d ? s : d;
}

static enum foreign_truth match_tcp(const struct foreign_expr *e, const struct foreign_packet *p)
{
	struct xt_tcp tcp;

	if (e->len < sizeof(tcp))
		return FOREIGN_MAYBE;
	memcpy(&tcp, e->data, sizeof(tcp));
	if (tcp.option || tcp.flg_mask)
		return FOREIGN_MAYBE;
	return match_ports(p, tcp.spts, tcp.dpts, tcp.invflags & XT_TCP_INV_SRCPT,
			   tcp.invflags & XT_TCP_INV_DSTPT);
}

static enum foreign_truth match_udp(const struct foreign_expr *e, const struct foreign_packet *p)
{
	struct xt_udp udp;

	if (e->len < sizeof(udp))
		return FOREIGN_MAYBE;
	memcpy(&udp, e->data, sizeof(udp));
	return match_ports(p, udp.spts, udp.dpts, udp.invflags & XT_UDP_INV_SRCPT,
			   udp.invflags & XT_UDP_INV_DSTPT);
}

static enum foreign_truth match_icmp(const struct foreign_expr *e, const struct foreign_packet *p)
{
	struct ipt_icmp icmp;
	enum foreign_truth t = FOREIGN_YES;

	if (e->len < sizeof(icmp))
		return FOREIGN_MAYBE;
	memcpy(&icmp, e->data, sizeof(icmp));
	if (icmp.type != 0xff && p->transport.known[0] != 0xff)
		return FOREIGN_MAYBE;
	if (icmp.type != 0xff)
		t = icmp.type == p->transport.at[0] && icmp.code[0] <= p->transport.at[1] &&
				    p->transport.at[1] <= icmp.code[1] ?
			    FOREIGN_YES :
			    FOREIGN_NO;
	return not(t, icmp.invflags & IPT_ICMP_INV);
}

/* Addresses of the host itself are told from others, and no more than that. */
static enum foreign_truth match_addrtype(const struct foreign_expr *e,
					 const struct foreign_packet *p)
{
	struct xt_addrtype_info_v1 info;
	enum foreign_truth t = p->local;

	if (e->key != 1 || e->len < sizeof(info))
		return FOREIGN_MAYBE;
	memcpy(&info, e->data, sizeof(info));
	if (info.source || (info.flags & ~(uint32_t)XT_ADDRTYPE_INVERT_DEST))
		return FOREIGN_MAYBE;
	if (!(info.dest & XT_ADDRTYPE_LOCAL))
		t = p->local == FOREIGN_YES ? FOREIGN_NO : FOREIGN_MAYBE;
	else if (info.dest != XT_ADDRTYPE_LOCAL && t == FOREIGN_NO)
		t = FOREIGN_MAYBE;
	return not(t, info.flags & XT_ADDRTYPE_INVERT_DEST);
}

enum foreign_truth foreign_xt_match(const struct foreign_expr *e, const struct foreign_packet *p)
{
	if (!strcmp(e->name, "comment"))
		return FOREIGN_YES;
	if (!strcmp(e->name, "conntrack") || !strcmp(e->name, "state"))
		return match_states(e, p);
	if (!strcmp(e->name, "tcp"))
		return match_tcp(e, p);
	if (!strcmp(e->name, "udp"))
		return match_udp(e, p);
	if (!strcmp(e->name, "icmp"))
		return match_icmp(e, p);
	if (!strcmp(e->name, "addrtype"))
		return match_addrtype(e, p);
	return FOREIGN_MAYBE;
}

enum foreign_end foreign_xt_target(const char *name)
{
	static const struct {
		const char *name;
		enum foreign_end end;
	} targets[] = {
		{ "REJECT", FOREIGN_END_DROP },	       { "DNAT", FOREIGN_END_ACCEPT },
		{ "SNAT", FOREIGN_END_ACCEPT },	       { "MASQUERADE", FOREIGN_END_ACCEPT },
		{ "REDIRECT", FOREIGN_END_ACCEPT },    { "NETMAP", FOREIGN_END_ACCEPT },
		{ "nat", FOREIGN_END_ACCEPT },	       { "masq", FOREIGN_END_ACCEPT },
		{ "redir", FOREIGN_END_ACCEPT },       { "queue", FOREIGN_END_ELSEWHERE },
		{ "NFQUEUE", FOREIGN_END_ELSEWHERE },  { "fwd", FOREIGN_END_ELSEWHERE },
		{ "synproxy", FOREIGN_END_ELSEWHERE }, { "SYNPROXY", FOREIGN_END_ELSEWHERE },
		{ "AUDIT", FOREIGN_END_GO_ON },	       { "CHECKSUM", FOREIGN_END_GO_ON },
		{ "CLASSIFY", FOREIGN_END_GO_ON },     { "CONNMARK", FOREIGN_END_GO_ON },
		{ "CONNSECMARK", FOREIGN_END_GO_ON },  { "CT", FOREIGN_END_GO_ON },
		{ "DSCP", FOREIGN_END_GO_ON },	       { "ECN", FOREIGN_END_GO_ON },
		{ "HMARK", FOREIGN_END_GO_ON },	       { "LOG", FOREIGN_END_GO_ON },
		{ "MARK", FOREIGN_END_GO_ON },	       { "NFLOG", FOREIGN_END_GO_ON },
		{ "NOTRACK", FOREIGN_END_GO_ON },      { "RATEEST", FOREIGN_END_GO_ON },
		{ "SECMARK", FOREIGN_END_GO_ON },      { "SET", FOREIGN_END_GO_ON },
		{ "TCPMSS", FOREIGN_END_GO_ON },       { "TCPOPTSTRIP", FOREIGN_END_GO_ON },
		{ "TEE", FOREIGN_END_GO_ON },	       { "TOS", FOREIGN_END_GO_ON },
		{ "TRACE", FOREIGN_END_GO_ON },	       { "TTL", FOREIGN_END_GO_ON },
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (!strcmp(name, targets[i].name))
			return targets[i].end;
	return FOREIGN_END_UNKNOWN;
}

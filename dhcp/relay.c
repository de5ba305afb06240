/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Relay agents: where is the client whose message comes by one? Pure; called by decide.c for every
 * message, relayed or not.
 *
 * A relay agent is believed only behind a port that is trusted: a guest could give itself any
 * giaddr or option 82. The answer goes to the relay agent's address, but as a frame to whoever sent
 * the question, out of the port that it came in by, so no message makes us send anywhere else.
 */
#include "server.h"

/* Sub-options of option 82 (RFC 3527, RFC 5107, RFC 8357). */
enum { LINK_SELECTION = 5, SERVER_OVERRIDE = 11, SOURCE_PORT = 19 };

static bool is_relayed(const struct exchange *x)
{
	size_t len;

	return x->m.giaddr || dhcp_options_get(x->o, OPT_AGENT, &len);
}

static const uint8_t *agent_option(const struct exchange *x, uint8_t sub, size_t *ret_len)
{
	size_t len;
	const uint8_t *agent = dhcp_options_get(x->o, OPT_AGENT, &len);

	return agent ? dhcp_suboption(agent, len, sub, ret_len) : NULL;
}

static bool agent_address(const struct exchange *x, uint8_t sub, uint32_t *ret)
{
	size_t len;
	const uint8_t *p = agent_option(x, sub, &len);
	struct rd rd;

	if (!p || len != sizeof(*ret))
		return false;
	rd = rd_init(p, len);
	*ret = rd_be32(&rd);
	return true;
}

static bool is_our_address(const struct dhcp_server *s, uint32_t addr)
{
	for (uint32_t i = 0; i < s->nets_fresh; i++)
		if (s->net[i].config.serve && s->net[i].config.server.addr == addr)
			return true;
	return false;
}

/*
 * What the subnet is chosen by: the relay agent's link selection, which goes before the client's
 * subnet selection (RFC 3527 3), then the address of the relay agent. 0: nothing is said.
 */
static uint32_t selector(struct exchange *x)
{
	uint32_t addr = x->m.giaddr;

	if (agent_address(x, LINK_SELECTION, &addr))
		return addr;
	x->selected =
		x->net->subnet_selection && dhcp_options_u32(x->o, OPT_SUBNET_SELECTION, &addr);
	return addr;
}

enum dhcp_drop relay_find(const struct dhcp_server *s, struct exchange *x)
{
	uint32_t addr;

	x->server_id = x->net->server.addr;
	x->subnet = net_subnet(x->net, 0);
	if (!x->port->trusted)
		return is_relayed(x) ? DHCP_DROP_RELAY : DHCP_DROP_NONE;
	if (x->m.giaddr && is_our_address(s, x->m.giaddr))
		return DHCP_DROP_RELAY_LOOP;
	addr = selector(x);
	/* Renewals do not go by the relay agent, but are routed (RFC 2131 4.3.2). */
	x->subnet = net_subnet_of(x->net, addr ? addr : x->m.ciaddr);
	if (addr && !ip4_within(x->subnet.prefix, addr))
		return DHCP_DROP_NO_SUBNET;
	agent_address(x, SERVER_OVERRIDE, &x->server_id);
	return DHCP_DROP_NONE;
}

/* By a relay agent that overrides our identifier, or directly (RFC 5107 4). */
bool relay_names_us(const struct exchange *x, uint32_t server)
{
	return server == x->server_id || server == x->net->server.addr;
}

uint16_t relay_port(const struct exchange *x)
{
	size_t len;

	return agent_option(x, SOURCE_PORT, &len) ? x->in->frame->sport : DHCP_SERVER_PORT;
}

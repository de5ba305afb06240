/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequences of what clients behind ports do, one of which is trusted to have a relay agent: each
 * step is five octets: what, who, which address, which identifier and relay agent, how long later.
 * Whatever the sequence, an address that is taken in the pool has one lease or is reserved, a
 * lease's address is taken, and nobody is acknowledged an address that another may still use, or
 * that is reserved for another. What is not reserved is of a range that is open. With probes,
 * nobody gets one that he did not hold and that was not found free.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dhcp.h"
#include "fuzz.h"

enum { PORTS = 3, TRUSTED = 2, CARDS = 8, POOL = 5, FAR_POOL = 2, ALL = POOL + FAR_POOL };
/* The last address is in no pool, and can be reserved all the same. */
enum { ADDRS = ALL + 1, HOSTS = 4 };
enum { SERVER = 0x0a4d0001, FIRST = 0x0a4d0064, AGENT = 0x0a090001, FAR = 0x0a090064, STEP = 5 };
enum { DISCOVER, SELECT, REBOOT, RENEW, RELEASE, DECLINE, PORT_END, UNDONE, RESERVE, BOOTP, KINDS };

/* The last of the network's own is what its pool can grow into. */
static const struct ip4_range range[] = { { FIRST, FIRST + POOL - 3 },
					  { FIRST + POOL - 2, FIRST + POOL - 1 } };
static const struct ip4_range far_range = { FAR, FAR + FAR_POOL - 1 };
static const unsigned stages[] = { 1, 2 };

struct fuzzed {
	struct dhcp_server *s;
	struct dhcp_pool *pool;
	bool grows;
	struct dhcp_relay_subnet relay;
	struct dhcp_hosts *hosts;
	struct dhcp_net_config net;
	struct dhcp_probes *probes; /* or NULL */
	int64_t now;
	int64_t until[ADDRS]; /* who was acknowledged an address may use it until then */
	uint8_t card[ADDRS];
};

static uint32_t address(unsigned i)
{
	return i < POOL ? FIRST + i : FAR + (i - POOL);
}

/* ADDRS: it is none of them. */
static unsigned index_of(uint32_t addr)
{
	unsigned i = 0;

	while (i < ADDRS && address(i) != addr)
		i++;
	return i;
}

static struct dhcp_pool *pool_of(const struct fuzzed *f, uint32_t addr)
{
	return addr >= FIRST ? f->pool : f->relay.pool;
}

static void make_pools(struct fuzzed *f)
{
	fuzz_check(dhcp_pool_new(range, 2, &f->pool) == 0);
	if (f->grows)
		dhcp_pool_stage(f->pool, stages, 2);
	fuzz_check(dhcp_pool_new(&far_range, 1, &f->relay.pool) == 0);
}

static void begin(struct fuzzed *f, uint8_t how)
{
	static const struct siphash_key key = { "fuzzing clients" };
	static const struct dhcp_limits limits = { .nets = 1, .leases = PORTS + ADDRS };

	*f = (struct fuzzed){ .now = 1000000000, .grows = how & 32 };
	make_pools(f);
	f->relay.prefix = (struct ip4_prefix){ AGENT, 24 };
	f->net = (struct dhcp_net_config){ .serve = true,
					   .identity = how & 1 ? DHCP_IDENTITY_MAC :
								 DHCP_IDENTITY_CLIENT_ID,
					   .authoritative = how & 2,
					   .rapid_commit = how & 4,
					   .bootp = true,
					   .clients_max = how & 8 ? 2 : 0,
					   .subnet_selection = how & 16,
					   .keep_leases = how & 64,
					   .pool = f->pool,
					   .relay = &f->relay,
					   .relays = 1,
					   .server = { SERVER, 24 },
					   .mac = { { 2, 0, 0, 0, 0, 1 } },
					   .mtu = 1500,
					   .lease_time = 3600,
					   .min_lease_time = 60,
					   .max_lease_time = 86400,
					   .offer_hold = 60,
					   .quarantine = 600 };
	fuzz_check(dhcp_server_new(&limits, &key, &f->s) == 0);
	if (how & 32)
		fuzz_check(dhcp_probes_new(1, 4 * ALL, &key, &f->probes) == 0);
	fuzz_check(dhcp_net_set(f->s, 0, &f->net) == 0);
	for (uint32_t i = 0; i < PORTS; i++) {
		struct dhcp_port p = { .port = i, .trusted = i == TRUSTED };

		fuzz_check(dhcp_port_add(f->s, &p) == 0);
	}
}

static void check_table(const struct fuzzed *f)
{
	uint32_t leases = 0;

	for (unsigned i = 0; i < ALL; i++) {
		uint32_t addr = address(i);
		const struct dhcp_lease *l = dhcp_lease_by_addr(f->s, 0, addr);
		bool reserved = dhcp_hosts_at(f->hosts, addr), taken = l || reserved;

		fuzz_check(!l || !l->client || reserved ||
			   dhcp_pool_is_open(pool_of(f, addr), addr));
		fuzz_check(taken == dhcp_pool_taken(pool_of(f, addr), addr));
		leases += taken;
	}
	fuzz_check(leases == dhcp_pool_used(f->pool) + dhcp_pool_used(f->relay.pool));
	fuzz_check(dhcp_reclaimable(f->s, 0) <= leases);
}

/* A quarantine's end gives the address back to the pool, which is the caller's business. */
static void pass(struct fuzzed *f, uint8_t wait)
{
	struct dhcp_action a;

	f->now += (int64_t)wait * wait * 1000000000;
	while (dhcp_expire(f->s, f->now, &a))
		if (a.change == DHCP_CHANGE_FREED && !dhcp_hosts_at(f->hosts, a.record.addr))
			dhcp_pool_give(pool_of(f, a.record.addr), a.record.addr);
}

static void make_hosts(struct fuzzed *f, const uint8_t *step)
{
	static const struct siphash_key key = { "reservations" };
	static const uint8_t id[HOSTS][2] = { { 255, 1 }, { 255, 2 }, { 255, 3 }, { 255, 4 } };
	struct dhcp_host host[HOSTS] = { 0 };
	uint32_t hosts = step[1] % (HOSTS + 1);

	for (uint32_t i = 0; i < hosts; i++) {
		uint32_t addr = host[i].addr = address((step[2] + i) % ADDRS);

		if (step[3] & 1 << i)
			host[i].mac =
				(struct mac){ { 2, 0, 0, 0, 1, (uint8_t)(i + step[4]) % CARDS } };
		if (step[3] & 16 << i) {
			host[i].client_id = id[i];
			host[i].client_id_len = sizeof(id[i]);
		}
		dhcp_pool_take(pool_of(f, addr), addr);
	}
	fuzz_check(dhcp_hosts_new(host, hosts, &key, &f->hosts) == 0);
}

/* A new configuration. The address of a client that it forgets is nobody's any more. */
static void reserve(struct fuzzed *f, const uint8_t *step)
{
	struct fuzzed before = *f;

	make_pools(f);
	make_hosts(f, step);
	f->net.pool = f->pool;
	f->net.hosts = f->hosts;
	fuzz_check(dhcp_net_set(f->s, 0, &f->net) == 0);
	dhcp_pool_free(before.pool);
	dhcp_pool_free(before.relay.pool);
	dhcp_hosts_free(before.hosts);
	for (unsigned i = 0; i < ADDRS; i++)
		if (!dhcp_lease_by_addr(f->s, 0, address(i)))
			f->until[i] = 0;
}

static size_t write_message(const uint8_t *step, uint8_t type, uint8_t buf[600])
{
	struct dhcp_message m = { .op = DHCP_OP_REQUEST,
				  .htype = DHCP_HTYPE_ETHERNET,
				  .hlen = 6,
				  .xid = step[4],
				  .chaddr = { 2, 0, 0, 0, 1, step[1] % CARDS } };
	static const uint32_t agents[] = { 0, AGENT, FIRST - 1, 0xc0a80101 };
	uint32_t addr = address(step[2] % (ADDRS + 1));
	unsigned what = (step[0] & 15) % KINDS;
	struct wr w = wr_init(buf, 600);

	if (what == RENEW || what == RELEASE)
		m.ciaddr = addr;
	m.giaddr = agents[step[3] >> 5 & 3];
	dhcp_message_write(&w, &m);
	if (type)
		wr_bytes(&w, (uint8_t[]){ 53, 1, type }, 3);
	if (step[3] & 7)
		wr_bytes(&w, (uint8_t[]){ 61, 2, 255, step[3] & 7 }, 4);
	if (step[3] & 8)
		wr_bytes(&w, (uint8_t[]){ 77, 4, 'i', 'P', 'X', 'E' }, 6);
	if (step[3] & 16)
		wr_bytes(&w, (uint8_t[]){ 80, 0 }, 2);
	if (step[3] & 128)
		wr_bytes(&w, (uint8_t[]){ 118, 4, 10, 9, 0, 0 }, 6);
	if (what == SELECT || what == RELEASE || what == DECLINE) {
		wr_bytes(&w, (uint8_t[]){ 54, 4 }, 2);
		wr_be32(&w, SERVER);
	}
	if (what != RENEW && what != RELEASE) {
		wr_bytes(&w, (uint8_t[]){ 50, 4 }, 2);
		wr_be32(&w, addr);
	}
	wr_u8(&w, 255);
	fuzz_check(!w.bad);
	return w.len;
}

/* Nobody else may use it still, and it is reserved for nobody else; by card, where clients are
 * known by that. */
static void check_granted(const struct fuzzed *f, unsigned i, uint8_t card)
{
	const struct dhcp_host *host = dhcp_hosts_at(f->hosts, address(i));

	if (f->net.identity != DHCP_IDENTITY_MAC)
		return;
	fuzz_check(f->until[i] <= f->now || f->card[i] == card);
	fuzz_check(!host || (!mac_is_zero(&host->mac) && host->mac.octet[5] == card));
}

/* What a BOOTREPLY tells is its client's for ever. */
static void check_bootp(const struct fuzzed *f, const uint8_t *step, const uint8_t *frame)
{
	struct rd r = rd_init(frame + 42 + 16, 4);
	uint32_t addr = rd_be32(&r);

	fuzz_check(dhcp_hosts_at(f->hosts, addr));
	check_granted(f, index_of(addr), step[1] % CARDS);
}

static void note_promise(struct fuzzed *f, const uint8_t *step, const struct dhcp_action *a)
{
	unsigned i = index_of(a->record.addr);

	fuzz_check(i < ADDRS);
	if (a->reply == DHCP_ACK)
		check_granted(f, i, step[1] % CARDS);
	if (a->left)
		f->until[index_of(a->left_record.addr)] = 0;
	f->until[i] = a->record.expires;
	f->card[i] = step[1] % CARDS;
	if (a->change == DHCP_CHANGE_RELEASED || a->change == DHCP_CHANGE_DECLINED)
		f->until[i] = 0;
}

/* What an address that is given to somebody who did not hold it must be. */
static void check_probed(struct fuzzed *f, const struct dhcp_action *a)
{
	bool held = !a->created && !dhcp_lease_is_memory(&a->before);
	bool far = a->record.addr < FIRST;

	if (!f->probes || (a->change != DHCP_CHANGE_OFFERED && a->change != DHCP_CHANGE_BOUND) ||
	    a->record.state == DHCP_LEASE_FREE || a->record.state == DHCP_LEASE_EXPIRED)
		return;
	fuzz_check(held || far ||
		   dhcp_probe_state(f->probes, 0, a->record.addr) == DHCP_PROBE_CLEAR);
	dhcp_probe_forget(f->probes, 0, a->record.addr);
}

static void pass_probes(struct fuzzed *f, int64_t ns)
{
	struct dhcp_probe_step done;

	f->now += ns;
	while (dhcp_probe_next(f->probes) <= f->now)
		dhcp_probe_step(f->probes, dhcp_probe_next(f->probes), &done);
}

/* The address that the packet waits for is probed; false when the client does not live to see it.
 */
static bool probe(struct fuzzed *f, const uint8_t *step, struct dhcp_input *in,
		  const struct dhcp_action *a)
{
	static const struct mac squatter = { { 2, 0, 0, 0, 2, 1 } };
	struct dhcp_arp arp = { .op = DHCP_ARP_REPLY, .sender_mac = squatter, .sender = a->wait };
	uint32_t found;

	fuzz_check(!a->drop && !a->reply && a->change == DHCP_CHANGE_NONE);
	fuzz_check(a->wait >= FIRST);
	fuzz_check(dhcp_probe_start(f->probes, 0, a->wait, &a->wait_client, f->now) == 0);
	fuzz_check(dhcp_probe_state(f->probes, 0, a->wait) == DHCP_PROBE_RUNNING);
	if (step[0] & 64 && a->wait & 1)
		fuzz_check(dhcp_probe_evidence(f->probes, 0, &arp, f->now, &found));
	if (step[1] & 64)
		return false;
	in->waited = a->wait;
	in->came = f->now;
	pass_probes(f, INT64_C(160000000));
	in->now = f->now;
	return true;
}

static void one_step(struct fuzzed *f, const uint8_t *step)
{
	static const uint8_t types[KINDS] = { DHCP_DISCOVER,
					      DHCP_REQUEST,
					      DHCP_REQUEST,
					      DHCP_REQUEST,
					      DHCP_RELEASE,
					      DHCP_DECLINE,
					      0,
					      DHCP_REQUEST,
					      0,
					      0 };
	uint8_t payload[600], buf[DHCP_FRAME_MAX], what = (step[0] & 15) % KINDS;
	struct wr out = wr_init(buf, sizeof(buf));
	struct dhcp_frame frame = { .sport = 68,
				    .dport = 67,
				    .daddr = step[0] & 128 ? SERVER : UINT32_MAX,
				    .payload = payload };
	struct dhcp_input in = { .port = (step[1] >> 4) % PORTS,
				 .frame = &frame,
				 .probes = f->probes };
	struct dhcp_action a;
	unsigned tries = 0;

	pass(f, step[4]);
	if (f->probes)
		pass_probes(f, 0);
	in.now = f->now;
	if (what == PORT_END) {
		while (dhcp_port_end(f->s, in.port, &a))
			f->until[index_of(a.record.addr)] = 0;
		return;
	}
	if (what == RESERVE) {
		reserve(f, step);
		return;
	}
	frame.len = write_message(step, types[what], payload);
	for (;;) {
		dhcp_input(f->s, &in, &out, &a);
		if (!a.wait || !probe(f, step, &in, &a))
			break;
		fuzz_check(++tries <= ADDRS);
	}
	fuzz_check(!a.drop || !a.reply);
	if (a.bootp)
		check_bootp(f, step, buf);
	check_probed(f, &a);
	if (what == UNDONE && a.store)
		dhcp_undo(f->s, &a);
	else if (a.store)
		note_promise(f, step, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzzed f;

	if (!size)
		return 0;
	begin(&f, data[0]);
	for (size_t at = 1; at + STEP <= size; at += STEP) {
		one_step(&f, data + at);
		check_table(&f);
	}
	dhcp_server_free(f.s);
	dhcp_probes_free(f.probes);
	dhcp_pool_free(f.pool);
	dhcp_pool_free(f.relay.pool);
	dhcp_hosts_free(f.hosts);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of DHCP packets into netd and out again. In: nfnetlink_log, which says by which port a
 * packet came (NFULA_IFINDEX_PHYSINDEV, or _INDEV on a kernel without br_netfilter;
 * net/netfilter/nfnetlink_log.c). Out: a packet socket, straight to the port, past bridge and
 * firewall, and seen by whoever captures on the port.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "bridge.h"
#include "trap.h"

enum { RECEIVE_SIZE = 1 << 16, RECEIVE_BUFFER = 1 << 22 };

struct trap {
	struct mnl_socket *sock;
	int packet_fd;
	uint32_t seq; /* of the next packet, when they have numbers */
	_Alignas(struct nlmsghdr) uint8_t buf[RECEIVE_SIZE];
};

static struct nlmsghdr *config_message(char *buf, uint16_t group, uint32_t seq)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(h, sizeof(*nfg));

	h->nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = seq;
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(group);
	return h;
}

static int send_config(struct trap *t, const struct nlmsghdr *h)
{
	_Alignas(struct nlmsghdr) char answer[1024];
	ssize_t n;

	if (mnl_socket_sendto(t->sock, h, h->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(t->sock, answer, sizeof(answer));
	if (n < 0)
		return -errno;
	return mnl_cb_run(answer, (size_t)n, h->nlmsg_seq, mnl_socket_get_portid(t->sock), NULL,
			  NULL) < 0 ?
		       -errno :
		       0;
}

/* Every packet at once, whole, in a message of its own: waiting for more would cost a guest 10 ms.
 */
static int configure(struct trap *t, uint16_t group, bool numbered)
{
	struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(RECEIVE_SIZE / 2),
					       .copy_mode = NFULNL_COPY_PACKET };
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = config_message(buf, group, 1);
	int rc;

	mnl_attr_put(h, NFULA_CFG_CMD, sizeof(bind), &bind);
	rc = send_config(t, h);
	if (rc)
		return rc;
	h = config_message(buf, group, 2);
	mnl_attr_put(h, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(h, NFULA_CFG_QTHRESH, htonl(1));
	if (numbered)
		mnl_attr_put_u16(h, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	return send_config(t, h);
}

static const char *listen_hint(int code)
{
	return code == EINVAL ? "; is the kernel's module nfnetlink_log there?" :
	       code == EPERM  ? ", or another process listens to it" :
				"";
}

static int listen_to(uint16_t group, bool numbered, struct trap **ret, struct err *err)
{
	static const int size = RECEIVE_BUFFER, on = 1;
	struct trap *t = calloc(1, sizeof(*t));
	int rc = 0, fd;

	if (!t)
		return err_set(err, ENOMEM, "trap: out of memory");
	t->packet_fd = -1;
	t->sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!t->sock || mnl_socket_bind(t->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = err_sys(err, errno, "cannot open an nfnetlink_log socket");
	if (!rc) {
		rc = configure(t, group, numbered);
		if (rc)
			rc = err_set(err, -rc, "cannot listen to nfnetlink_log group %u: %s%s",
				     group, strerror(-rc), listen_hint(-rc));
	}
	if (rc) {
		trap_free(t);
		return rc;
	}
	fd = mnl_socket_get_fd(t->sock);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	/* A flood that fills the buffer loses packets, which clients send again; an error would
	 * tell nothing more. */
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	*ret = t;
	return 0;
}

int trap_listen(uint16_t group, struct trap **ret, struct err *err)
{
	return listen_to(group, true, ret, err);
}

int trap_open(uint16_t group, struct trap **ret, struct err *err)
{
	CLEAN_FD int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		return err_sys(err, errno, "cannot open a packet socket");
	rc = listen_to(group, false, ret, err);
	if (!rc)
		(*ret)->packet_fd = take_fd(&fd);
	return rc;
}

void trap_free(struct trap *t)
{
	if (!t)
		return;
	if (t->sock)
		mnl_socket_close(t->sock);
	if (t->packet_fd >= 0)
		close(t->packet_fd);
	free(t);
}

int trap_fd(const struct trap *t)
{
	return mnl_socket_get_fd(t->sock);
}

struct attributes {
	const struct nlattr *at[NFULA_MAX + 1];
};

static int collect_attribute(const struct nlattr *attr, void *arg)
{
	struct attributes *a = arg;

	if (mnl_attr_get_type(attr) <= NFULA_MAX)
		a->at[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

/* A log rule without a prefix has an empty one. */
static bool has_prefix(const struct nlattr *prefix, const char *text)
{
	return prefix && mnl_attr_get_payload_len(prefix) == strlen(text) + 1 &&
	       !memcmp(mnl_attr_get_payload(prefix), text, strlen(text) + 1);
}

/* Whether it says that the guard did not like the packet, and why. */
static bool spoof_prefix(const struct nlattr *prefix, enum nft_reason *ret)
{
	const size_t len = sizeof(TRAP_SPOOF_PREFIX) - 1;
	const char *text = prefix ? mnl_attr_get_payload(prefix) : NULL;

	if (!text || mnl_attr_get_payload_len(prefix) <= len ||
	    memcmp(text, TRAP_SPOOF_PREFIX, len))
		return false;
	for (unsigned i = 0; i < NFT_REASONS; i++) {
		if (!strcmp(text + len, nft_reason_text((enum nft_reason)i))) {
			*ret = (enum nft_reason)i;
			return true;
		}
	}
	return false;
}

/* Why the packet is dropped, of one that is captured; else NULL. The kernel ends it with a NUL. */
static const char *drop_reason(const struct nlattr *prefix)
{
	const size_t len = sizeof(TRAP_DROP_PREFIX) - 1;
	const char *text = prefix ? mnl_attr_get_payload(prefix) : NULL;

	if (!text || mnl_attr_get_payload_len(prefix) <= len || memcmp(text, TRAP_DROP_PREFIX, len))
		return NULL;
	return text + len;
}

/* Of the tag that the kernel has taken out of the frame, as it stood there. */
static int read_tag(const struct nlattr *a, void *arg)
{
	uint8_t *tag = arg;

	if (mnl_attr_get_payload_len(a) < 2)
		return MNL_CB_OK;
	if (mnl_attr_get_type(a) == NFULA_VLAN_PROTO)
		memcpy(tag, mnl_attr_get_payload(a), 2);
	else if (mnl_attr_get_type(a) == NFULA_VLAN_TCI)
		memcpy(tag + 2, mnl_attr_get_payload(a), 2);
	return MNL_CB_OK;
}

static int64_t read_time(const struct nlattr *attr)
{
	struct nfulnl_msg_packet_timestamp t;

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(t))
		return 0;
	memcpy(&t, mnl_attr_get_payload(attr), sizeof(t));
	return (int64_t)be64toh(t.sec) * 1000000000 + (int64_t)be64toh(t.usec) * 1000;
}

/* How many are missing before this one; the kernel begins with 0. */
static uint32_t count_lost(struct trap *t, const struct nlattr *seq)
{
	uint32_t before = t->seq;

	if (!seq || mnl_attr_get_payload_len(seq) < sizeof(before))
		return 0;
	t->seq = ntohl(mnl_attr_get_u32(seq)) + 1;
	return t->seq - 1 - before;
}

/* On its way out of a device, where the guard of macvtap devices is, a packet is logged with its
 * Ethernet header in front and none beside (net/netfilter/nfnetlink_log.c, __build_packet_message).
 */
static bool find_frame(const struct attributes *a, struct trap_packet *ret)
{
	const struct nlattr *port = a->at[NFULA_IFINDEX_PHYSINDEV] ?
					    a->at[NFULA_IFINDEX_PHYSINDEV] :
					    a->at[NFULA_IFINDEX_INDEV];
	const struct nlattr *header = a->at[NFULA_HWHEADER], *payload = a->at[NFULA_PAYLOAD];
	bool leaves = !port && !header && a->at[NFULA_IFINDEX_OUTDEV];
	size_t cut = leaves ? ETH_HLEN : 0;

	if (leaves) {
		port = a->at[NFULA_IFINDEX_OUTDEV];
		header = payload;
	}
	if (!port || !payload || !header || mnl_attr_get_payload_len(header) < ETH_HLEN)
		return false;
	*ret = (struct trap_packet){ .ifindex = ntohl(mnl_attr_get_u32(port)),
				     .ip = (const uint8_t *)mnl_attr_get_payload(payload) + cut,
				     .len = mnl_attr_get_payload_len(payload) - cut,
				     .ethernet = mnl_attr_get_payload(header) };
	return true;
}

static bool parse_packet(struct trap *t, const struct nlmsghdr *h, struct trap_packet *ret)
{
	struct attributes a = { 0 };

	if (h->nlmsg_type != ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET) ||
	    mnl_attr_parse(h, sizeof(struct nfgenmsg), collect_attribute, &a) < 0 ||
	    !find_frame(&a, ret))
		return false;
	ret->vlan = a.at[NFULA_VLAN] != NULL;
	ret->server = has_prefix(a.at[NFULA_PREFIX], TRAP_SERVER_PREFIX);
	ret->flood = has_prefix(a.at[NFULA_PREFIX], TRAP_FLOOD_PREFIX);
	ret->dropped = drop_reason(a.at[NFULA_PREFIX]);
	ret->time = read_time(a.at[NFULA_TIMESTAMP]);
	ret->lost = count_lost(t, a.at[NFULA_SEQ]);
	ret->spoof = !ret->server && !ret->flood && spoof_prefix(a.at[NFULA_PREFIX], &ret->reason);
	memcpy(&ret->ethertype, ret->ethernet + 2 * ETH_ALEN, sizeof(ret->ethertype));
	ret->ethertype = ntohs(ret->ethertype);
	if (ret->vlan && mnl_attr_parse_nested(a.at[NFULA_VLAN], read_tag, ret->tag) < 0)
		return false;
	memcpy(ret->dst.octet, ret->ethernet, ETH_ALEN);
	memcpy(ret->src.octet, ret->ethernet + ETH_ALEN, ETH_ALEN);
	return true;
}

int trap_read(struct trap *t, unsigned most, trap_fn fn, void *arg)
{
	while (most) {
		ssize_t n = recv(mnl_socket_get_fd(t->sock), t->buf, sizeof(t->buf), MSG_DONTWAIT);
		const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)t->buf;
		struct trap_packet p;
		int left = (int)n;

		if (n < 0)
			return errno == EINTR ? 0 : -errno;
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			if (!parse_packet(t, h, &p))
				continue;
			fn(arg, &p);
			most -= most > 0;
		}
	}
	return 0;
}

int trap_send(struct trap *t, uint32_t ifindex, const void *frame, size_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)ifindex,
				  .sll_halen = ETH_ALEN };

	if (len < ETH_HLEN)
		return -EINVAL;
	memcpy(to.sll_addr, frame, ETH_ALEN);
	memcpy(&to.sll_protocol, (const uint8_t *)frame + 2 * ETH_ALEN, sizeof(to.sll_protocol));
	return sendto(t->packet_fd, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ?
		       -errno :
		       0;
}

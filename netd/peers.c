/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the clients are, and the table of what each user has. Called by varlink.c. */
#include "peers.h"

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge.h"

int peers_init(struct peers *p, uint32_t clients, const struct siphash_key *key)
{
	p->key = *key;
	p->at = calloc(clients, sizeof(*p->at));
	if (p->at && slots_init(&p->slots, clients) && index_init(&p->by_uid, clients))
		return 0;
	peers_done(p);
	return -ENOMEM;
}

void peers_done(struct peers *p)
{
	slots_done(&p->slots);
	index_done(&p->by_uid);
	free(p->at);
	free(p->group);
	*p = (struct peers){ 0 };
}

/* --- the table --- */

static uint64_t uid_hash(const struct peers *p, uid_t uid)
{
	return siphash(&p->key, &uid, sizeof(uid));
}

static struct peer *find(struct peers *p, uid_t uid)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&p->by_uid, uid_hash(p, uid), &place)) != SLOT_NONE)
		if (p->at[i].uid == uid)
			return &p->at[i];
	return NULL;
}

struct peer *peer_enter(struct peers *p, uid_t uid)
{
	struct peer *one = find(p, uid);

	if (!one) {
		uint32_t i = slots_take(&p->slots);

		one = &p->at[i];
		*one = (struct peer){ .uid = uid };
		index_add(&p->by_uid, uid_hash(p, uid), i);
	}
	one->clients++;
	return one;
}

void peer_leave(struct peers *p, struct peer *one)
{
	uint32_t i = (uint32_t)(one - p->at);

	if (--one->clients)
		return;
	index_del(&p->by_uid, uid_hash(p, one->uid), i);
	slots_give(&p->slots, i);
}

bool peer_has_call(struct peer *one, uint64_t turn)
{
	if (one->turn != turn) {
		one->turn = turn;
		one->calls = 0;
	}
	return one->calls < PEER_CALLS && ++one->calls;
}

/* --- who it is --- */

/* The kernel says how much room it needs when there is too little (net/core/sock.c). */
static int read_groups(struct peers *p, int fd, unsigned *ret)
{
	for (unsigned i = 0; i < 2; i++) {
		socklen_t len = (socklen_t)(p->groups_cap * sizeof(gid_t));
		gid_t *grown;

		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->group, &len) == 0) {
			*ret = len / (socklen_t)sizeof(gid_t);
			return 0;
		}
		if (errno != ERANGE)
			return -errno;
		grown = realloc(p->group, len);
		if (!grown)
			return -ENOMEM;
		p->group = grown;
		p->groups_cap = len / (unsigned)sizeof(gid_t);
	}
	return -ERANGE;
}

int peers_credentials(struct peers *p, int fd, struct credentials *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	unsigned groups = 0;
	int rc;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	rc = read_groups(p, fd, &groups);
	if (rc)
		return rc;
	*ret = (struct credentials){
		.uid = cred.uid, .gid = cred.gid, .group = p->group, .groups = groups
	};
	return 0;
}

int peer_namespace_owner(int netns_fd, uint32_t *ret)
{
	uid_t uid;
	int user, rc;

	if (!rtnl_netns_is(netns_fd))
		return -ENOTTY;
	user = ioctl(netns_fd, NS_GET_USERNS);
	if (user < 0)
		return -errno;
	rc = ioctl(user, NS_GET_OWNER_UID, &uid) < 0 ? -errno : 0;
	close(user);
	if (!rc)
		*ret = uid;
	return rc;
}

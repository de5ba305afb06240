/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others do to what is netd's: it is noticed, put back, counted and told. */
#ifndef NETD_HEAL_H
#define NETD_HEAL_H

#include "bridge.h"
#include "log.h"
#include "loop.h"

struct daemon;

enum { HEAL_UPLINKS = 16 };

/* What was found to be wrong with a bridge, a port, a joined interface or an uplink, as a mask. */
enum heal_what {
	HEAL_DELETED = 1 << 0,
	HEAL_DOWN = 1 << 1,
	HEAL_OUT = 1 << 2, /* of its bridge */
	HEAL_MTU = 1 << 3,
	HEAL_ADDRESS = 1 << 4,
	HEAL_FORWARDING = 1 << 5,
	HEAL_IPV6 = 1 << 6,
	HEAL_ISOLATION = 1 << 7,
	HEAL_RATE = 1 << 8,
	HEAL_MAC = 1 << 9,
	HEAL_NOT_YET = 1 << 10, /* an attempt to put it right has failed */
};

/* Lets a burst through, and then one a second. Zero: nothing was taken yet. */
struct heal_rate {
	int64_t paid; /* until then what was taken is paid for */
};

struct heal {
	uint64_t rules_restored, healed;
	struct heal_rate rules, host;
	struct loop_timer later;  /* the rules are put back then */
	struct nft_change change; /* the first of those that are to be told when they are */
	unsigned changes;	  /* all of them */
	struct log_limit told, failed;
	struct {
		char name[LINK_NAME_SIZE];
		bool hurt;
	} uplink[HEAL_UPLINKS]; /* that forwarded when the host was last put right */
	unsigned uplinks;
	bool waits; /* something could not be put right */
};

void heal_init(struct heal *h);
void heal_done(struct heal *h);

/* Somebody else has changed rules of nf_tables. */
void heal_ruleset(void *arg, const struct nft_change *c);

/*
 * One reconciliation: find sees, before anything is changed, what is not as the last one left it;
 * tell raises the events of what has been put right since.
 */
void heal_find(struct daemon *d);
void heal_tell(struct daemon *d);
/* Something was put right elsewhere. */
void heal_took(struct daemon *d);
/* A link of ours has IPv6; others' are passed over. */
void heal_ipv6(struct daemon *d, uint32_t ifindex);
/* Whether something could not be put right, and is to be tried again. */
bool heal_waits(const struct daemon *d);
/* When the host may be put right again: now, or later when somebody breaks it all the time. */
int64_t heal_pause(const struct daemon *d);

#endif

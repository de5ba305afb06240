/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cards that run and attach are asked for. */
#ifndef NETDCTL_PLUG_H
#define NETDCTL_PLUG_H

#include "ctl.h"
#include "vmm.h"

enum plug_list {
	PLUG_NETWORK,
	PLUG_NIC,
	PLUG_QUEUES,
	PLUG_VHOST,
	PLUG_MAC,
	PLUG_ADDRESS,
	PLUG_LISTS
};

/* What the command line says; a list has one member for each card, or one for all. */
struct plug_options {
	struct ctl_list list[PLUG_LISTS + 1];
	const char *format, *qmp, *ch_api, *bus, *timeout;
	struct ctl_device device;
};

struct plug_cards {
	bool macvtap; /* they are on networks of that mode, or not at all */
	char guest[64];
	struct netd_attach request[VMM_CARDS_MAX];
	struct netd_port port[VMM_CARDS_MAX];
	struct vmm_card card[VMM_CARDS_MAX];
	unsigned n;
};

/* The requests; exits with EXIT_USAGE when the options do not fit one another. */
void plug_read(const struct plug_options *o, const char *guest, struct plug_cards *ret);
/* Attaches them all, or none: exits then. */
void plug_attach(struct ctl *c, struct plug_cards *cards);
/* Takes them back: descriptors are closed, and a device that stays without them is detached. */
void plug_undo(struct ctl *c, struct plug_cards *cards);
/* Says on stderr what they are: stdout is the VMM's. */
void plug_tell(const struct plug_cards *cards);

/* attach --qmp and --ch-api: the VMM has the card then; exits when it does not get it. */
void plug_into_vmm(struct ctl *c, const struct plug_options *o, struct plug_cards *cards);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cards plugged into a VMM that runs, over its own socket: what netdctl attach and detach do with
 * --qmp and --ch-api. It is the client that talks to the VMM: the socket is the guest owner's, and
 * netd, which is root, follows no path that a user names.
 */
#ifndef NETDCTL_HOTPLUG_H
#define NETDCTL_HOTPLUG_H

#include "peer.h"
#include "vmm.h"

struct hotplug {
	struct vmm_card card; /* port NULL, when it is unplugged */
	const char *bus;      /* NULL: the VMM's choice */
};

/* "netd-GUEST-NIC": the name of the card and of what it is made of, inside the VMM. */
void hotplug_id(const struct vmm_card *card, char ret[96]);

/* --- QEMU --- */

struct qmp {
	struct peer peer;
	unsigned id;	     /* of the last command */
	const char *watched; /* the device whose events count; the caller's */
	int deleted;	     /* it has gone */
	int refused;	     /* the guest did not let it go */
	char class_text[48]; /* of the last error reply: "DeviceNotFound", …; or empty */
};

/* Connects and begins the dialogue. */
MUST_CHECK int qmp_open(struct qmp *q, const char *path, double timeout, struct err *err);
/* The same on a peer that is connected, which is taken over. */
MUST_CHECK int qmp_begin(struct qmp *q, struct peer *peer, struct err *err);
void qmp_done(struct qmp *q);

/* Gives it the descriptors and makes the card. On failure all of it is undone, so far as QEMU still
 * listens. */
MUST_CHECK int qmp_plug(struct qmp *q, const struct hotplug *h, struct err *err);
/* Takes back whatever there may be of a card, without knowing how far it came. */
void qmp_undo(struct qmp *q, const struct hotplug *h);
/*
 * Asks the guest to let the card go, waits until it has, and takes its backend. *ret_found is
 * whether there was anything of it; 0 also when there was not. -ETIMEDOUT and -EBUSY: the guest
 * does not let it go, and the card stays.
 */
MUST_CHECK int qmp_unplug(struct qmp *q, const struct hotplug *h, int *ret_found, struct err *err);

/* --- cloud-hypervisor --- */

/* Whether a VMM answers there. */
MUST_CHECK int ch_ping(struct peer *p, struct err *err);
/* vm.add-net, with the descriptors. */
MUST_CHECK int ch_plug(struct peer *p, const struct hotplug *h, struct err *err);
/* vm.remove-device: the guest is asked to let the card go, and will later. *ret_found as above. */
MUST_CHECK int ch_unplug(struct peer *p, const struct hotplug *h, int *ret_found, struct err *err);

#endif

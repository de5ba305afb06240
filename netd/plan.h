/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reload would change. */
#ifndef NETD_PLAN_H
#define NETD_PLAN_H

#include "daemon.h"

enum plan_effect {
	PLAN_LIVE,	  /* reload applies it */
	PLAN_NEXT_ATTACH, /* it is for when the guest is attached again */
	PLAN_NEXT_START,  /* it is for when netd is started again */
	PLAN_REFUSED,	  /* because of it nothing is applied */
};

/* One change; NULL members do not apply. */
struct plan_change {
	char *network; /* NULL: it is of all */
	char *key;     /* "lease-time", "host web1 address"; NULL: the network itself */
	char *before, *now;
	char *host;   /* what would be made, or removed, in the host */
	char *reason; /* why it is refused, or has to wait */
	enum plan_effect effect;
};

struct plan_changes {
	struct plan_change *at;
	size_t n;
};

/* Reads the configuration and compares it; nothing is changed. plan_done releases the result. */
MUST_CHECK int plan_make(struct daemon *d, struct plan_changes *ret, struct refusal *r);
void plan_done(struct plan_changes *p);
const char *plan_effect_text(enum plan_effect effect);

#endif

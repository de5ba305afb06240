/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong, or could be, in one line: what, why, and the command that mends it. */
#ifndef NETD_DOCTOR_H
#define NETD_DOCTOR_H

#include "bridge.h"

enum finding_severity {
	FINDING_NOTE,	/* something could not be looked at */
	FINDING_MAY,	/* it depends on what netd cannot see */
	FINDING_BREAKS, /* guests' traffic does not get through */
};

struct finding {
	enum finding_severity severity;
	char network[NAME_SIZE];    /* empty: of no one network */
	char guest[NAME_SIZE + 12]; /* guest/nic; empty: of no one guest */
	char what[224];		    /* a sentence, without a full stop */
	char why[352];		    /* such as the text of a rule; empty: nothing more */
	char command[256];	    /* for a shell, as root; empty: there is none */
};

struct daemon;

enum { FINDINGS_MAX = 256 }; /* that a doctor tells of */

struct findings {
	struct finding *at;
	unsigned n, max;
	bool of_user; /* only those of this user's ports, and none of the host */
	uint32_t uid;
};

/* The next one, or, when there is no room, the last one again. network "": of no one network. */
struct finding *findings_add(struct findings *f, enum finding_severity severity,
			     const char *network);

const char *finding_severity_text(enum finding_severity severity);

/* Looks at the host, at the networks and at the ports; at those that concern one guest when it is
 * not NULL (nic < 0: all of its cards), which there has to be. Adds what it finds. */
void doctor_examine(struct daemon *d, const char *guest, int64_t nic, struct findings *ret);

#endif

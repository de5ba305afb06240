/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the host that is not netd's stands in the way of its guests. */
#ifndef NETD_COEXIST_H
#define NETD_COEXIST_H

#include "log.h"
#include "loop.h"

struct daemon;
struct finding; /* doctor.h */

struct coexist {
	struct loop_timer timer;
	int64_t ready; /* when it may run again, at the earliest */
	struct finding *finding;
	unsigned findings;
	bool docker; /* there can be rules of ours in chain DOCKER-USER */
	bool failed; /* the rules could not be read, which was said */
	bool again;  /* it is to look once more */
	struct log_limit log;
};

/* Looks now: at start, and on reload. What it finds is told by events when it is new, and when it
 * is no more. */
void coexist_run(struct daemon *d);
/* Looks a moment from now, once for all that ask for it meanwhile; what changes rules all the time
 * does not keep netd busy. To be called when somebody changed rules of nf_tables. */
void coexist_later(struct daemon *d);
/* What was found when it looked last; *ret_n of them, valid until it looks again. */
const struct finding *coexist_findings(const struct daemon *d, unsigned *ret_n);
/* At start and at the end. */
void coexist_init(struct coexist *c);
void coexist_done(struct coexist *c);

#endif

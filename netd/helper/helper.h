/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-bridge-helper: what its files share. */
#ifndef NETD_HELPER_H
#define NETD_HELPER_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* --- acl.c: bridge.conf --- */

struct acl_rule {
	bool deny, all;
	char name[IFNAMSIZ];
};

struct acl {
	struct acl_rule *rule;
	size_t n;
	/* Told of an included file that was read in part only; NULL: nobody is. */
	void (*warn)(const char *sentence);
};

/*
 * Reads QEMU's bridge.conf with all that it includes, and adds its rules. -ENOENT, -EACCES and
 * others when the file itself cannot be read, -EINVAL when it has a line that is no rule, -ELOOP
 * when files are included more than 64 deep; nothing is allowed then. What keeps an included file
 * from being read is ignored, as QEMU does. The caller ends it by acl_done, also after a failure.
 */
MUST_CHECK int acl_read(struct acl *a, const char *path, struct err *err);
void acl_done(struct acl *a);
/* Whether a rule allows it and none denies it. */
bool acl_allows(const struct acl *a, const char *name);
bool acl_denies(const struct acl *a, const char *name);

/* --- qemu.c: QEMU's command line --- */

enum { QEMU_CARDS_MAX = 64, QEMU_TEXT_SIZE = 256 };

/* A card of the machine whose network backend asks a helper for its TAP. */
struct qemu_card {
	char bridge[QEMU_TEXT_SIZE]; /* what the helper is given as --br= */
	bool has_mac;		     /* the card is known, and so is its MAC */
	uint8_t mac[6];
};

/* cards: in the order in which QEMU asks for them. */
struct qemu_machine {
	char name[QEMU_TEXT_SIZE]; /* -name guest=; empty: none */
	char uuid[40];		   /* -uuid; empty: none */
	struct qemu_card card[QEMU_CARDS_MAX];
	unsigned cards;
};

/*
 * Reads a command line as /proc/PID/cmdline has it: len octets of words that end with NUL. MACs are
 * those that QEMU will give: the one that was asked for, or the next free one from
 * 52:54:00:12:34:56 on (net/net.c, qemu_macaddr_default_if_unset). False when it is no such line,
 * or has more than fits. Pure.
 */
bool qemu_read(const char *line, size_t len, struct qemu_machine *ret);

/* --- choose.c: who is asking --- */

/* A port of the guest as netd has it. */
struct known_port {
	uint32_t nic;
	uint8_t mac[6];
	bool attached;
	bool here; /* on the network that is asked for */
};

/* What to attach as. */
struct choice {
	uint32_t nic;
	bool has_mac;
	uint8_t mac[6];
	bool none_left; /* every card of this bridge has its device already */
};

/*
 * Which of the machine's cards (NULL: they are not known) on `bridge` asks now, and as which nic of
 * its guest that has these ports: the first that is not attached. It keeps the nic of an
 * allocation with its MAC, or else gets the lowest that is free and not another card's. False when
 * all of them are attached. Pure.
 */
bool choose_card(const struct qemu_machine *m, const char *bridge, const struct known_port *port,
		 size_t ports, struct choice *ret);

enum { GUEST_NAME_SIZE = 64 };

/* The name of a machine's guest: its own, or one made of its UUID, of its first known MAC, or of
 * the user. */
void choose_name(const struct qemu_machine *m, uint32_t uid, char ret[GUEST_NAME_SIZE]);

/* --- process.c --- */

/* The process that runs this program: its parent, or, behind shells, whose child that is. Returns
 * its pid; *ret_known says whether *ret is its command line, as that of a QEMU. */
int process_find_machine(struct qemu_machine *ret, bool *ret_known);

/* Whether a process has the TAP or macvtap device of this name open. -EACCES and others: it is not
 * known. */
int process_holds(int pid, const char *ifname);

#endif

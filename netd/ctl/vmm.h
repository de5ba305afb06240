/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How each VMM is told of network cards, and how a port is written for other programs. Pure. */
#ifndef NETDCTL_VMM_H
#define NETDCTL_VMM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "netd.h"

enum { VMM_CARDS_MAX = 16 };

/* One card of a guest; the port is the caller's. */
struct vmm_card {
	const char *guest;
	uint32_t nic;
	uint32_t queues; /* as asked for; the port of a device that is opened by name has no such
			    number */
	const struct netd_port *port;
};

enum vmm_vhost {
	VMM_VHOST_NONE,	       /* it can't use the kernel's vhost-net, or not with what we give */
	VMM_VHOST_DESCRIPTORS, /* it takes descriptors */
	VMM_VHOST_OWN,	       /* it opens /dev/vhost-net itself */
};

struct vmm_arguments {
	char **at; /* NULL-terminated */
	size_t n;
};

struct vmm {
	const char *name;	 /* as --format has it */
	const char *programs[4]; /* patterns of the program's name */
	bool single_queue;
	enum vmm_vhost vhost;
	bool by_name;  /* it opens a TAP by its name, and takes no descriptors */
	bool blocking; /* it reads a TAP that is not O_NONBLOCK */
	/* Appends what it needs for n cards; NULL: it has no such arguments. */
	void (*append)(struct vmm_arguments *a, const struct vmm_card *cards, unsigned n);
};

/* NULL: not known. */
const struct vmm *vmm_by_program(char *const *argv);
const struct vmm *vmm_by_name(const char *name);

/* Whether there is a placeholder of one of n cards in an argument. */
bool vmm_uses_placeholders(char *const *argv, unsigned n);

/*
 * The command line of a VMM with the cards in it: placeholders replaced, or, when there are none,
 * the arguments appended that this VMM needs (v NULL: none). NULL-terminated, and the caller's.
 */
char **vmm_command(const struct vmm *v, char *const *argv, const struct vmm_card *cards,
		   unsigned n);

void vmm_arguments_add(struct vmm_arguments *a, const char *text);
void vmm_arguments_done(struct vmm_arguments *a);

/* --- for other programs --- */

/* {"network-interfaces": […]}, a new reference. */
json_t *vmm_firecracker(const struct vmm_card *cards, unsigned n);

/*
 * Firecracker's configuration with the cards added to its "network-interfaces": *ret_text is the
 * caller's. Fails when the text is no configuration, or has an interface with one of our ids.
 */
MUST_CHECK int vmm_firecracker_merge(const char *text, const struct vmm_card *cards, unsigned n,
				     char **ret_text, struct err *err);

/* The <interface> elements of a libvirt domain. */
void vmm_print_libvirt(FILE *out, const struct vmm_card *cards, unsigned n);

/* Assignments for a shell's eval; those of card i > 0 have _i behind their names. */
void vmm_print_shell(FILE *out, const struct vmm_card *cards, unsigned n);

/* The same, into the environment of this process. */
void vmm_set_environment(const struct vmm_card *cards, unsigned n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How each VMM wants to be told of a network card that comes as descriptors. Pure. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

enum { ARGUMENT_SIZE = 1024 };

struct arguments {
	char **at;
	size_t n;
};

static void add(struct arguments *a, const char *text)
{
	char **grown = realloc(a->at, (a->n + 2) * sizeof(*grown));
	char *copy = text ? strdup(text) : NULL;

	if (!grown || (text && !copy))
		ctl_fail("out of memory");
	a->at = grown;
	a->at[a->n++] = copy;
	a->at[a->n] = NULL;
}

/* "3:4:5" */
static const char *join(const int *fds, uint32_t n, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = 0;
	for (uint32_t i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, i ? ":%d" : "%d", fds[i]);
	return buf;
}

/* --- placeholders --- */

struct names {
	char fds[256], vhostfds[256], address[64], mtu[16];
	const struct netd_port *p;
};

static void fill_names(struct names *n, const struct netd_port *p)
{
	n->p = p;
	join(p->tap_fd, p->queues, n->fds, sizeof(n->fds));
	join(p->vhost_fd, p->vhosts, n->vhostfds, sizeof(n->vhostfds));
	snprintf(n->address, sizeof(n->address), "%.*s", (int)strcspn(p->address, "/"), p->address);
	snprintf(n->mtu, sizeof(n->mtu), "%u", p->mtu);
}

/* The value of the placeholder that text begins with, and its length; NULL when it begins with
 * none. */
static const char *placeholder(const struct names *n, const char *text, size_t *ret_len)
{
	const struct {
		const char *name, *value;
	} all[] = {
		{ "{fds}", n->fds },
		{ "{vhostfds}", n->vhostfds },
		{ "{mac}", n->p->mac },
		{ "{address}", n->address },
		{ "{gateway}", n->p->gateway },
		{ "{interface}", n->p->interface },
		{ "{mtu}", n->mtu },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (!strncmp(text, all[i].name, strlen(all[i].name))) {
			*ret_len = strlen(all[i].name);
			return all[i].value;
		}
	}
	return NULL;
}

/* Returns whether there was a placeholder. */
static bool replace(const struct names *n, const char *from, char **ret)
{
	size_t size;
	bool any = false;
	FILE *out = open_memstream(ret, &size);

	if (!out)
		ctl_fail("out of memory");
	while (*from) {
		size_t len;
		const char *value = *from == '{' ? placeholder(n, from, &len) : NULL;

		if (value) {
			fputs(value, out);
			from += len;
			any = true;
		} else {
			fputc(*from++, out);
		}
	}
	if (fclose(out))
		ctl_fail("out of memory");
	return any;
}

/* --- VMMs --- */

/* fds= and nothing that would make QEMU open or configure the device itself. */
static void qemu(struct arguments *a, const struct netd_port *p)
{
	char text[ARGUMENT_SIZE], fds[256], vhostfds[256], vhost[300] = "", queues[64] = "";

	join(p->tap_fd, p->queues, fds, sizeof(fds));
	if (p->vhosts)
		snprintf(vhost, sizeof(vhost), ",vhost=on,vhostfds=%s",
			 join(p->vhost_fd, p->vhosts, vhostfds, sizeof(vhostfds)));
	if (p->queues > 1)
		snprintf(queues, sizeof(queues), ",mq=on,vectors=%u", 2 * p->queues + 2);
	add(a, "-netdev");
	snprintf(text, sizeof(text), "tap,id=netd0,fds=%s%s", fds, vhost);
	add(a, text);
	add(a, "-device");
	snprintf(text, sizeof(text), "virtio-net-pci,netdev=netd0,mac=%s,host_mtu=%u%s", p->mac,
		 p->mtu, queues);
	add(a, text);
}

static const struct {
	const char *pattern;
	void (*append)(struct arguments *a, const struct netd_port *p);
} vmms[] = { { "qemu-system-*", qemu }, { "qemu-kvm", qemu }, { "kvm", qemu } };

static const char *program_of(char *const *argv)
{
	const char *slash = strrchr(argv[0], '/');

	return slash ? slash + 1 : argv[0];
}

static bool uses_placeholders(char *const *argv)
{
	const struct netd_port none = { 0 };
	struct names names;
	bool any = false;

	fill_names(&names, &none);
	for (; *argv && !any; argv++) {
		CLEAN_FREE char *text = NULL;

		any = replace(&names, *argv, &text);
	}
	return any;
}

bool vmm_is_known(char *const *argv)
{
	if (uses_placeholders(argv))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(vmms); i++)
		if (!fnmatch(vmms[i].pattern, program_of(argv), 0))
			return true;
	return false;
}

char **vmm_command(char *const *argv, const struct netd_port *p)
{
	const char *program = program_of(argv);
	struct arguments a = { 0 };
	struct names names;
	bool any = false;

	fill_names(&names, p);
	for (; *argv; argv++) {
		CLEAN_FREE char *text = NULL;

		any = replace(&names, *argv, &text) || any;
		add(&a, text);
	}
	for (size_t i = 0; !any && i < ARRAY_SIZE(vmms); i++) {
		if (!fnmatch(vmms[i].pattern, program, 0)) {
			vmms[i].append(&a, p);
			break;
		}
	}
	return a.at;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How each VMM wants to be told of network cards that come as descriptors. Pure.
 *
 * What each takes is from its source:
 *
 *   QEMU              net/tap.c net_init_tap: with fds= there may be no ifname=, script=,
 * vnet_hdr=, helper= or queues=, and as many vhostfds= as fds=; hw/virtio/virtio-net-pci.c: 2 *
 * queues + 2 vectors (configuration, control, and each queue's two) cloud-hypervisor
 * vmm/src/config.rs NetConfig: as many num_queues as twice the descriptors, each above 2;
 * cloud-hypervisor/src/main.rs: --net takes several values, and not in every version may itself be
 * there several times crosvm            devices/src/virtio/net.rs NetParameters: one tap-fd;
 * into_mq_taps opens further queues by the name, which needs CAP_NET_ADMIN; vhost-net opens
 *                     /dev/vhost-net itself
 *   lkvm              kvmtool's virtio/net.c: one fd; vhost=1 opens /dev/vhost-net itself. A
 *                     descriptor without a tapif that begins with '/' gets another TUNSETIFF
 *                     (virtio_net__tap_create), which the kernel refuses with EEXIST
 *                     (drivers/net/tun.c __tun_chr_ioctl), and then an address of lkvm's choice
 *                     (virtio_net__tap_init); with one, both are left out, and nothing is opened.
 *                     Its receiver ends at the first EAGAIN (virtio_net_rx_thread)
 *   firecracker       src/vmm/src/devices/virtio/net/tap.rs open_named: TUNSETIFF by name, without
 *                     IFF_MULTI_QUEUE
 */
#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"
#include "vmm.h"

enum { ARGUMENT_SIZE = 1024 };

void vmm_arguments_add(struct vmm_arguments *a, const char *text)
{
	char **grown = realloc(a->at, (a->n + 2) * sizeof(*grown));
	char *copy = strdup(text);

	if (!grown || !copy)
		ctl_fail("out of memory");
	a->at = grown;
	a->at[a->n++] = copy;
	a->at[a->n] = NULL;
}

void vmm_arguments_done(struct vmm_arguments *a)
{
	while (a->n)
		free(a->at[--a->n]);
	free(a->at);
	a->at = NULL;
}

/* "3:4:5" */
static const char *join(const int *fds, uint32_t n, char separator, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = 0;
	for (uint32_t i = 0; i < n && len < size; i++) {
		if (i)
			buf[len++] = separator;
		len += (size_t)snprintf(buf + len, size - len, "%d", fds[i]);
	}
	return buf;
}

/* --- placeholders --- */

struct names {
	char fds[400], vhostfds[400], address[64], mtu[16];
	const struct netd_port *p;
};

static void fill_names(struct names *n, const struct netd_port *p)
{
	n->p = p;
	join(p->tap_fd, p->queues, ':', n->fds, sizeof(n->fds));
	join(p->vhost_fd, p->vhosts, ':', n->vhostfds, sizeof(n->vhostfds));
	snprintf(n->address, sizeof(n->address), "%.*s", (int)strcspn(p->address, "/"), p->address);
	snprintf(n->mtu, sizeof(n->mtu), "%u", p->mtu);
}

static const char *const keys[] = { "fds",     "vhostfds",  "mac", "address",
				    "gateway", "interface", "mtu" };

static const char *value_of(const struct names *n, size_t key)
{
	const char *const values[] = { n->fds,	      n->vhostfds,     n->p->mac, n->address,
				       n->p->gateway, n->p->interface, n->mtu };

	static_assert(ARRAY_SIZE(values) == ARRAY_SIZE(keys), "one value for each key");
	return values[key];
}

/* Which placeholder text begins with, as {key} or {key.card}: its length, or 0 for none. */
static size_t find_placeholder(const char *text, unsigned cards, size_t *ret_key,
			       unsigned *ret_card)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);
		const char *at = text + 1 + len;
		unsigned card = 0;
		char *end;

		if (strncmp(text + 1, keys[i], len) != 0)
			continue;
		if (*at == '.' && at[1] >= '0' && at[1] <= '9') {
			card = (unsigned)strtoul(at + 1, &end, 10);
			at = end;
		}
		if (*at != '}' || card >= cards)
			continue;
		*ret_key = i;
		*ret_card = card;
		return (size_t)(at + 1 - text);
	}
	return 0;
}

/* Returns whether there was a placeholder. names NULL: it is only looked for. */
static bool replace(const struct names *names, unsigned cards, const char *from, FILE *out)
{
	bool any = false;

	while (*from) {
		size_t key, len = 0;
		unsigned card;

		if (*from == '{')
			len = find_placeholder(from, cards, &key, &card);
		any = any || len;
		if (names && len)
			fputs(value_of(&names[card], key), out);
		else if (names)
			fputc(*from, out);
		from += len ? len : 1;
	}
	return any;
}

bool vmm_uses_placeholders(char *const *argv, unsigned n)
{
	for (; *argv; argv++)
		if (replace(NULL, n, *argv, NULL))
			return true;
	return false;
}

/* --- VMMs --- */

/* fds= and nothing that would make QEMU open or configure the device itself. */
static void qemu(struct vmm_arguments *a, const struct vmm_card *cards, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct netd_port *p = cards[i].port;
		char text[ARGUMENT_SIZE], fds[400], vhostfds[400], vhost[440] = "", queues[64] = "";

		join(p->tap_fd, p->queues, ':', fds, sizeof(fds));
		if (p->vhosts)
			snprintf(vhost, sizeof(vhost), ",vhost=on,vhostfds=%s",
				 join(p->vhost_fd, p->vhosts, ':', vhostfds, sizeof(vhostfds)));
		if (p->queues > 1)
			snprintf(queues, sizeof(queues), ",mq=on,vectors=%u", 2 * p->queues + 2);
		vmm_arguments_add(a, "-netdev");
		snprintf(text, sizeof(text), "tap,id=netd%u,fds=%s%s", i, fds, vhost);
		vmm_arguments_add(a, text);
		vmm_arguments_add(a, "-device");
		snprintf(text, sizeof(text), "virtio-net-pci,netdev=netd%u,mac=%s,host_mtu=%u%s", i,
			 p->mac, p->mtu, queues);
		vmm_arguments_add(a, text);
	}
}

static void cloud_hypervisor(struct vmm_arguments *a, const struct vmm_card *cards, unsigned n)
{
	vmm_arguments_add(a, "--net");
	for (unsigned i = 0; i < n; i++) {
		const struct netd_port *p = cards[i].port;
		char text[ARGUMENT_SIZE], fds[400];

		snprintf(text, sizeof(text), "fd=[%s],mac=%s,num_queues=%u,mtu=%u",
			 join(p->tap_fd, p->queues, ',', fds, sizeof(fds)), p->mac, 2 * p->queues,
			 p->mtu);
		vmm_arguments_add(a, text);
	}
}

static void crosvm(struct vmm_arguments *a, const struct vmm_card *cards, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct netd_port *p = cards[i].port;
		char text[ARGUMENT_SIZE];

		vmm_arguments_add(a, "--net");
		snprintf(text, sizeof(text), "tap-fd=%d,mac=%s%s", p->tap_fd[0], p->mac,
			 p->vhosts ? ",vhost-net" : "");
		vmm_arguments_add(a, text);
	}
}

static void lkvm(struct vmm_arguments *a, const struct vmm_card *cards, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct netd_port *p = cards[i].port;
		char text[ARGUMENT_SIZE];

		vmm_arguments_add(a, "--network");
		snprintf(text, sizeof(text), "mode=tap,fd=%d,guest_mac=%s,tapif=/dev/net/tun",
			 p->tap_fd[0], p->mac);
		vmm_arguments_add(a, text);
	}
}

static const struct vmm vmms[] = {
	{ .name = "qemu",
	  .programs = { "qemu-system-*", "qemu-kvm", "kvm" },
	  .vhost = VMM_VHOST_DESCRIPTORS,
	  .append = qemu },
	{ .name = "cloud-hypervisor",
	  .programs = { "cloud-hypervisor", "cloud-hypervisor-static" },
	  .append = cloud_hypervisor },
	{ .name = "crosvm",
	  .programs = { "crosvm" },
	  .single_queue = true,
	  .vhost = VMM_VHOST_OWN,
	  .append = crosvm },
	{ .name = "lkvm",
	  .programs = { "lkvm", "lkvm-static" },
	  .single_queue = true,
	  .blocking = true,
	  .append = lkvm },
	{ .name = "firecracker",
	  .programs = { "firecracker", "firecracker-v[0-9]*" },
	  .single_queue = true,
	  .by_name = true },
};

const struct vmm *vmm_by_program(char *const *argv)
{
	const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];

	for (size_t i = 0; i < ARRAY_SIZE(vmms); i++)
		for (size_t j = 0; j < ARRAY_SIZE(vmms[i].programs); j++)
			if (vmms[i].programs[j] && !fnmatch(vmms[i].programs[j], program, 0))
				return &vmms[i];
	return NULL;
}

const struct vmm *vmm_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(vmms); i++)
		if (!strcmp(vmms[i].name, name))
			return &vmms[i];
	return NULL;
}

char **vmm_command(const struct vmm *v, char *const *argv, const struct vmm_card *cards, unsigned n)
{
	struct vmm_arguments a = { 0 };
	struct names names[VMM_CARDS_MAX];
	bool any = false;

	for (unsigned i = 0; i < n; i++)
		fill_names(&names[i], cards[i].port);
	for (; *argv; argv++) {
		CLEAN_FREE char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		if (!out)
			ctl_fail("out of memory");
		any = replace(names, n, *argv, out) || any;
		if (fclose(out))
			ctl_fail("out of memory");
		vmm_arguments_add(&a, text);
	}
	if (v && v->append && !any)
		v->append(&a, cards, n);
	return a.at;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-cni: what its files share. The CNI specification is version 1.1.0, SPEC.md. */
#ifndef NETD_CNI_H
#define NETD_CNI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "netd.h"

/* Those below 100 are CNI's. */
enum cni_code {
	CNI_BAD_VERSION = 1,
	CNI_UNSUPPORTED = 2,
	CNI_BAD_ENVIRONMENT = 4,
	CNI_IO = 5,
	CNI_UNREADABLE = 6,
	CNI_BAD_CONFIG = 7,
	CNI_BAD_NAMESPACE = 8,
	CNI_TRY_AGAIN = 11,
	CNI_UNAVAILABLE = 50,
	CNI_LIMITED = 51,
	CNI_REFUSED = 100,
	CNI_NOT_PERMITTED = 101,
	CNI_IN_USE = 102,
	CNI_CHANGED = 103,
};

struct cni_error {
	enum cni_code code;
	char details[600];
};

/* Fills e and returns -1. */
__attribute__((format(printf, 3, 4))) int cni_fail(struct cni_error *e, enum cni_code code,
						   const char *fmt, ...);

/* --- request.c --- */

enum cni_command { CNI_ADD, CNI_DEL, CNI_CHECK, CNI_GC, CNI_STATUS, CNI_VERSION };

/* Versions that are spoken, from the oldest on. */
enum cni_version { CNI_0_3_1, CNI_0_4_0, CNI_1_0_0, CNI_1_1_0, CNI_VERSIONS };

/* The variables of the environment; NULL or empty: not set. */
struct cni_environment {
	const char *command, *id, *netns, *ifname, *args, *netns_override;
};

enum { CNI_PORTS_MAX = 64, CNI_CONFIG_MAX = 4 << 20 };

/* A port of the host that is to lead to the container. */
struct cni_published {
	char text[32]; /* "tcp:8080:80" */
	const char *address;
};

/* Text is borrowed from environment and configuration. NULL: not given. */
struct cni_request {
	enum cni_command command;
	enum cni_version version;
	const char *id, *netns, *ifname;
	bool any_netns; /* that of the host will do as well */
	json_t *config;
	const char *name; /* of the CNI network */
	const char *network, *socket;
	char mac[32], address[64], pod[256]; /* empty: not given */
	struct cni_published published[CNI_PORTS_MAX];
	unsigned publishes;
	const json_t *prev;  /* prevResult */
	const json_t *valid; /* cni.dev/valid-attachments: a list, or null */
};

/* text is NUL-terminated. The caller ends a request by cni_request_done, also after a failure:
 * then version is what the answer is to be in. Pure. */
int cni_request_read(const struct cni_environment *env, const char *text, struct cni_request *ret,
		     struct cni_error *e);
void cni_request_done(struct cni_request *q);

const char *cni_version_text(enum cni_version v);

/* Members of the configuration, and capabilities in its runtimeConfig, that nobody reads: the n-th,
 * or NULL. */
const char *cni_request_unknown(const struct cni_request *q, unsigned n);

/* --- name.c --- */

enum { CNI_GUEST_SIZE = 64, CNI_TAIL_SIZE = 25 };

/*
 * The name of the guest that a container is, and which of its cards an interface: eth1 is card 1,
 * and one without a number from 0 to 63 behind its name is card 0 of a guest of its own.
 *
 *	web-cni-1a2b3c-0123456789ab
 *
 * is the pod `web`, or a container whose id begins so; then a hash of the CNI network's name, and
 * one of name, id, and interface less its number. What is in front is for people: the tail alone
 * identifies. Pure.
 */
uint32_t cni_guest_name(const char *network, const char *id, const char *ifname, const char *pod,
			char ret[CNI_GUEST_SIZE]);
/* The tail of such a name, "-cni-1a2b3c-0123456789ab"; NULL: it is none. */
const char *cni_guest_tail(const char *guest);
/* Whether a guest is a container on this CNI network. */
bool cni_guest_is_of(const char *guest, const char *network);

/* --- result.c --- */

struct cni_attached {
	char interface[16], interface_mac[18]; /* of the host's end; the MAC may be empty */
	const char *ifname, *netns;
	char mac[18], address[46], gateway[46]; /* address with prefix length; may be empty */
	uint32_t mtu;
	bool routed; /* it has got its default route */
	json_t *dns; /* borrowed; NULL: nothing to say */
};

/* The result of ADD, in the version of the request, with prevResult in front. A new reference.
 * Pure. */
json_t *cni_result(const struct cni_request *q, const struct cni_attached *a);
/* DNS as the result has it: runtimeConfig's, the configuration's, or the network's (a Network of
 * io.netd; NULL: not known). A new reference; NULL: none. Pure. */
json_t *cni_dns(const struct cni_request *q, const json_t *network);
json_t *cni_error_result(const struct cni_error *e, enum cni_version version);
json_t *cni_versions(enum cni_version version);

/* What prevResult says of our interface. */
struct cni_expected {
	const char *mac; /* NULL: nothing */
	const char *address[16];
	unsigned addresses;
	const char *gateway; /* of a default route that is listed; NULL: none is */
};

int cni_expect(const struct cni_request *q, struct cni_expected *ret, struct cni_error *e);

/* --- inside.c --- */

/* An interface in a container. */
struct cni_inside {
	bool there, up;
	char mac[18];
	char address[16][46]; /* IPv4, with prefix length */
	unsigned addresses;
	char gateway[16]; /* of its default route; empty: there is none */
};

/* The MAC of an interface here; empty when it cannot be told. */
void cni_own_mac(const char *ifname, char ret[18]);
/* Whether it is a network namespace, and not the one that this process is in. */
int cni_netns_check(const struct cni_request *q, struct cni_error *e);
/* Looks at q->ifname in q->netns, where the process stays. -errno. */
int cni_look_inside(const struct cni_request *q, struct cni_inside *ret, struct err *err);

/* --- commands.c --- */

/* *ret: what to print; NULL: nothing. */
int cni_add(struct netd *n, const struct cni_request *q, json_t **ret, struct cni_error *e);
/* Undoes an ADD whose result could not be delivered. */
void cni_undo_add(struct netd *n, const struct cni_request *q);
int cni_del(struct netd *n, const struct cni_request *q, struct cni_error *e);
int cni_check(struct netd *n, const struct cni_request *q, struct cni_error *e);
int cni_gc(struct netd *n, const struct cni_request *q, struct cni_error *e);
int cni_status(struct netd *n, const struct cni_request *q, struct cni_error *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap: a guest's device. TAP and macvtap interfaces and vhost-net, as file descriptors that a VMM
 * takes over.
 */
#ifndef NETD_TAP_H
#define NETD_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bridge.h"

#define TAP_QUEUES_MAX                                                                             \
	32 /* TAP and vhost descriptors of one port fit in one SCM_RIGHTS message (SCM_MAX_FD 253) \
	    */

/*
 * Creates TAP interface `name` with IFF_NO_PI and IFF_VNET_HDR and opens `queues` of it
 * (1…TAP_QUEUES_MAX; more than one: IFF_MULTI_QUEUE) into ret_fds, close-on-exec, owned by the
 * caller. It is down, in no bridge, and not persistent: it goes when the last descriptor is closed.
 * -EEXIST when another link has the name; -EACCES, -ENOENT, … when /dev/net/tun cannot be opened.
 * Linux drivers/net/tun.c.
 */
MUST_CHECK int tap_open(const char *name, unsigned queues, int *ret_fds, uint32_t *ret_ifindex,
			struct err *err);

/* The same in another network namespace, of which netns is a descriptor; the caller stays in its
 * own. */
MUST_CHECK int tap_open_in(int netns, const char *name, unsigned queues, int *ret_fds,
			   struct err *err);

/* The same with one queue and without IFF_VNET_HDR: frames as they are. */
MUST_CHECK int tap_open_bare(const char *name, int *ret_fd, uint32_t *ret_ifindex, struct err *err);

/*
 * Has the TAP of a descriptor stay when nobody has it open, for user (uid) to open by its name. It
 * goes when its link is deleted.
 */
MUST_CHECK int tap_persist(int fd, uint32_t user, struct err *err);

#define TAP_HOLDER_SIZE 64

/*
 * Which process has a TAP of this name open: "firecracker (pid 812)", of whatever network namespace
 * the TAP is. -ENOENT when none does that can be seen. Looks at every process (/proc/PID/fdinfo).
 */
MUST_CHECK int tap_holder(const char *name, char ret[TAP_HOLDER_SIZE]);

/*
 * Opens /dev/vhost-net once a queue, close-on-exec, owned by the caller. The VMM sets owner and
 * backend (Linux drivers/vhost/net.c). -ENOENT and others say why not.
 */
MUST_CHECK int tap_vhost_open(unsigned queues, int *ret_fds, struct err *err);

/* --- macvtap: its character devices --- */

struct macvtap;

/* Nobody has this interface's device open any more. */
typedef void (*macvtap_fn)(void *arg, uint32_t ifindex);

MUST_CHECK int macvtap_new(struct macvtap **ret, struct err *err);
/* Device files stay; macvtap_adopt finds them again. */
void macvtap_free(struct macvtap *m);
/* Readable when macvtap_read has something to tell. */
int macvtap_fd(const struct macvtap *m);
/* Calls fn for what has come, after at most some more than `most` events. -EAGAIN when there was
 * nothing more. */
MUST_CHECK int macvtap_read(struct macvtap *m, unsigned most, macvtap_fn fn, void *arg);

/*
 * Opens `queues` (1…TAP_QUEUES_MAX) of a macvtap interface that was just made into ret_fds, with
 * IFF_NO_PI and IFF_VNET_HDR, and IFF_MULTI_QUEUE when more than one; close-on-exec, not blocking,
 * owned by the caller. The interface stays when they are closed, which macvtap_read tells. Makes a
 * device file in /dev/net, which goes with the first of them that is closed.
 */
MUST_CHECK int macvtap_open(struct macvtap *m, const char *name, uint32_t ifindex, unsigned queues,
			    int *ret_fds, struct err *err);
/* Whether somebody has an interface open that a former process made; if so, the end of that is told
 * from now on. -EACCES when it cannot be seen. */
MUST_CHECK int macvtap_adopt(struct macvtap *m, const char *name, uint32_t ifindex, bool *ret_open,
			     struct err *err);
/* The interface goes, or has gone: nothing is told of it, and its device file is removed. */
void macvtap_forget(struct macvtap *m, uint32_t ifindex);

#endif

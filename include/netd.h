/* SPDX-License-Identifier: MIT */
/*
 * libnetd: the client side of netd, for launchers that link it. pkg-config: netd.
 *
 * A connection is used by one thread at a time. Functions that can fail return 0 or -errno;
 * netd_error then has the sentence, and netd_error_name the Varlink error, which programs can tell
 * apart. Strings that a function returns belong to the connection and are valid until its next
 * call.
 */
#ifndef NETD_H
#define NETD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NETD_API __attribute__((visibility("default")))

#define NETD_SOCKET_PATH "/run/netd/netd.sock"
#define NETD_QUEUES_MAX 32

struct netd;

/*
 * Connects to the daemon at path, or, when that is NULL, at $NETD_SOCKET or NETD_SOCKET_PATH. *ret
 * is set also on failure (unless memory is out), for netd_error; it is to be closed in any case.
 */
NETD_API int netd_connect(const char *path, struct netd **ret);
/* NULL is allowed. What was attached stays: a device lives as long as its descriptors. */
NETD_API void netd_close(struct netd *n);

/* One sentence about the last failure, the innermost cause last; empty when there was none. */
NETD_API const char *netd_error(const struct netd *n);
/* "io.netd.AddressInUse", …; empty when the failure was none that the daemon named. */
NETD_API const char *netd_error_name(const struct netd *n);

/* --- attach --- */

enum netd_vhost {
	NETD_VHOST_AUTO, /* if it is there */
	NETD_VHOST_ON,	 /* or fail */
	NETD_VHOST_OFF,
};

enum netd_device {
	NETD_DESCRIPTORS, /* a TAP, or macvtap, that lives as long as its descriptors */
	NETD_TAP,	  /* one that stays, and that `user` opens by name */
	NETD_VETH,	  /* a pair, one end of which goes to `netns` */
};

/* Zero and NULL members: the default. */
struct netd_attach {
	const char *guest;   /* 1 to 63 of letters, digits, '.', '_', '-' */
	uint32_t nic;	     /* which of the guest's cards */
	const char *network; /* "default", or the only one */
	const char *mac;     /* generated */
	const char *address; /* IPv4, from the network's pool */
	uint32_t queues;     /* 1 */
	enum netd_vhost vhost;
	enum netd_device device;
	const char *ifname; /* NETD_TAP: chosen; NETD_VETH: the end in the namespace, "eth0" */
	const char *user;   /* NETD_TAP: name or uid of who may open it; the caller */
	const char *netns;  /* path of a network namespace, opened by this process, in which TAP or
			       veth end are; none */
	int bare;	    /* NETD_DESCRIPTORS: one queue, without IFF_VNET_HDR */
};

struct netd_port {
	char network[64];
	char interface[16];
	uint32_t interface_index;
	char mac[18];
	char address[46]; /* with prefix length, "10.77.0.5/24" */
	char gateway[46]; /* empty: none */
	uint32_t mtu;
	uint32_t queues;	       /* descriptors in tap_fd; 0 of NETD_TAP and NETD_VETH */
	int tap_fd[NETD_QUEUES_MAX];   /* close-on-exec, non-blocking, IFF_VNET_HDR unless bare; the
					  caller's */
	uint32_t vhosts;	       /* descriptors in vhost_fd: 0 or queues */
	int vhost_fd[NETD_QUEUES_MAX]; /* close-on-exec; owner and backend not set yet; the caller's
					*/
	char vhost_note[256];	  /* why there is no vhost although it was not NETD_VHOST_OFF; else
				     empty */
	char guest_interface[16]; /* the interface in the network namespace; else empty */
	char note[256];		  /* what else there is to say of the network; empty: nothing */
};

/* Plugs in one card of a guest. On failure *ret is untouched, and nothing of the attach is left. */
NETD_API int netd_attach(struct netd *n, const struct netd_attach *a, struct netd_port *ret);
/* Closes the descriptors; the device goes with the last of them. */
NETD_API void netd_port_close(struct netd_port *p);

/* The device goes, the allocation stays. nic -1: all cards of the guest. */
NETD_API int netd_detach(struct netd *n, const char *guest, int nic);
/* The allocation goes, too. */
NETD_API int netd_release(struct netd *n, const char *guest, int nic);
/* Waits until the port is "attached", its lease "bound", or its device "gone". timeout_ms -1: for
 * ever. -ETIMEDOUT. */
NETD_API int netd_wait(struct netd *n, const char *guest, uint32_t nic, const char *what,
		       int timeout_ms);

/* --- import --- */

/* What another DHCP server has promised, and what became of it. */
struct netd_import {
	const char *mac;
	const char *address;  /* IPv4 */
	const char *guest;    /* the name that it is to have, if it is free; NULL: any */
	char imported_as[64]; /* the guest that has both now; empty: it was refused */
	char reason[256];     /* why; else empty */
};

/*
 * Makes an allocation of each, for a guest's first card and without a device, so that the guest
 * keeps MAC and address. 0 also when some were refused; after a failure, those whose imported_as
 * and reason are both empty were not looked at. dry_run: nothing is changed.
 */
NETD_API int netd_import(struct netd *n, const char *network, struct netd_import *items,
			 size_t count, int dry_run);

/* --- capture --- */

/* Zero and NULL members: the default. */
struct netd_capture {
	const char *guest;
	uint32_t nic;
	const char *filter;	  /* pcap-filter(7); everything */
	uint32_t snapshot_length; /* octets of a packet that are kept at most; 262144 */
	int dropped;		  /* what the guard dropped instead, with the reason as a comment */
};

/*
 * Captures what passes at a port. *ret_fd is the caller's: a stream socket, close-on-exec, from
 * which pcapng is read, big-endian. After shutdown(fd, SHUT_WR) there come the packets until then,
 * a block with statistics, and the end; closing it ends the capture, too, and so does the end of
 * the device. It outlives the connection. Who does not read loses packets.
 */
NETD_API int netd_capture(struct netd *n, const struct netd_capture *c, int *ret_fd);

/* --- any method --- */

/*
 * Calls a method of io.netd (io.netd.varlink defines them) with parameters as JSON text (NULL:
 * none). *ret_reply (NULL allowed) is the reply's parameters as JSON text. Descriptors that came
 * along are closed.
 */
NETD_API int netd_call(struct netd *n, const char *method, const char *parameters,
		       const char **ret_reply);

/*
 * The same for a method that goes on replying: netd_more starts it; each netd_next waits for one
 * reply and returns 1, or 0 when it was the last. netd_fd can be polled for the next.
 */
NETD_API int netd_more(struct netd *n, const char *method, const char *parameters);
NETD_API int netd_next(struct netd *n, const char **ret_reply);
NETD_API int netd_fd(const struct netd *n);

#ifdef __cplusplus
}
#endif

#endif

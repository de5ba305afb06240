/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of io.netd and org.varlink.service, and our objects as JSON. */
#ifndef NETD_API_H
#define NETD_API_H

#include "varlink.h"

#ifndef NETD_VERSION
#define NETD_VERSION "unknown"
#endif

/* Finds the method of a call, checks who calls and what the parameters are, and has it carried out.
 */
void api_dispatch(struct varlink_call *call);

/*
 * Calls fn for each method (name NULL), and behind it for each of its parameters, whose type is in
 * the words of io.netd.varlink.
 */
typedef void (*api_method_fn)(void *arg, const char *method, const char *name, const char *type,
			      bool required);
void api_methods(api_method_fn fn, void *arg);

/* Answers with the named error of a refusal. */
void api_refuse(const struct varlink_call *call, const struct refusal *r);

/* A parameter of the call; NULL, or `otherwise`, where it is absent or null. */
const char *api_text(const struct varlink_call *call, const char *name);
int64_t api_integer(const struct varlink_call *call, const char *name, int64_t otherwise);
/* Answers with io.netd.BadValue. */
void api_bad_value(const struct varlink_call *call, const char *parameter, const char *reason);
/* For what was read, and what was put in this turn. */
struct ticket api_now(const struct varlink_call *call);

/*
 * api_allow.c: what users see and may do. Those that answer with an error return false.
 */

/*
 * Who may call a method. OPERATOR: root, netd's own user, and operators. USER: those, and whom an
 * allow block is for or who has a guest; its handler sees to it that they see and do no more than
 * they may. ANYBODY: also those for whom there is no block: Attach, whose refusal says more, and
 * Capture.
 */
enum api_privilege { OPERATOR, USER, ANYBODY };
/* Answers when the caller may not. */
bool api_may_call(const struct varlink_call *call, enum api_privilege privilege);

bool api_sees_port(const struct varlink_call *call, const struct port *p);
/* Also where there is none, for those who see all. nic < 0: any. */
bool api_sees_guest(const struct varlink_call *call, const char *guest, int64_t nic);
/* The same, and answers with NoSuchGuest when it does not. */
bool api_has_guest(const struct varlink_call *call, const char *guest, int64_t nic);
bool api_sees_network(const struct varlink_call *call, const struct network *n);
bool api_sees_lease(const struct varlink_call *call, const struct store_lease *l);
bool api_sees_published(const struct varlink_call *call, const struct published *p);
bool api_stream_sees(const struct varlink_stream *s, const struct event *e);
/* An event that is seen, without what is others'. */
json_t *api_stream_event(const struct varlink_stream *s, const struct event *e);
/* The holder that an error names, or words that name nobody. */
const char *api_holder(const struct varlink_call *call, const char *holder);
/* Those of this name, or all. */
json_t *api_json_networks_seen(const struct varlink_call *call, const char *name);
json_t *api_json_network_seen(const struct varlink_call *call, const struct network *n);
json_t *api_json_status_seen(const struct varlink_call *call);
/* Answers when the caller may not; sets q->owner. */
bool api_may_attach(const struct varlink_call *call, struct attach_request *q);
/* Answers when the caller may not, or the guest is not its own. */
bool api_may_publish(const struct varlink_call *call, const struct publish_request *q);

/* api_attach.c: the methods Attach, Detach and Release. */
void api_attach(struct varlink_call *call);
void api_detach(struct varlink_call *call);
void api_release(struct varlink_call *call);

/* api_network.c: the methods CreateNetwork, DeleteNetwork and Plan. */
void api_create_network(struct varlink_call *call);
void api_delete_network(struct varlink_call *call);
void api_plan(struct varlink_call *call);

/* api_link.c: the method SetLink. */
void api_set_link(struct varlink_call *call);

/* api_import.c: the method Import. */
void api_import(struct varlink_call *call);

/* api_gc.c: the method Gc. */
void api_gc(struct varlink_call *call);

/* api_capture.c: the method Capture. */
void api_capture(struct varlink_call *call);

/* api_metrics.c: the method Metrics. */
void api_metrics(struct varlink_call *call);

/* api_publish.c: the methods Publish, Unpublish and ListPublished, and what they show. */
void api_publish(struct varlink_call *call);
void api_unpublish(struct varlink_call *call);
void api_list_published(struct varlink_call *call);
json_t *api_json_published(struct daemon *d, const struct published *p);
json_t *api_json_network_published(struct daemon *d, const struct network *n);
json_t *api_json_port_published(struct daemon *d, const struct port *p);
/* Those that the caller sees, of a network and a guest (NULL: of any). */
json_t *api_json_published_seen(const struct varlink_call *call, const struct network *n,
				const char *guest);

/* api_json.c: new references; NULL without memory. Their shapes are types of io.netd.varlink. */
/* counts: what the guard has held back; NULL: nothing, as of a port that was just made. */
json_t *api_json_port(struct daemon *d, const struct port *p, const struct guard_counts *counts);
json_t *api_json_network(struct daemon *d, const struct network *n);
json_t *api_json_lease(struct daemon *d, const struct store_lease *l);
json_t *api_json_event(const struct event *e);
json_t *api_json_status(struct daemon *d);

/* Nothing where the text is empty. */
void api_json_set_text(json_t *o, const char *key, const char *text);

#endif

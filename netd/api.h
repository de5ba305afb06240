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

/* api_attach.c: the methods Attach, Detach and Release. */
void api_attach(struct varlink_call *call);
void api_detach(struct varlink_call *call);
void api_release(struct varlink_call *call);

/* api_import.c: the method Import. */
void api_import(struct varlink_call *call);

/* api_capture.c: the method Capture. */
void api_capture(struct varlink_call *call);

/* api_publish.c: the methods Publish, Unpublish and ListPublished, and what they show. */
void api_publish(struct varlink_call *call);
void api_unpublish(struct varlink_call *call);
void api_list_published(struct varlink_call *call);
json_t *api_json_published(struct daemon *d, const struct published *p);
json_t *api_json_network_published(struct daemon *d, const struct network *n);
json_t *api_json_port_published(struct daemon *d, const struct port *p);

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

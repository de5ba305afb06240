/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdctl: what its files share. Built on libnetd's public interface alone. */
#ifndef NETDCTL_H
#define NETDCTL_H

#include <jansson.h>
#include <stdbool.h>

#include "netd.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct ctl {
	const char *socket; /* NULL: the environment's, or the built-in one */
	bool json;
	struct netd *netd;
};

/* GUEST[/NIC]; nic is -1 when it was not given. Exits with EXIT_USAGE when it is neither. */
struct ctl_port {
	char guest[64];
	int nic;
};

/* Writes a sentence to stderr and exits. */
__attribute__((format(printf, 1, 2), noreturn)) void ctl_usage(const char *fmt, ...);
__attribute__((format(printf, 1, 2), noreturn)) void ctl_fail(const char *fmt, ...);

/* Connects, or exits with EXIT_FAILED. */
void ctl_connect(struct ctl *c);
/* Calls a method; the reply is a new reference. Takes parameters over (NULL: none). Exits when it
 * fails. */
json_t *ctl_call(struct ctl *c, const char *method, json_t *parameters);

struct ctl_port ctl_parse_port(const char *text);
/* A number from 0 to max; `what` names it in the sentence. */
unsigned ctl_parse_number(const char *text, unsigned max, const char *what);

/* Prints an object's members, one a line. */
void ctl_print_members(const json_t *o);
/* Prints JSON, indented, and a newline. */
void ctl_print_json(const json_t *v);
/* The text of a member; empty where there is none. */
const char *ctl_text(const json_t *o, const char *key);

/*
 * Options of a subcommand: --name VALUE, --name=VALUE or --flag, or -n VALUE for one whose name has
 * one letter, up to "--" or the end; what is no option is collected.
 * --json is understood everywhere. Exits with EXIT_USAGE for what it does not know.
 */
struct ctl_option {
	const char *name;   /* without dashes; NULL ends the list */
	const char **value; /* where the value goes; NULL: a flag */
	bool *flag; /* beside a value: it may be left out, also by another option behind it */
};

struct ctl_args {
	const char *plain[64];
	int plains;
	char **rest; /* behind "--"; NULL: there was none */
};

/* Options of attach that say what device it makes. */
struct ctl_device {
	bool macvtap;
	bool tap;
	const char *name, *owner, *netns, *ifname;
	const char *format; /* which can say so, too */
};

/* Sets device, ifname, user and netns. Exits with EXIT_USAGE for what does not go together. */
void ctl_read_device(const struct ctl_device *in, struct netd_attach *ret);
/* --macvtap: the network has to be of that mode, and is the only such one when none is named. */
void ctl_choose_macvtap(struct ctl *c, struct netd_attach *q);
/* Prints a port that nobody has to hold open. */
void ctl_tell_device(const struct netd_attach *q, const struct netd_port *p);

void ctl_parse(struct ctl *c, int argc, char **argv, const struct ctl_option *options,
	       struct ctl_args *ret);

/* An option that may be given more than once. */
struct ctl_list {
	const char *name; /* without dashes; NULL ends an array of lists */
	const char *at[16];
	unsigned n;
};

/* The same, with such options, too. */
void ctl_parse_lists(struct ctl *c, int argc, char **argv, const struct ctl_option *options,
		     struct ctl_list *lists, struct ctl_args *ret);
/* Exits with EXIT_USAGE unless there are from min to max plain arguments and, unless rest, none
 * behind "--". */
void ctl_expect(const struct ctl_args *a, int min, int max, bool rest, const char *usage);
/* A number of seconds; exits with EXIT_USAGE when it is none. */
double ctl_parse_seconds(const char *text);

/* --- tables --- */

struct ctl_table;

struct ctl_table *ctl_table_new(const char *const *headings, unsigned columns);
/* Sets the next cell; rows fill from left to right. NULL and "" show as "-". */
void ctl_table_add(struct ctl_table *t, const char *text);
void ctl_table_print_and_free(struct ctl_table *t);

/* Seconds since 1970 as "in 59m", "3h ago"; JSON null as "never". */
const char *ctl_when(const json_t *seconds, char buf[32]);

/* --- subcommands; each returns an exit code --- */

int ctl_status(struct ctl *c, int argc, char **argv);
int ctl_networks(struct ctl *c, int argc, char **argv);
int ctl_network(struct ctl *c, int argc, char **argv);
int ctl_guests(struct ctl *c, int argc, char **argv);
int ctl_leases(struct ctl *c, int argc, char **argv);
int ctl_events(struct ctl *c, int argc, char **argv);
int ctl_run(struct ctl *c, int argc, char **argv);
int ctl_attach(struct ctl *c, int argc, char **argv);
int ctl_detach(struct ctl *c, int argc, char **argv);
int ctl_release(struct ctl *c, int argc, char **argv);
int ctl_link(struct ctl *c, int argc, char **argv);
int ctl_wait(struct ctl *c, int argc, char **argv);
int ctl_reload(struct ctl *c, int argc, char **argv);
int ctl_plan(struct ctl *c, int argc, char **argv);
int ctl_gc(struct ctl *c, int argc, char **argv);
int ctl_metrics(struct ctl *c, int argc, char **argv);
int ctl_doctor(struct ctl *c, int argc, char **argv);
int ctl_import(struct ctl *c, int argc, char **argv);
int ctl_capture(struct ctl *c, int argc, char **argv);
int ctl_publish(struct ctl *c, int argc, char **argv);
int ctl_unpublish(struct ctl *c, int argc, char **argv);
int ctl_published(struct ctl *c, int argc, char **argv);

/* --- lease files of other DHCP servers --- */

struct lease_entry {
	unsigned number; /* of its line, or of its object in a list; from 1 */
	const char *
		mistake; /* why it is none; the members below are then not valid. NULL: it is one */
	char mac[18];
	char address[16];
	char guest[64]; /* the host name; empty: none that fits */
};

struct lease_file {
	struct lease_entry *entry;
	size_t entries;
	size_t skipped; /* leases of DHCPv6 */
	bool json;	/* numbers are of objects */
};

/*
 * Understands dnsmasq's lease file, and the list that libvirt's helper of it writes (*.status).
 * False, with *ret empty, when the text is neither, or memory is out: *ret_why says so. Pure.
 */
bool lease_file_parse(const char *text, size_t len, struct lease_file *ret, const char **ret_why);
void lease_file_done(struct lease_file *f);

#endif

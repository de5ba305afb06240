/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may reach whom: the words of rules, services and names as they are written, and what they
 * name. A rule reads
 *
 *	allow|deny in|out SERVICE [from|to PREFIX | network NAME | group NAME]
 *
 * and a service is `any`, `icmp`, the number of a protocol, or tcp or udp with or without ports:
 * tcp:22,8000-8010. Called by config.c, by the tables of keys and at the end.
 */
#include <ctype.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "config_keys.h"

enum { RULES_MAX = 256, WORD_SIZE = 256 };

/* --- services --- */

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "any", 0 }, { "icmp", IPPROTO_ICMP }, { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }
};

/* A number from `min` on of all of the text. */
static bool parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno && *ret >= min && *ret <= max;
}

static bool parse_protocol(const char *text, bool numbers, uint8_t *ret)
{
	unsigned long n;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (!strcmp(text, protocols[i].name)) {
			*ret = protocols[i].number;
			return true;
		}
	}
	if (!numbers || !parse_number(text, 1, UINT8_MAX, &n))
		return false;
	*ret = (uint8_t)n;
	return true;
}

static int parse_port(char *text, struct nft_service *s, struct err *err)
{
	char *dash = strchr(text, '-'), shown[WORD_SIZE];
	unsigned long first, last;

	snprintf(shown, sizeof(shown), "%s", text);
	if (dash)
		*dash++ = 0;
	if (!parse_number(text, 1, UINT16_MAX, &first) ||
	    !parse_number(dash ? dash : text, 1, UINT16_MAX, &last))
		return err_set(err, EINVAL,
			       "'%s' is not a port from 1 to 65535, or a range of them like "
			       "8000-8010",
			       shown);
	if (first > last)
		return err_set(err, EINVAL, "'%s' ends before it begins", shown);
	if (s->ports == NFT_SERVICE_PORTS)
		return err_set(err, EINVAL, "more than %d ports", NFT_SERVICE_PORTS);
	s->port[s->ports].first = (uint16_t)first;
	s->port[s->ports++].last = (uint16_t)last;
	return 0;
}

static int parse_service(const char *text, bool numbers, struct nft_service *ret, struct err *err)
{
	struct nft_service s = { 0 };
	char word[WORD_SIZE], *ports, *next;
	int rc = 0;

	if (strlen(text) >= sizeof(word))
		return err_set(err, EINVAL, "'%.40s...' is longer than %d characters", text,
			       WORD_SIZE - 1);
	snprintf(word, sizeof(word), "%s", text);
	ports = strchr(word, ':');
	if (ports)
		*ports++ = 0;
	if (!parse_protocol(word, numbers, &s.protocol))
		return err_set(err, EINVAL, "'%s' is not a protocol: tcp, udp, icmp%s any%s", word,
			       numbers ? "," : " or", numbers ? " or a number from 1 to 255" : "");
	if (ports && s.protocol != IPPROTO_TCP && s.protocol != IPPROTO_UDP)
		return err_set(err, EINVAL, "'%s' has ports, which only tcp and udp have", text);
	for (; ports && !rc; ports = next) {
		next = strchr(ports, ',');
		if (next)
			*next++ = 0;
		rc = parse_port(ports, &s, err);
	}
	if (!rc)
		*ret = s;
	return rc;
}

const char *config_service_text(const struct nft_service *s, char buf[CONFIG_SERVICE_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(protocols) && !n; i++)
		if (protocols[i].number == s->protocol)
			n = (size_t)snprintf(buf, CONFIG_SERVICE_SIZE, "%s", protocols[i].name);
	if (!n)
		n = (size_t)snprintf(buf, CONFIG_SERVICE_SIZE, "%u", s->protocol);
	for (unsigned i = 0; i < s->ports; i++) {
		n += (size_t)snprintf(buf + n, CONFIG_SERVICE_SIZE - n, "%c%u", i ? ',' : ':',
				      s->port[i].first);
		if (s->port[i].last != s->port[i].first)
			n += (size_t)snprintf(buf + n, CONFIG_SERVICE_SIZE - n, "-%u",
					      s->port[i].last);
	}
	return buf;
}

/* Here a number alone could be meant for a port. */
int config_parse_services(const struct key *k, void *section, const char *text, unsigned index,
			  struct err *err)
{
	struct config_services *l = member(k, section);

	if (index >= CONFIG_LIST_MAX)
		return err_set(err, EINVAL, "more than %d values", CONFIG_LIST_MAX);
	l->n = index + 1;
	return parse_service(text, false, &l->at[index], err);
}

void config_print_services(const struct key *k, const void *section, struct printer *p)
{
	const struct config_services *l = member_const(k, section);
	char text[CONFIG_SERVICE_SIZE];

	for (unsigned i = 0; i < l->n; i++)
		config_keys_item(p, config_service_text(&l->at[i], text));
}

/* --- names --- */

int config_parse_names(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err)
{
	struct config_names *l = member(k, section);
	const char *why = bridge_name_refusal(text);
	char(*at)[NAME_SIZE];

	if (why)
		return err_set(err, EINVAL, "'%s' is not a name: %s", text, why);
	if (index >= CONFIG_LIST_MAX)
		return err_set(err, EINVAL, "more than %d values", CONFIG_LIST_MAX);
	for (unsigned i = 0; i < index; i++)
		if (!strcmp(l->at[i], text))
			return err_set(err, EINVAL, "'%s' is named twice", text);
	at = realloc(l->at, (index + 1) * sizeof(*at));
	if (!at)
		return err_set(err, ENOMEM, "out of memory");
	l->at = at;
	snprintf(at[index], sizeof(at[index]), "%s", text);
	l->n = index + 1;
	return 0;
}

void config_print_names(const struct key *k, const void *section, struct printer *p)
{
	const struct config_names *l = member_const(k, section);

	for (unsigned i = 0; i < l->n; i++)
		config_keys_item(p, l->at[i]);
}

/* --- rules --- */

/* The words of a rule, one after the other. */
struct words {
	char *save, *rest;
};

static const char *next_word(struct words *w)
{
	char *word = strtok_r(w->rest, " ", &w->save);

	w->rest = NULL;
	return word;
}

/* One of two words; whether it is the first. */
static int parse_either(const char *word, const char *first, const char *second, bool *ret,
			struct err *err)
{
	if (!word)
		return err_set(err, EINVAL, "it says neither %s nor %s", first, second);
	*ret = !strcmp(word, first);
	if (!*ret && strcmp(word, second))
		return err_set(err, EINVAL, "'%s' is neither %s nor %s", word, first, second);
	return 0;
}

static int parse_peer_name(const char *kind, const char *name, struct config_rule *r,
			   struct err *err)
{
	const char *why = name ? bridge_name_refusal(name) : NULL;

	if (!name)
		return err_set(err, EINVAL, "it does not say which %s", kind);
	if (why)
		return err_set(err, EINVAL, "'%s' is not a name for a %s: %s", name, kind, why);
	r->peer = !strcmp(kind, "network") ? CONFIG_PEER_NETWORK : CONFIG_PEER_GROUP;
	r->nft.peer = r->peer == CONFIG_PEER_NETWORK ? NFT_PEER_PREFIX : NFT_PEER_GROUP;
	snprintf(r->name, sizeof(r->name), "%s", name);
	return 0;
}

static int parse_prefix(const char *text, struct config_rule *r, struct err *err)
{
	struct ip4_prefix p = { .len = 32 };
	char right[IP4_PREFIX_TEXT_SIZE];

	if (!ip4_parse(text, &p.addr) && !ip4_prefix_parse(text, &p))
		return err_set(err, EINVAL,
			       "'%s' is not an address or prefix like 10.0.0.0/8, or network or "
			       "group with a name",
			       text);
	if (p.addr != ip4_network(p)) {
		p.addr = ip4_network(p);
		return err_set(err, EINVAL, "'%s' is not a prefix: that is %s", text,
			       ip4_prefix_text(p, right));
	}
	r->nft.peer = NFT_PEER_PREFIX;
	r->nft.prefix = p;
	return 0;
}

static int parse_peer(struct words *w, struct config_rule *r, struct err *err)
{
	const char *word = next_word(w), *right = r->nft.out ? "to" : "from";
	bool from;
	int rc;

	if (!word)
		return 0;
	rc = parse_either(word, "from", "to", &from, err);
	if (rc)
		return rc;
	if (from == r->nft.out)
		return err_set(err, EINVAL, "'%s' is for rules with %s: one with %s has %s", word,
			       from ? "in" : "out", from ? "out" : "in", right);
	word = next_word(w);
	if (!word)
		return err_set(err, EINVAL, "it ends behind '%s'", right);
	if (!strcmp(word, "network") || !strcmp(word, "group"))
		return parse_peer_name(word, next_word(w), r, err);
	return strcmp(word, "any") ? parse_prefix(word, r, err) : 0;
}

static int parse_rule(struct words *w, struct config_rule *r, struct err *err)
{
	bool in;
	const char *word;
	int rc = parse_either(next_word(w), "allow", "deny", &r->nft.allow, err);

	if (!rc)
		rc = parse_either(next_word(w), "in", "out", &in, err);
	if (rc)
		return rc;
	r->nft.out = !in;
	word = next_word(w);
	if (!word)
		return err_set(err, EINVAL, "it names no protocol");
	rc = parse_service(word, true, &r->nft.service, err);
	if (!rc)
		rc = parse_peer(w, r, err);
	word = rc ? NULL : next_word(w);
	return word ? err_set(err, EINVAL, "'%s' is a word too many", word) : rc;
}

/* One blank between two words; false when there is no room for all. */
static bool copy_words(char *to, size_t size, const char *text)
{
	bool blank = false;
	size_t n = 0;

	for (; *text; text++) {
		if (isspace((unsigned char)*text)) {
			blank = n > 0;
			continue;
		}
		if (n + blank + 1 >= size)
			return false;
		if (blank)
			to[n++] = ' ';
		blank = false;
		to[n++] = *text;
	}
	to[n] = 0;
	return true;
}

int config_parse_rule(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	struct config_rules *l = member(k, section);
	struct config_rule r = { .place = l->place }, *at;
	char words[CONFIG_RULE_SIZE];
	struct words w = { .rest = words };
	int rc;

	if (!copy_words(words, sizeof(words), text))
		return err_set(err, EINVAL, "it is longer than %d characters",
			       CONFIG_RULE_SIZE - 1);
	if (index >= RULES_MAX)
		return err_set(err, EINVAL, "more than %d rules in a block", RULES_MAX);
	rc = parse_rule(&w, &r, err);
	if (rc)
		return rc;
	at = realloc(l->at, (index + 1) * sizeof(*at));
	if (!at)
		return err_set(err, ENOMEM, "out of memory");
	l->at = at;
	at[index] = r;
	l->n = index + 1;
	return 0;
}

static const char *peer_text(const struct config_rule *r, char *buf, size_t size)
{
	char prefix[IP4_PREFIX_TEXT_SIZE];

	switch (r->peer) {
	case CONFIG_PEER_NETWORK:
		snprintf(buf, size, "network %s", r->name);
		return buf;
	case CONFIG_PEER_GROUP:
		snprintf(buf, size, "group %s", r->name);
		return buf;
	case CONFIG_PEER_PREFIX:
		break;
	}
	if (r->nft.peer == NFT_PEER_ANY)
		return NULL;
	if (r->nft.prefix.len == 32)
		ip4_text(r->nft.prefix.addr, prefix);
	else
		ip4_prefix_text(r->nft.prefix, prefix);
	snprintf(buf, size, "%s", prefix);
	return buf;
}

const char *config_rule_text(const struct config_rule *r, char buf[CONFIG_RULE_SIZE])
{
	char service[CONFIG_SERVICE_SIZE], peer[NAME_SIZE + 16];
	const char *with = peer_text(r, peer, sizeof(peer));

	snprintf(buf, CONFIG_RULE_SIZE, "%s %s %s%s%s", r->nft.allow ? "allow" : "deny",
		 r->nft.out ? "out" : "in", config_service_text(&r->nft.service, service),
		 !with	    ? "" :
		 r->nft.out ? " to " :
			      " from ",
		 with ? with : "");
	return buf;
}

/* A block for each. */
void config_print_rule(const struct key *k, const void *section, struct printer *p)
{
	const struct config_rules *l = member_const(k, section);
	char text[CONFIG_RULE_SIZE];

	for (unsigned i = 0; i < l->n; i++)
		fprintf(p->out, "%srule { %s }\n", p->indent, config_rule_text(&l->at[i], text));
}

/* --- what is named --- */

static const struct config_group *find_group(const struct config_groups *groups, const char *name)
{
	for (unsigned i = 0; groups && i < groups->n; i++)
		if (!strcmp(groups->at[i].name, name))
			return &groups->at[i];
	return NULL;
}

/* A network's own comes before one of that name for all networks. */
static uint32_t group_number(const struct config *c, const struct config_network *n,
			     const char *name)
{
	const struct config_group *g = find_group(n ? &n->groups : NULL, name);

	if (!g)
		g = find_group(&c->groups, name);
	return g ? g->number : 0;
}

/* n: the network that they are of; NULL: of none. */
static int finish_rules(const struct config *c, const struct config_network *n,
			struct config_rules *rules, struct err *err)
{
	for (unsigned i = 0; i < rules->n; i++) {
		struct config_rule *r = &rules->at[i];

		if (r->peer == CONFIG_PEER_NETWORK && !config_network_find(c, r->name))
			return config_wrong(err, r->place, "rule: there is no network '%s'",
					    r->name);
		if (r->peer != CONFIG_PEER_GROUP)
			continue;
		r->nft.group = group_number(c, n, r->name);
		if (!r->nft.group)
			return config_wrong(err, r->place, "rule: there is no group '%s'", r->name);
	}
	return 0;
}

static int finish_groups(const struct config *c, const struct config_network *n,
			 struct config_groups *groups, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < groups->n && !rc; i++)
		rc = finish_rules(c, n, &groups->at[i].rules, err);
	return rc;
}

/* Guests that have the same groups, and nothing of their own, have one policy. */
static uint32_t policy_number(const struct config_network *n, const struct config_host *h,
			      uint32_t *policies)
{
	size_t size = h->groups.n * sizeof(*h->groups.number);

	for (const struct config_host *other = n->host; other < h && !h->rules.n; other++)
		if (other->policy && !other->rules.n && other->groups.n == h->groups.n &&
		    !memcmp(other->groups.number, h->groups.number, size))
			return other->policy;
	return ++*policies;
}

static int finish_host(const struct config *c, const struct config_network *n,
		       struct config_host *h, uint32_t *policies, struct err *err)
{
	struct config_names *groups = &h->groups;

	if (config_host_is_client(h) && (groups->n || h->rules.n))
		return config_wrong(err, groups->n ? groups->place : h->rules.place,
				    "%s: it is for guests; '%s' is a client's reservation",
				    groups->n ? "groups" : "rule", h->name);
	groups->number = groups->n ? calloc(groups->n, sizeof(*groups->number)) : NULL;
	if (groups->n && !groups->number)
		return err_set(err, ENOMEM, "out of memory");
	for (unsigned i = 0; i < groups->n; i++) {
		groups->number[i] = group_number(c, n, groups->at[i]);
		if (!groups->number[i])
			return config_wrong(err, groups->place, "groups: there is no group '%s'",
					    groups->at[i]);
	}
	if (groups->n || h->rules.n)
		h->policy = policy_number(n, h, policies);
	return finish_rules(c, n, &h->rules, err);
}

static int finish_reach(const struct config *c, const struct config_network *n, struct err *err)
{
	for (unsigned i = 0; i < n->reach.n; i++) {
		if (!config_network_find(c, n->reach.at[i]))
			return config_wrong(err, n->reach.place, "reach: there is no network '%s'",
					    n->reach.at[i]);
		if (!strcmp(n->reach.at[i], n->name))
			return config_wrong(err, n->reach.place,
					    "reach: '%s' is the network itself", n->name);
	}
	return 0;
}

static void number_groups(struct config_groups *groups, uint32_t *count)
{
	for (unsigned i = 0; i < groups->n; i++)
		groups->at[i].number = ++*count;
}

int config_rules_finish(struct config *c, struct err *err)
{
	uint32_t count = 0, policies = 0;
	int rc;

	number_groups(&c->groups, &count);
	for (unsigned i = 0; i < c->networks; i++)
		number_groups(&c->network[i].groups, &count);
	rc = finish_groups(c, NULL, &c->groups, err);
	for (unsigned i = 0; i < c->networks && !rc; i++) {
		struct config_network *n = &c->network[i];

		rc = finish_reach(c, n, err);
		if (!rc)
			rc = finish_rules(c, n, &n->rules, err);
		if (!rc)
			rc = finish_groups(c, n, &n->groups, err);
		for (unsigned h = 0; h < n->hosts && !rc; h++)
			rc = finish_host(c, n, &n->host[h], &policies, err);
	}
	return rc;
}

bool config_network_routes(const struct config *c, const struct config_network *n)
{
	bool routes = bridge_mode_routes(n->mode) || n->reach.n;

	for (unsigned i = 0; i < c->networks && !routes; i++)
		for (unsigned j = 0; j < c->network[i].reach.n; j++)
			routes = routes || !strcmp(c->network[i].reach.at[j], n->name);
	return routes;
}

/* --- ends --- */

void config_names_done(struct config_names *names)
{
	free(names->at);
	free(names->number);
}

void config_rules_done(struct config_rules *rules)
{
	free(rules->at);
}

void config_groups_done(struct config_groups *groups)
{
	for (unsigned i = 0; i < groups->n; i++)
		config_rules_done(&groups->at[i].rules);
	free(groups->at);
}

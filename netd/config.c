/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the configuration: libconfuse finds keys, blocks and values; the key tables turn texts into
 * members; what concerns more than one key is checked at the end. Nothing is applied here.
 *
 * libconfuse does not keep where a value stood, and lets a later key silently replace an earlier
 * one. So every value is a string to it, and when it has read one, note_value() writes the line in
 * front of the text; and a key that is assigned a second time is an error.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "config_read.h"
#include "log.h"

enum { KEYS_MAX = 64, FILE_MAX = 1 << 20 };

static struct reading *current;

static int no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "out of memory");
}

ERR_PRINTF(2, 0) static void confuse_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct err inner;

	if (current->failed) /* the first error is the cause */
		return;
	current->failed = true;
	err_vset(&inner, fmt, ap);
	err_set(current->err, EINVAL, "%s:%d: %s", current->file, cfg->line,
		strstr(inner.text, CONFIG_LAST_KEY) ? "the file ends inside a block" : inner.text);
}

static bool seen_before(cfg_opt_t *opt, int line)
{
	struct seen *seen;

	for (size_t i = 0; i < current->seens; i++)
		if (current->seen[i].opt == opt)
			return true;
	seen = realloc(current->seen, (current->seens + 1) * sizeof(*seen));
	if (!seen)
		return false;
	current->seen = seen;
	current->seen[current->seens++] = (struct seen){ opt, line };
	return false;
}

static bool is_marked(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && text[digits] == CONFIG_MARK;
}

/* Called after each value, and for a list in braces once more at its end. */
static int note_value(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned n = cfg_opt_size(opt);
	char *text = n ? cfg_opt_getnstr(opt, n - 1) : NULL;
	char *marked;
	int rc;

	if (!text || is_marked(text))
		return 0;
	if (n == 1 && seen_before(opt, cfg->line)) {
		cfg_error(cfg, "'%s' is set twice", opt->name);
		return -1;
	}
	if (asprintf(&marked, "%d%c%s", cfg->line, CONFIG_MARK, text) < 0)
		return -1;
	rc = cfg_opt_setnstr(opt, marked, n - 1);
	free(marked);
	return rc;
}

/* Called at the end of each block. */
static int note_section(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	if (current->block < current->blocks.n)
		section->line = current->blocks.line[current->block++];
	if (!(opt->flags & CFGF_MULTI) && seen_before(opt, section->line)) {
		cfg->line = section->line;
		cfg_error(cfg, "there are two blocks '%s'", opt->name);
		return -1;
	}
	return 0;
}

/* An empty list in braces, for which libconfuse calls nobody, has replaced an earlier one. */
static int check_emptied(const struct reading *r)
{
	for (size_t i = 0; i < r->seens; i++)
		if (!cfg_opt_size(r->seen[i].opt))
			return err_set(r->err, EINVAL, "%s:%d: '%s' is set twice", r->file,
				       r->seen[i].line, r->seen[i].opt->name);
	return 0;
}

/* libconfuse's description of a section: the keys of a table, then `n` sections. */
static void describe(cfg_opt_t opts[KEYS_MAX], const struct key *table, const cfg_opt_t *sections,
		     unsigned n)
{
	unsigned i = 0;

	for (; table[i].name; i++) {
		cfg_opt_t scalar = CFG_STR(table[i].name, NULL, CFGF_NODEFAULT);
		cfg_opt_t list = CFG_STR_LIST(table[i].name, NULL, CFGF_NODEFAULT);

		opts[i] = table[i].list ? list : scalar;
		opts[i].validcb = note_value;
	}
	for (unsigned s = 0; s < n; s++)
		opts[i++] = sections[s];
	opts[i] = (cfg_opt_t)CFG_END();
}

/* --- files --- */

static int read_stream(struct reading *r, FILE *in)
{
	cfg_opt_t option[] = { { .name = "value",
				 .type = CFGT_STR,
				 .flags = CFGF_LIST | CFGF_NODEFAULT,
				 .validcb = note_value },
			       CFG_END() };
	cfg_opt_t options =
		CFG_SEC("option", option, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	cfg_opt_t host[KEYS_MAX], network[KEYS_MAX], sock[KEYS_MAX], mac[KEYS_MAX], top[KEYS_MAX],
		class[KEYS_MAX], port[KEYS_MAX], relay[KEYS_MAX], group[KEYS_MAX],
		publish[KEYS_MAX], allow[KEYS_MAX], rate[KEYS_MAX];
	cfg_opt_t classes = CFG_SEC("class", class, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	cfg_opt_t groups = CFG_SEC("group", group, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	cfg_opt_t in_host[] = { options, CFG_SEC("rate", rate, CFGF_NODEFAULT) };
	cfg_opt_t in_network[] = {
		options,
		classes,
		groups,
		CFG_SEC("host", host, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("port", port, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("relay", relay, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("publish", publish, CFGF_MULTI),
		CFG_SEC("allow", allow, CFGF_MULTI),
		CFG_SEC("rate", rate, CFGF_NODEFAULT)
	};
	cfg_opt_t in_top[] = { CFG_STR(CONFIG_LAST_KEY, NULL, CFGF_NODEFAULT),
			       options,
			       classes,
			       groups,
			       CFG_SEC("socket", sock, CFGF_NODEFAULT),
			       CFG_SEC("mac", mac, CFGF_NODEFAULT),
			       CFG_SEC("allow", allow, CFGF_MULTI),
			       CFG_SEC("network", network,
				       CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES) };
	cfg_t *cfg;
	int rc = 0;

	options.validcb = note_section;
	for (unsigned i = 0; i < ARRAY_SIZE(in_host); i++)
		in_host[i].validcb = note_section;
	for (unsigned i = 0; i < ARRAY_SIZE(in_network); i++)
		in_network[i].validcb = note_section;
	in_top[0].validcb = note_value;
	for (unsigned i = 1; i < ARRAY_SIZE(in_top); i++)
		in_top[i].validcb = note_section;
	describe(rate, config_keys_rate, NULL, 0);
	describe(host, config_keys_host, in_host, ARRAY_SIZE(in_host));
	describe(class, config_keys_class, &options, 1);
	describe(group, config_keys_group, NULL, 0);
	describe(port, config_keys_port, NULL, 0);
	describe(relay, config_keys_relay, &options, 1);
	describe(publish, config_keys_publish, NULL, 0);
	describe(allow, config_keys_allow, NULL, 0);
	describe(network, config_keys_network, in_network, ARRAY_SIZE(in_network));
	describe(sock, config_keys_socket, NULL, 0);
	describe(mac, config_keys_mac, NULL, 0);
	describe(top, config_keys_top, in_top, ARRAY_SIZE(in_top));
	cfg = cfg_init(top, CFGF_NONE);
	if (!cfg)
		return no_memory(r->err);
	cfg_set_error_function(cfg, confuse_error);
	current = r;
	if (cfg_parse_fp(cfg, in) != CFG_SUCCESS || r->failed)
		rc = r->failed ?
			     -EINVAL :
			     err_set(r->err, EINVAL, "%s:%d: cannot be parsed", r->file, cfg->line);
	else if (!cfg_size(cfg, CONFIG_LAST_KEY))
		rc = err_set(r->err, EINVAL, "%s:%d: the file ends inside a comment", r->file,
			     cfg->line);
	if (!rc)
		rc = check_emptied(r);
	if (!rc)
		rc = config_take_tree(r, cfg);
	current = NULL;
	cfg_free(cfg);
	free(r->seen);
	return rc;
}

/* All of a file, as text; `text` has room for FILE_MAX octets. */
static int read_text(FILE *in, const char *path, char *text, struct err *err)
{
	size_t n = fread(text, 1, FILE_MAX, in);

	if (ferror(in))
		return err_sys(err, errno, "%s", path);
	if (n == FILE_MAX || memchr(text, 0, n))
		return err_set(err, EINVAL, "%s: %s", path,
			       n == FILE_MAX ? "larger than 1 MiB" : "not a text file");
	if (n && text[n - 1] == '\n')
		n--; /* the last key shall stand in the last line */
	text[n] = 0;
	return 0;
}

/* Keeps the name for as long as the configuration lives. */
static const char *add_file(struct config *c, const char *path)
{
	char **file = realloc(c->file, (c->files + 1) * sizeof(*file));

	if (!file)
		return NULL;
	c->file = file;
	file[c->files] = strdup(path);
	return file[c->files] ? file[c->files++] : NULL;
}

static int read_prepared(struct reading *r, char *text)
{
	CLEAN_FILE FILE *in = NULL;

	memcpy(text + strlen(text), " " CONFIG_LAST_KEY " = 1", sizeof(" " CONFIG_LAST_KEY " = 1"));
	in = fmemopen(text, strlen(text), "r");
	return in ? read_stream(r, in) : no_memory(r->err);
}

/* Reads `text`, which is changed. */
static int read_into(struct config *c, const char *file, char *text,
		     const struct config_block *made, struct err *err)
{
	struct reading r = { .config = c, .file = file, .err = err, .made = made };
	char *quoted;
	int rc;

	if (config_text_prepare(text, &r.blocks))
		return no_memory(err);
	quoted = config_text_quote(text, &r.blocks, sizeof(CONFIG_LAST_KEY) + 8);
	if (r.blocks.open_rule)
		rc = err_set(err, EINVAL, "%s:%d: the file ends inside a rule", r.file,
			     r.blocks.open_rule);
	else
		rc = quoted ? read_prepared(&r, quoted) : no_memory(err);
	free(quoted);
	config_blocks_done(&r.blocks);
	return rc;
}

int config_read_text(struct config *c, const char *file, const char *text,
		     const struct config_block *made, struct err *err)
{
	const char *name = add_file(c, file);
	char *copy = name ? strdup(text) : NULL;
	int rc = copy ? read_into(c, name, copy, made, err) : no_memory(err);

	free(copy);
	return rc;
}

/* Keeps the text for config_read_again. */
static int add_source(struct config *c, const char *path, const char *text, struct err *err)
{
	struct config_source *all = realloc(c->source, (c->sources + 1) * sizeof(*all));

	if (!all)
		return no_memory(err);
	c->source = all;
	all += c->sources;
	*all = (struct config_source){ .file = add_file(c, path), .text = strdup(text) };
	c->sources++;
	return all->file && all->text ? 0 : no_memory(err);
}

static int read_file(struct config *c, const char *path, struct err *err)
{
	CLEAN_FILE FILE *in = fopen(path, "re");
	CLEAN_FREE char *text = NULL;
	int rc;

	if (!in)
		return err_sys(err, errno, "%s", path);
	text = malloc(FILE_MAX + 1);
	rc = text ? read_text(in, path, text, err) : no_memory(err);
	if (!rc)
		rc = add_source(c, path, text, err);
	return rc ? rc : read_into(c, c->source[c->sources - 1].file, text, NULL, err);
}

static int is_configuration(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".conf");
}

static int read_directory(struct config *c, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX], file[PATH_MAX + NAME_MAX + 2];
	struct dirent **found;
	int n, rc = 0;

	if (snprintf(directory, sizeof(directory), "%.*snetworks.d",
		     slash ? (int)(slash - path + 1) : 0, path) >= (int)sizeof(directory))
		return err_set(err, ENAMETOOLONG, "%s", path);
	n = scandir(directory, &found, is_configuration, alphasort);
	if (n < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "%s", directory);
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", directory, found[i]->d_name);
		if (!rc)
			rc = read_file(c, file, err);
		free(found[i]);
	}
	free(found);
	return rc;
}

/* --- what concerns more than one key --- */

int config_wrong(struct err *err, struct config_place p, const char *fmt, ...)
{
	struct err inner;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&inner, fmt, ap);
	va_end(ap);
	if (!p.file)
		return err_set(err, EINVAL, "%s", inner.text);
	return err_set(err, EINVAL, "%s:%d: %s", p.file, p.line, inner.text);
}

static int check_times(struct config_network *n, struct err *err)
{
	if (!n->min_lease_time)
		n->min_lease_time = n->lease_time < 120 ? n->lease_time : 120;
	if (!n->max_lease_time)
		n->max_lease_time = n->lease_time > 86400 ? n->lease_time : 86400;
	if (n->min_lease_time > n->lease_time || n->lease_time > n->max_lease_time)
		return config_wrong(
			err, n->place,
			"network '%s': lease-time is not between min-lease-time and max-lease-time",
			n->name);
	return 0;
}

int config_finish(struct config *c, struct err *err)
{
	int rc;

	if (c->mac_policy == MAC_POLICY_HOST && c->mac_prefix_len && c->mac_prefix_len != 3)
		return config_wrong(err, c->mac_prefix_place,
				    "prefix: policy host takes three octets");
	rc = config_options_finish(c, err);
	for (unsigned i = 0; i < c->networks && !rc; i++) {
		struct config_network *n = &c->network[i];

		rc = check_times(n, err);
		if (!rc)
			rc = config_ranges_check(n, err);
		if (!rc)
			rc = config_subnet_check(c, i, err);
		for (unsigned h = 0; h < n->hosts && !rc; h++)
			rc = config_host_check(n, h, err);
		if (!rc)
			rc = config_links_check(c, n, err);
		if (!rc)
			rc = config_publish_check(c, n, err);
		if (!rc)
			rc = config_lan_check(c, i, err);
	}
	if (!rc)
		rc = config_allow_finish(c, err);
	return rc ? rc : config_rules_finish(c, err);
}

struct config *config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->socket_mode = 0660;
	c->max_clients_per_user = 64;
	c->max_waiting_per_user = 32;
	c->supernet.at[c->supernet.n++] = (struct ip4_prefix){ .addr = 0x0a400000, .len = 10 };
	c->trap_group = 28260; /* "nd" */
	c->max_ports = 4096;
	c->max_leases = 4096;
	c->max_clients = 512;
	c->tap_grace = 60;
	return c;
}

int config_add_builtin(struct config *c, struct err *err)
{
	struct config_network *n = config_add_network(c);

	if (!n)
		return no_memory(err);
	snprintf(n->name, sizeof(n->name), "default");
	return 0;
}

static int read_all(struct config *c, const char *path, bool optional, struct err *err)
{
	int rc = 0;

	if (!optional || access(path, F_OK) == 0)
		rc = read_file(c, path, err);
	if (!rc)
		rc = read_directory(c, path, err);
	if (!rc && !c->files)
		rc = config_add_builtin(c, err);
	return rc ? rc : config_finish(c, err);
}

void config_one_line(struct err *err)
{
	char safe[sizeof(err->text)];

	if (!err)
		return;
	log_escape(err->text, safe, sizeof(safe));
	memcpy(err->text, safe, sizeof(safe));
}

int config_read(const char *path, bool optional, struct config **ret, struct err *err)
{
	struct config *c = config_new();
	int rc;

	if (!c)
		return no_memory(err);
	rc = read_all(c, path, optional, err);
	if (rc) {
		config_free(c);
		config_one_line(err);
		return rc;
	}
	*ret = c;
	return 0;
}

static void host_done(struct config_host *h)
{
	config_options_done(&h->options);
	config_names_done(&h->groups);
	config_rules_done(&h->rules);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->networks; i++) {
		for (unsigned h = 0; h < c->network[i].hosts; h++)
			host_done(&c->network[i].host[h]);
		free(c->network[i].host);
		free(c->network[i].port);
		free(c->network[i].publish);
		for (unsigned j = 0; j < c->network[i].relays; j++)
			config_options_done(&c->network[i].relay[j].options);
		free(c->network[i].relay);
		config_options_done(&c->network[i].options);
		config_classes_done(&c->network[i].classes);
		config_names_done(&c->network[i].reach);
		config_rules_done(&c->network[i].rules);
		config_groups_done(&c->network[i].groups);
		free(c->network[i].allows.at);
		free(c->network[i].mistake);
	}
	free(c->network);
	config_options_done(&c->options);
	config_classes_done(&c->classes);
	config_groups_done(&c->groups);
	free(c->allows.at);
	free(c->owner);
	for (unsigned i = 0; i < c->files; i++)
		free(c->file[i]);
	free(c->file);
	for (unsigned i = 0; i < c->sources; i++)
		free(c->source[i].text);
	free(c->source);
	free(c);
}

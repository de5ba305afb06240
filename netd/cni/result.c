/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is answered, and what of an earlier answer is to be so still (SPEC.md, section 5). Pure. */
#include <string.h>

#include "base/cleanup.h"
#include "cni.h"

/* --- ADD --- */

/* A list of prevResult that is gone on with, or a new one. */
static json_t *list_of(json_t *result, const char *key)
{
	json_t *list = json_object_get(result, key);

	if (!json_is_array(list)) {
		json_object_set_new(result, key, json_array());
		list = json_object_get(result, key);
	}
	return list;
}

static json_t *interface(const struct cni_request *q, const char *name, const char *mac,
			 uint32_t mtu)
{
	json_t *o = json_pack("{s:s}", "name", name);

	if (mac[0])
		json_object_set_new(o, "mac", json_string(mac));
	if (mtu && q->version >= CNI_1_1_0)
		json_object_set_new(o, "mtu", json_integer(mtu));
	return o;
}

static void add_address(const struct cni_request *q, const struct cni_attached *a, json_t *ips,
			size_t index)
{
	json_t *o;

	if (!a->address[0])
		return;
	o = json_pack("{s:s, s:i}", "address", a->address, "interface", (int)index);
	if (q->version < CNI_1_0_0)
		json_object_set_new(o, "version", json_string("4"));
	if (a->gateway[0])
		json_object_set_new(o, "gateway", json_string(a->gateway));
	json_array_append_new(ips, o);
}

json_t *cni_result(const struct cni_request *q, const struct cni_attached *a)
{
	json_t *result = q->prev ? json_deep_copy(q->prev) : json_object();
	json_t *interfaces = list_of(result, "interfaces"), *inside;

	json_object_set_new(result, "cniVersion", json_string(cni_version_text(q->version)));
	json_array_append_new(interfaces, interface(q, a->interface, a->interface_mac, a->mtu));
	inside = interface(q, a->ifname, a->mac, a->mtu);
	json_object_set_new(inside, "sandbox", json_string(a->netns));
	json_array_append_new(interfaces, inside);
	add_address(q, a, list_of(result, "ips"), json_array_size(interfaces) - 1);
	if (a->routed)
		json_array_append_new(
			list_of(result, "routes"),
			json_pack("{s:s, s:s}", "dst", "0.0.0.0/0", "gw", a->gateway));
	if (a->dns && !json_object_get(result, "dns"))
		json_object_set(result, "dns", a->dns);
	return result;
}

static void move(json_t *to, const char *to_key, const json_t *from, const char *from_key)
{
	json_t *v = json_object_get(from, from_key);

	if (json_is_array(v) ? json_array_size(v) != 0 : json_is_string(v))
		json_object_set(to, to_key, v);
}

json_t *cni_dns(const struct cni_request *q, const json_t *network)
{
	const json_t *runtime = json_object_get(json_object_get(q->config, "runtimeConfig"), "dns"),
		     *config = json_object_get(q->config, "dns");
	json_t *dns = json_object();

	move(dns, "nameservers", network, "nameServers");
	move(dns, "domain", network, "domain");
	if (json_object_size(config)) {
		json_object_clear(dns);
		json_object_update(dns, (json_t *)config);
	}
	move(dns, "nameservers", runtime, "servers");
	move(dns, "search", runtime, "searches");
	move(dns, "options", runtime, "options");
	if (json_object_size(dns))
		return dns;
	json_decref(dns);
	return NULL;
}

/* --- the others --- */

static const char *message_of(enum cni_code code)
{
	switch (code) {
	case CNI_BAD_VERSION:
		return "incompatible CNI version";
	case CNI_UNSUPPORTED:
		return "unsupported field in network configuration";
	case CNI_BAD_ENVIRONMENT:
		return "invalid environment variables";
	case CNI_IO:
		return "input or output failed";
	case CNI_UNREADABLE:
		return "network configuration cannot be decoded";
	case CNI_BAD_CONFIG:
		return "invalid network configuration";
	case CNI_BAD_NAMESPACE:
		return "invalid network namespace";
	case CNI_TRY_AGAIN:
		return "try again later";
	case CNI_UNAVAILABLE:
		return "no containers can be added";
	case CNI_LIMITED:
		return "no containers can be added, and those that there are may be cut off";
	case CNI_REFUSED:
		return "netd refuses";
	case CNI_NOT_PERMITTED:
		return "not permitted";
	case CNI_IN_USE:
		return "in use";
	case CNI_CHANGED:
		return "the attachment is not as it was made";
	}
	return "failed";
}

json_t *cni_error_result(const struct cni_error *e, enum cni_version version)
{
	return json_pack("{s:s, s:i, s:s, s:s}", "cniVersion", cni_version_text(version), "code",
			 (int)e->code, "msg", message_of(e->code), "details", e->details);
}

json_t *cni_versions(enum cni_version version)
{
	json_t *list = json_array();

	for (int i = 0; i < CNI_VERSIONS; i++)
		json_array_append_new(list, json_string(cni_version_text((enum cni_version)i)));
	return json_pack("{s:s, s:o}", "cniVersion", cni_version_text(version), "supportedVersions",
			 list);
}

/* --- what CHECK expects --- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* Its place in prevResult's list, -1: it is not there. */
static int find_interface(const struct cni_request *q, struct cni_expected *x)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(q->prev, "interfaces"), i, item) {
		if (!*text_of(item, "sandbox") || strcmp(text_of(item, "name"), q->ifname))
			continue;
		x->mac = json_string_value(json_object_get(item, "mac"));
		return (int)i;
	}
	return -1;
}

static const char *default_gateway(const json_t *routes, const char *other)
{
	const json_t *item;
	size_t i;

	json_array_foreach (routes, i, item)
		if (!strcmp(text_of(item, "dst"), "0.0.0.0/0"))
			return *text_of(item, "gw") ? text_of(item, "gw") : other;
	return NULL;
}

int cni_expect(const struct cni_request *q, struct cni_expected *ret, struct cni_error *e)
{
	const char *gateway = NULL;
	const json_t *item;
	int index;
	size_t i;

	*ret = (struct cni_expected){ 0 };
	index = find_interface(q, ret);
	if (index < 0)
		return cni_fail(e, CNI_BAD_CONFIG, "prevResult has no interface %s in a sandbox",
				q->ifname);
	json_array_foreach (json_object_get(q->prev, "ips"), i, item) {
		const json_t *of = json_object_get(item, "interface");

		if ((json_is_integer(of) && json_integer_value(of) != index) ||
		    strchr(text_of(item, "address"), ':'))
			continue;
		if (ret->addresses < ARRAY_SIZE(ret->address))
			ret->address[ret->addresses++] = text_of(item, "address");
		gateway = *text_of(item, "gateway") ? text_of(item, "gateway") : gateway;
	}
	ret->gateway = default_gateway(json_object_get(q->prev, "routes"), gateway);
	return 0;
}

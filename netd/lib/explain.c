/* SPDX-License-Identifier: MIT */
/* Named errors as sentences and errnos. The patterns name the error's parameters in braces. */
#include "base/cleanup.h"
#include "client.h"

static const struct {
	const char *name;
	int code;
	const char *sentence;
} errors[] = {
	{ "io.netd.NoSuchNetwork", ENOENT, "there is no network '{network}'" },
	{ "io.netd.NetworkDown", ENETDOWN, "network '{network}' is not up: {reason}" },
	{ "io.netd.NoSuchGuest", ENOENT, "there is no guest '{guest}'" },
	{ "io.netd.AlreadyAttached", EBUSY, "port {port} is attached already: {holder}" },
	{ "io.netd.MacInUse", EADDRINUSE, "MAC address {mac} is in use by {holder}" },
	{ "io.netd.AddressInUse", EADDRINUSE, "address {address} is in use by {holder}" },
	{ "io.netd.AddressOutside", EADDRNOTAVAIL,
	  "address {address} is not a host of subnet {subnet}" },
	{ "io.netd.PoolExhausted", ENOSPC, "network '{network}' has no free address" },
	{ "io.netd.TooManyPorts", ENOSPC,
	  "netd has as many ports as its configuration allows (max-ports)" },
	{ "io.netd.TooManyClients", EAGAIN,
	  "netd serves {limit} clients already, which is all it may (max-clients)" },
	{ "io.netd.TooManyClientsOfUser", EAGAIN,
	  "netd serves {limit} clients of this user already, which is all it may "
	  "(max-clients-per-user)" },
	{ "io.netd.TooManyWaiting", EAGAIN,
	  "{limit} requests of this user wait already, which is all that may "
	  "(max-waiting-per-user)" },
	{ "io.netd.NoVhost", EOPNOTSUPP, "there is no vhost-net: {reason}" },
	{ "io.netd.StorageFailed", EIO,
	  "it could not be made durable, so it was not done: {reason}" },
	{ "io.netd.SystemFailed", EIO, "{reason}" },
	{ "io.netd.BadConfiguration", EINVAL, "{reason}" },
	{ "io.netd.NetworkInUse", EBUSY,
	  "network '{network}' cannot change under its guests: {holder} is attached" },
	{ "io.netd.NetworkExists", EEXIST, "there is a network '{network}' already: {place}" },
	{ "io.netd.PortInUse", EADDRINUSE, "port {port} is in use by {holder}" },
	{ "io.netd.InterfaceInUse", EBUSY, "interface {interface} is in use by {holder}" },
	{ "io.netd.BadValue", EINVAL, "{parameter} is not acceptable: {reason}" },
	{ "io.netd.BadMessage", EBADMSG, "netd does not understand the request: {reason}" },
	{ "io.netd.TimedOut", ETIMEDOUT, "it did not happen in time" },
	{ "io.netd.NotPermitted", EPERM, "not permitted: {reason}" },
	{ "io.netd.NotAttached", ENODEV, "port {port} has no device: its guest is not running" },
	{ "io.netd.BadFilter", EINVAL, "filter '{filter}' is not acceptable: {reason}" },
	{ "io.netd.CaptureFailed", EIO, "cannot capture on {interface}: {reason}" },
	{ "io.netd.TooManyCaptures", EAGAIN,
	  "there are as many captures as netd allows: 16, and 4 of one user" },
	{ "org.varlink.service.InvalidParameter", EINVAL,
	  "parameter '{parameter}' is missing, unknown or of a wrong type" },
	{ "org.varlink.service.MethodNotFound", ENOSYS, "netd has no method {method}" },
	{ "org.varlink.service.InterfaceNotFound", ENOSYS, "netd has no interface {interface}" },
	{ "org.varlink.service.ExpectedMore", EINVAL, "the method replies more than once" },
};

static void append_value(char *to, size_t size, const json_t *v)
{
	size_t len = strlen(to);

	if (json_is_string(v))
		snprintf(to + len, size - len, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(to + len, size - len, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		snprintf(to + len, size - len, "?");
}

static void fill_in(const char *sentence, const json_t *parameters, char *to, size_t size)
{
	to[0] = 0;
	while (*sentence) {
		size_t plain = strcspn(sentence, "{"), len = strlen(to), name;
		char key[32];

		snprintf(to + len, size - len, "%.*s", (int)plain, sentence);
		sentence += plain;
		if (!*sentence)
			return;
		name = strcspn(sentence, "}") - 1;
		snprintf(key, sizeof(key), "%.*s", (int)name, sentence + 1);
		append_value(to, size, json_object_get(parameters, key));
		sentence += name + 2;
	}
}

void client_explain(const char *name, const json_t *parameters, struct err *err)
{
	CLEAN_FREE char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (!strcmp(errors[i].name, name)) {
			fill_in(errors[i].sentence, parameters, err->text, sizeof(err->text));
			return;
		}
	}
	text = parameters ? json_dumps(parameters, JSON_COMPACT) : NULL;
	snprintf(err->text, sizeof(err->text), "%s %s", name, text ? text : "");
}

int client_errno(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].code;
	return EPROTO;
}

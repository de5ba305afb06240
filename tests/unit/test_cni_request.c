/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container runtime asks for. */
#include "cni.h"
#include "unit.h"

#define HEAD "{\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"type\":\"netd-cni\""
#define PREV ",\"prevResult\":{}"

static const struct cni_environment good = { .id = "box",
					     .netns = "/run/netns/box",
					     .ifname = "eth0" };

/* 0, or the code of the error. The caller ends *ret. */
static int read_as(const char *command, const char *args, const char *text, struct cni_request *ret,
		   struct cni_error *e)
{
	struct cni_environment env = good;

	env.command = command;
	env.args = args;
	e->details[0] = 0;
	return cni_request_read(&env, text, ret, e) ? (int)e->code : 0;
}

static const struct {
	const char *command, *text;
	int code;
	const char *details; /* part of them */
} texts[] = {
	{ "ADD", HEAD "}", 0, "" },
	{ "DEL", HEAD "}", 0, "" },
	{ "CHECK", HEAD PREV "}", 0, "" },
	{ "STATUS", HEAD "}", 0, "" },
	{ "GC", HEAD ",\"cni.dev/valid-attachments\":[]}", 0, "" },
	{ "GC", HEAD ",\"cni.dev/valid-attachments\":null}", 0, "" },
	{ "GC", HEAD ",\"cni.dev/attachments\":[]}", 0, "" },
	{ "VERSION", "", 0, "" },
	{ "VERSION", "[]", 0, "" },
	{ "VERSION", "{\"cniVersion\":7}", 0, "" },
	{ "ADD", "", 6, "line 1: " },
	{ "ADD", "[]", 6, "it is not an object" },
	{ "ADD", HEAD, 6, "line 1: " },
	{ "ADD", HEAD ",\"name\":\"x\"}", 6, "duplicate" },
	{ "ADD", "{\"cniVersion\":1,\"name\":\"net\"}", 6, "cniVersion is not a string" },
	{ "ADD", "{\"name\":\"net\"}", 1, "cniVersion is missing" },
	{ "ADD", "{\"cniVersion\":\"0.3.0\",\"name\":\"net\"}", 1, "cniVersion is 0.3.0; 0.3.1" },
	{ "ADD", "{\"cniVersion\":\"1.1.0\"}", 7, "name is missing" },
	{ "ADD", "{\"cniVersion\":\"1.1.0\",\"name\":\"a/b\"}", 7, "name is not one: a/b" },
	{ "ADD", "{\"cniVersion\":\"1.1.0\",\"name\":[]}", 7, "name is not a string" },
	{ "CHECK", "{\"cniVersion\":\"0.3.1\",\"name\":\"net\"}", 1, "CHECK needs 0.4.0" },
	{ "CHECK", HEAD "}", 7, "prevResult is missing" },
	{ "CHECK", HEAD ",\"prevResult\":[]}", 7, "prevResult is not an object" },
	{ "GC", "{\"cniVersion\":\"1.0.0\",\"name\":\"net\"}", 1, "GC needs 1.1.0" },
	{ "GC", HEAD "}", 7, "cni.dev/valid-attachments is not a list" },
	{ "GC", HEAD ",\"cni.dev/valid-attachments\":{}}", 7, "is not a list" },
	{ "STATUS", "{\"cniVersion\":\"1.0.0\",\"name\":\"net\"}", 1, "STATUS needs 1.1.0" },
	{ "add", HEAD "}", 4, "CNI_COMMAND is add" },
	{ "", HEAD "}", 4, "CNI_COMMAND is missing" },
	{ NULL, HEAD "}", 4, "CNI_COMMAND is missing" },
	{ "ADD", HEAD ",\"ipam\":{\"type\":\"dhcp\"}}", 2, "ipam: {\"type\": \"dhcp\"}" },
	{ "ADD", HEAD ",\"ipam\":{}}", 0, "" },
	{ "DEL", HEAD ",\"ipam\":{\"type\":\"dhcp\"}}", 0, "" },
	{ "ADD", HEAD ",\"socket\":1}", 7, "socket is not a string" },
	{ "ADD", HEAD ",\"network\":{}}", 7, "network is not a string" },
	{ "ADD", HEAD ",\"network\":null}", 0, "" },
	{ "ADD", HEAD ",\"address\":\"10.0.0.256\"}", 7, "'10.0.0.256' is not an IPv4 address" },
	{ "ADD", HEAD ",\"address\":\"\"}", 7, "'' is not an IPv4 address" },
	{ "ADD", HEAD ",\"runtimeConfig\":{\"ips\":{}}}", 7, "ips is not a list" },
	{ "ADD", HEAD ",\"runtimeConfig\":{\"ips\":[7]}}", 7, "ips has what is not a string" },
	{ "ADD", HEAD ",\"runtimeConfig\":{\"ips\":[\"1.2.3.4\",\"1.2.3.5\"]}}", 7,
	  "1.2.3.4 and 1.2.3.5: netd gives one address a card" },
	{ "ADD", HEAD ",\"mac\":\"0123456789012345678901234567890123456789\"}", 7, "is too long" },
	{ "ADD", HEAD ",\"runtimeConfig\":{\"portMappings\":[{}]}}", 7, "number 0 is not of a" },
	{ "ADD",
	  HEAD ",\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":1,\"containerPort\":2,"
	       "\"protocol\":\"sctp\"}]}}",
	  7, "number 0 is not of a" },
};

START_TEST(text)
{
	struct cni_request q;
	struct cni_error e;
	int code = read_as(texts[_i].command, NULL, texts[_i].text, &q, &e);

	ck_assert_msg(code == texts[_i].code && strstr(e.details, texts[_i].details),
		      "%s %s: %d %s", texts[_i].command, texts[_i].text, code, e.details);
	cni_request_done(&q);
}
END_TEST

static const struct {
	struct cni_environment env;
	const char *details; /* NULL: it is good */
} environments[] = {
	{ { "ADD", "a", "/n", "eth0", NULL, NULL }, NULL },
	{ { "ADD", "A0_.-", "/n", "a234567890-_.@b", NULL, NULL }, NULL },
	{ { "DEL", "a", NULL, "eth0", NULL, NULL }, NULL },
	{ { "STATUS", NULL, NULL, NULL, NULL, NULL }, NULL },
	{ { "ADD", NULL, NULL, NULL, NULL, NULL },
	  "ADD needs CNI_CONTAINERID CNI_NETNS CNI_IFNAME" },
	{ { "ADD", "", "", "", NULL, NULL }, "ADD needs CNI_CONTAINERID CNI_NETNS CNI_IFNAME" },
	{ { "DEL", "a", NULL, NULL, NULL, NULL }, "DEL needs CNI_IFNAME" },
	{ { "DEL", NULL, NULL, "eth0", NULL, NULL }, "DEL needs CNI_CONTAINERID" },
	{ { "ADD", "_a", "/n", "eth0", NULL, NULL }, "CNI_CONTAINERID '_a' is not a name" },
	{ { "ADD", "a b", "/n", "eth0", NULL, NULL }, "CNI_CONTAINERID 'a b' is not a name" },
	{ { "ADD", "a", "/n", "a234567890123456", NULL, NULL }, "CNI_IFNAME 'a234567890123456'" },
	{ { "ADD", "a", "/n", ".", NULL, NULL }, "CNI_IFNAME '.'" },
	{ { "ADD", "a", "/n", "a:1", NULL, NULL }, "CNI_IFNAME 'a:1'" },
	{ { "ADD", "a", "/n", "a\t", NULL, NULL }, "CNI_IFNAME 'a\t'" },
	{ { "ADD", "a", "/n", "eth0", "A=1;B", NULL }, "CNI_ARGS: 'B' is not KEY=VALUE" },
	{ { "ADD", "a", "/n", "eth0", ";A=1;;B=", NULL }, NULL },
};

START_TEST(environment)
{
	struct cni_error e = { 0 };
	struct cni_request q;
	int rc = cni_request_read(&environments[_i].env, HEAD "}", &q, &e);

	if (environments[_i].details) {
		ck_assert_int_eq(rc, -1);
		ck_assert_int_eq(e.code, CNI_BAD_ENVIRONMENT);
		ck_assert_msg(strstr(e.details, environments[_i].details) != NULL, "%s", e.details);
	} else {
		ck_assert_msg(!rc, "%s", e.details);
	}
	cni_request_done(&q);
}
END_TEST

/* In the order of precedence, each without those before. */
#define RUNTIME ",\"runtimeConfig\":{\"mac\":\"m1\",\"ips\":[\"1.0.0.1/24\"]}"
#define ARGS ",\"args\":{\"cni\":{\"mac\":\"m2\",\"ips\":[\"1.0.0.2\"]}}"
#define CONFIG ",\"mac\":\"m4\",\"address\":\"1.0.0.4/8\""

static const struct {
	const char *args, *text, *mac, *address;
} wishes[] = {
	{ "MAC=m3;IP=1.0.0.3", HEAD RUNTIME ARGS CONFIG "}", "m1", "1.0.0.1" },
	{ "MAC=m3;IP=1.0.0.3", HEAD ARGS CONFIG "}", "m2", "1.0.0.2" },
	{ "MAC=m3;IP=1.0.0.3/9", HEAD CONFIG "}", "m3", "1.0.0.3" },
	{ "XMAC=x;MACX=y;IP=", HEAD CONFIG "}", "m4", "1.0.0.4" },
	{ NULL, HEAD "}", "", "" },
};

START_TEST(wish)
{
	struct cni_request q;
	struct cni_error e;

	ck_assert_int_eq(read_as("ADD", wishes[_i].args, wishes[_i].text, &q, &e), 0);
	ck_assert_str_eq(q.mac, wishes[_i].mac);
	ck_assert_str_eq(q.address, wishes[_i].address);
	cni_request_done(&q);
}
END_TEST

START_TEST(published)
{
	struct cni_request q;
	struct cni_error e;

	ck_assert_int_eq(
		read_as("ADD", NULL,
			HEAD
			",\"runtimeConfig\":{\"portMappings\":["
			"{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"TCP\",\"hostIP\":\"\"},"
			"{\"hostPort\":0,\"containerPort\":81},"
			"{\"hostPort\":53,\"containerPort\":5353,\"protocol\":\"udp\","
			"\"hostIP\":\"10.0.0.1\"},"
			"{\"hostPort\":1,\"containerPort\":65535,\"hostIP\":\"0.0.0.0\"}]}}",
			&q, &e),
		0);
	ck_assert_uint_eq(q.publishes, 3);
	ck_assert_str_eq(q.published[0].text, "tcp:8080:80");
	ck_assert_ptr_null(q.published[0].address);
	ck_assert_str_eq(q.published[1].text, "udp:53:5353");
	ck_assert_str_eq(q.published[1].address, "10.0.0.1");
	ck_assert_str_eq(q.published[2].text, "tcp:1:65535");
	ck_assert_ptr_null(q.published[2].address);
	cni_request_done(&q);
}
END_TEST

START_TEST(unknown_keys)
{
	struct cni_request q;
	struct cni_error e;

	ck_assert_int_eq(
		read_as("ADD", NULL,
			HEAD
			",\"adress\":1,\"cni.dev/x\":2,\"bridge\":3,\"runtimeConfig\":{\"mac\":\"\",\"bandwidth\":4}}",
			&q, &e),
		0);
	ck_assert_str_eq(cni_request_unknown(&q, 0), "adress");
	ck_assert_str_eq(cni_request_unknown(&q, 1), "bridge");
	ck_assert_str_eq(cni_request_unknown(&q, 2), "bandwidth");
	ck_assert_ptr_null(cni_request_unknown(&q, 3));
	cni_request_done(&q);
}
END_TEST

UNIT_SUITE(cni_request)
{
	tcase_add_loop_test(tc, text, 0, ARRAY_SIZE(texts));
	tcase_add_loop_test(tc, environment, 0, ARRAY_SIZE(environments));
	tcase_add_loop_test(tc, wish, 0, ARRAY_SIZE(wishes));
	tcase_add_test(tc, published);
	tcase_add_test(tc, unknown_keys);
}

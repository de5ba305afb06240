/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netdctl run makes of a VMM's command line. */
#include "ctl.h"
#include "unit.h"

enum { WORDS = 10 };

/* netdctl's leaves with a sentence; here, that is a failure. */
void ctl_fail(const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&err, fmt, ap);
	va_end(ap);
	ck_abort_msg("ctl_fail: %s", err.text);
}

/* Descriptors 10, 11, … for the TAP and 20, 21, … for vhost. */
static struct netd_port port_of(uint32_t queues, uint32_t vhosts)
{
	struct netd_port p = { .network = "default",
			       .interface = "nt0123456789ab",
			       .interface_index = 7,
			       .mac = "52:54:00:12:34:56",
			       .address = "10.77.0.5/24",
			       .gateway = "10.77.0.1",
			       .mtu = 1400,
			       .queues = queues,
			       .vhosts = vhosts };

	for (uint32_t i = 0; i < queues; i++)
		p.tap_fd[i] = (int)(10 + i);
	for (uint32_t i = 0; i < vhosts; i++)
		p.vhost_fd[i] = (int)(20 + i);
	return p;
}

#define DEVICE "virtio-net-pci,netdev=netd0,mac=52:54:00:12:34:56,host_mtu=1400"

static const struct {
	const char *argv[WORDS];
	uint32_t queues, vhosts;
	const char *expected[WORDS];
} commands[] = {
	/* QEMU, by any of its names */
	{ { "qemu-system-x86_64" },
	  1,
	  0,
	  { "qemu-system-x86_64", "-netdev", "tap,id=netd0,fds=10", "-device", DEVICE } },
	{ { "qemu-system-x86_64", "-m", "128" },
	  1,
	  1,
	  { "qemu-system-x86_64", "-m", "128", "-netdev",
	    "tap,id=netd0,fds=10,vhost=on,vhostfds=20", "-device", DEVICE } },
	{ { "/usr/bin/qemu-system-aarch64" },
	  4,
	  0,
	  { "/usr/bin/qemu-system-aarch64", "-netdev", "tap,id=netd0,fds=10:11:12:13", "-device",
	    DEVICE ",mq=on,vectors=10" } },
	{ { "./qemu-kvm" },
	  4,
	  4,
	  { "./qemu-kvm", "-netdev", "tap,id=netd0,fds=10:11:12:13,vhost=on,vhostfds=20:21:22:23",
	    "-device", DEVICE ",mq=on,vectors=10" } },
	{ { "kvm", "-enable-kvm", "" },
	  2,
	  0,
	  { "kvm", "-enable-kvm", "", "-netdev", "tap,id=netd0,fds=10:11", "-device",
	    DEVICE ",mq=on,vectors=6" } },

	/* placeholders: then nothing is appended, whatever the program */
	{ { "qemu-system-x86_64", "-netdev", "tap,id=n,fds={fds},vhostfds={vhostfds}" },
	  2,
	  2,
	  { "qemu-system-x86_64", "-netdev", "tap,id=n,fds=10:11,vhostfds=20:21" } },
	{ { "my-vmm", "--fd={fds}", "--vhost={vhostfds}", "--mac={mac}", "--ip={address}",
	    "--gw={gateway}", "--if={interface}", "--mtu={mtu}" },
	  1,
	  0,
	  { "my-vmm", "--fd=10", "--vhost=", "--mac=52:54:00:12:34:56", "--ip=10.77.0.5",
	    "--gw=10.77.0.1", "--if=nt0123456789ab", "--mtu=1400" } },
	{ { "my-vmm", "{mac}{mac} {{mac}} {mac" },
	  1,
	  0,
	  { "my-vmm", "52:54:00:12:34:5652:54:00:12:34:56 {52:54:00:12:34:56} {mac" } },
	{ { "{interface}", "x" }, 1, 0, { "nt0123456789ab", "x" } },

	/* none of ours */
	{ { "my-vmm", "{foo}", "{}", "{", "mac}", "{MAC}", "%s" },
	  1,
	  1,
	  { "my-vmm", "{foo}", "{}", "{", "mac}", "{MAC}", "%s" } },
	{ { "/opt/qemu-system-x86_64/run" }, 1, 0, { "/opt/qemu-system-x86_64/run" } },
	{ { "qemu-img" }, 1, 0, { "qemu-img" } },
	{ { "kvm-ok" }, 1, 0, { "kvm-ok" } },
};

static bool is_known(int row)
{
	const char *const *from = commands[row].argv, *const *to = commands[row].expected;

	for (unsigned i = 0; i < WORDS; i++)
		if ((from[i] == NULL) != (to[i] == NULL) || (from[i] && strcmp(from[i], to[i])))
			return true;
	return false;
}

START_TEST(command)
{
	struct netd_port p = port_of(commands[_i].queues, commands[_i].vhosts);
	char *const *argv = (char *const *)(uintptr_t)commands[_i].argv;
	char **got = vmm_command(argv, &p);
	unsigned n = 0;

	for (; commands[_i].expected[n]; n++) {
		ck_assert_msg(got[n] != NULL, "no '%s'", commands[_i].expected[n]);
		ck_assert_str_eq(got[n], commands[_i].expected[n]);
		free(got[n]);
	}
	ck_assert_ptr_null(got[n]);
	free(got);
	/* It knows exactly those command lines that it changes. */
	ck_assert(vmm_is_known(argv) == is_known(_i));
}
END_TEST

/* As many descriptors as there may be, with numbers as long as they may be. */
START_TEST(all_queues)
{
	struct netd_port p = port_of(NETD_QUEUES_MAX, NETD_QUEUES_MAX);
	char *argv[] = { (char[]){ "kvm" }, NULL }, **got;
	char fds[512] = "", expected[1200];

	for (unsigned i = 0; i < NETD_QUEUES_MAX; i++) {
		p.tap_fd[i] = p.vhost_fd[i] = (int)(100000 + i);
		sprintf(fds + strlen(fds), i ? ":%d" : "%d", p.tap_fd[i]);
	}
	got = vmm_command(argv, &p);
	snprintf(expected, sizeof(expected), "tap,id=netd0,fds=%s,vhost=on,vhostfds=%s", fds, fds);
	ck_assert_str_eq(got[2], expected);
	ck_assert_str_eq(got[4], DEVICE ",mq=on,vectors=66");
	for (char **at = got; *at; at++)
		free(*at);
	free(got);
}
END_TEST

/* A port without a gateway or address leaves nothing where their placeholders were. */
START_TEST(empty_values)
{
	char *argv[] = { (char[]){ "my-vmm" }, (char[]){ "[{gateway}][{address}]" }, NULL };
	struct netd_port p = port_of(1, 0);
	char **got;

	p.gateway[0] = p.address[0] = 0;
	ck_assert(vmm_is_known(argv));
	got = vmm_command(argv, &p);
	ck_assert_str_eq(got[1], "[][]");
	free(got[0]);
	free(got[1]);
	free(got);
}
END_TEST

UNIT_SUITE(netd_vmm)
{
	tcase_add_loop_test(tc, command, 0, ARRAY_SIZE(commands));
	tcase_add_test(tc, all_queues);
	tcase_add_test(tc, empty_values);
}

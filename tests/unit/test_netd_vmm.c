/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netdctl run makes of a VMM's command line. */
#include "ctl.h"
#include "unit.h"
#include "vmm.h"

enum { WORDS = 12 };

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

/* The second card: descriptors 30, 31, … and 40, 41, … */
static struct netd_port second_port(uint32_t queues, uint32_t vhosts)
{
	struct netd_port p = port_of(queues, vhosts);

	snprintf(p.network, sizeof(p.network), "lab");
	snprintf(p.interface, sizeof(p.interface), "ntcdefghijklmn");
	snprintf(p.mac, sizeof(p.mac), "52:54:00:65:43:21");
	snprintf(p.address, sizeof(p.address), "10.88.0.7/24");
	snprintf(p.gateway, sizeof(p.gateway), "10.88.0.1");
	p.mtu = 1500;
	for (uint32_t i = 0; i < queues; i++)
		p.tap_fd[i] += 20;
	for (uint32_t i = 0; i < vhosts; i++)
		p.vhost_fd[i] += 20;
	return p;
}

#define DEVICE2 "virtio-net-pci,netdev=netd1,mac=52:54:00:65:43:21,host_mtu=1500"

static const struct {
	const char *argv[WORDS];
	uint32_t queues, vhosts;
	const char *expected[WORDS];
	unsigned cards;
} commands[] = {
	/* QEMU, by any of its names */
	{ { "qemu-system-x86_64" },
	  1,
	  0,
	  { "qemu-system-x86_64", "-netdev", "tap,id=netd0,fds=10", "-device", DEVICE },
	  1 },
	{ { "qemu-system-x86_64", "-m", "128" },
	  1,
	  1,
	  { "qemu-system-x86_64", "-m", "128", "-netdev",
	    "tap,id=netd0,fds=10,vhost=on,vhostfds=20", "-device", DEVICE },
	  1 },
	{ { "/usr/bin/qemu-system-aarch64" },
	  4,
	  0,
	  { "/usr/bin/qemu-system-aarch64", "-netdev", "tap,id=netd0,fds=10:11:12:13", "-device",
	    DEVICE ",mq=on,vectors=10" },
	  1 },
	{ { "./qemu-kvm" },
	  4,
	  4,
	  { "./qemu-kvm", "-netdev", "tap,id=netd0,fds=10:11:12:13,vhost=on,vhostfds=20:21:22:23",
	    "-device", DEVICE ",mq=on,vectors=10" },
	  1 },
	{ { "kvm", "-enable-kvm", "" },
	  2,
	  0,
	  { "kvm", "-enable-kvm", "", "-netdev", "tap,id=netd0,fds=10:11", "-device",
	    DEVICE ",mq=on,vectors=6" },
	  1 },

	/* two cards */
	{ { "kvm", "-m", "1G" },
	  2,
	  2,
	  { "kvm", "-m", "1G", "-netdev", "tap,id=netd0,fds=10:11,vhost=on,vhostfds=20:21",
	    "-device", DEVICE ",mq=on,vectors=6", "-netdev",
	    "tap,id=netd1,fds=30:31,vhost=on,vhostfds=40:41", "-device",
	    DEVICE2 ",mq=on,vectors=6" },
	  2 },
	{ { "kvm" },
	  1,
	  0,
	  { "kvm", "-netdev", "tap,id=netd0,fds=10", "-device", DEVICE, "-netdev",
	    "tap,id=netd1,fds=30", "-device", DEVICE2 },
	  2 },

	/* cloud-hypervisor: queues are counted singly; one --net for all cards */
	{ { "cloud-hypervisor", "--kernel", "vmlinux" },
	  1,
	  0,
	  { "cloud-hypervisor", "--kernel", "vmlinux", "--net",
	    "fd=[10],mac=52:54:00:12:34:56,num_queues=2,mtu=1400" },
	  1 },
	{ { "/opt/cloud-hypervisor-static" },
	  2,
	  0,
	  { "/opt/cloud-hypervisor-static", "--net",
	    "fd=[10,11],mac=52:54:00:12:34:56,num_queues=4,mtu=1400" },
	  1 },
	{ { "cloud-hypervisor" },
	  2,
	  0,
	  { "cloud-hypervisor", "--net", "fd=[10,11],mac=52:54:00:12:34:56,num_queues=4,mtu=1400",
	    "fd=[30,31],mac=52:54:00:65:43:21,num_queues=4,mtu=1500" },
	  2 },

	/* crosvm opens vhost-net itself */
	{ { "crosvm", "run", "vmlinux" },
	  1,
	  0,
	  { "crosvm", "run", "vmlinux", "--net", "tap-fd=10,mac=52:54:00:12:34:56" },
	  1 },
	{ { "crosvm", "run", "vmlinux" },
	  1,
	  1,
	  { "crosvm", "run", "vmlinux", "--net", "tap-fd=10,mac=52:54:00:12:34:56,vhost-net" },
	  1 },
	{ { "crosvm", "run" },
	  1,
	  0,
	  { "crosvm", "run", "--net", "tap-fd=10,mac=52:54:00:12:34:56", "--net",
	    "tap-fd=30,mac=52:54:00:65:43:21" },
	  2 },

	/* lkvm: the tapif keeps it from configuring what is configured */
	{ { "lkvm", "run", "-k", "bzImage" },
	  1,
	  0,
	  { "lkvm", "run", "-k", "bzImage", "--network",
	    "mode=tap,fd=10,guest_mac=52:54:00:12:34:56,tapif=/dev/net/tun" },
	  1 },
	{ { "lkvm", "run" },
	  1,
	  0,
	  { "lkvm", "run", "--network",
	    "mode=tap,fd=10,guest_mac=52:54:00:12:34:56,tapif=/dev/net/tun", "--network",
	    "mode=tap,fd=30,guest_mac=52:54:00:65:43:21,tapif=/dev/net/tun" },
	  2 },

	/* firecracker has it from its configuration */
	{ { "firecracker", "--config-file", "vm.json" },
	  0,
	  0,
	  { "firecracker", "--config-file", "vm.json" },
	  1 },

	/* placeholders: then nothing is appended, whatever the program */
	{ { "qemu-system-x86_64", "-netdev", "tap,id=n,fds={fds},vhostfds={vhostfds}" },
	  2,
	  2,
	  { "qemu-system-x86_64", "-netdev", "tap,id=n,fds=10:11,vhostfds=20:21" },
	  1 },
	{ { "my-vmm", "--fd={fds}", "--vhost={vhostfds}", "--mac={mac}", "--ip={address}",
	    "--gw={gateway}", "--if={interface}", "--mtu={mtu}" },
	  1,
	  0,
	  { "my-vmm", "--fd=10", "--vhost=", "--mac=52:54:00:12:34:56", "--ip=10.77.0.5",
	    "--gw=10.77.0.1", "--if=nt0123456789ab", "--mtu=1400" },
	  1 },
	{ { "my-vmm", "{mac}{mac} {{mac}} {mac" },
	  1,
	  0,
	  { "my-vmm", "52:54:00:12:34:5652:54:00:12:34:56 {52:54:00:12:34:56} {mac" },
	  1 },
	{ { "{interface}", "x" }, 1, 0, { "nt0123456789ab", "x" }, 1 },

	{ { "my-vmm", "{fds.0}/{fds.1}/{vhostfds.1}", "{mac.0},{mac.1}", "{address.1}-{gateway.1}",
	    "{interface.1}{mtu.1}", "{mac}" },
	  2,
	  2,
	  { "my-vmm", "10:11/30:31/40:41", "52:54:00:12:34:56,52:54:00:65:43:21",
	    "10.88.0.7-10.88.0.1", "ntcdefghijklmn1500", "52:54:00:12:34:56" },
	  2 },

	/* none of ours */
	{ { "my-vmm", "{fds.1}", "{fds.}", "{fds.x}", "{fds.0", "{fds.-1}", "{fds.99999999999}" },
	  1,
	  0,
	  { "my-vmm", "{fds.1}", "{fds.}", "{fds.x}", "{fds.0", "{fds.-1}", "{fds.99999999999}" },
	  1 },
	{ { "my-vmm", "{foo}", "{}", "{", "mac}", "{MAC}", "%s" },
	  1,
	  1,
	  { "my-vmm", "{foo}", "{}", "{", "mac}", "{MAC}", "%s" },
	  1 },
	{ { "/opt/qemu-system-x86_64/run" }, 1, 0, { "/opt/qemu-system-x86_64/run" }, 1 },
	{ { "qemu-img" }, 1, 0, { "qemu-img" }, 1 },
	{ { "kvm-ok" }, 1, 0, { "kvm-ok" }, 1 },
};

static bool is_changed(int row)
{
	const char *const *from = commands[row].argv, *const *to = commands[row].expected;

	for (unsigned i = 0; i < WORDS; i++)
		if ((from[i] == NULL) != (to[i] == NULL) || (from[i] && strcmp(from[i], to[i])))
			return true;
	return false;
}

START_TEST(command)
{
	struct netd_port port[2] = { port_of(commands[_i].queues, commands[_i].vhosts),
				     second_port(commands[_i].queues, commands[_i].vhosts) };
	const struct vmm_card cards[2] = { { "web1", 0, commands[_i].queues, &port[0] },
					   { "web1", 1, commands[_i].queues, &port[1] } };
	char *const *argv = (char *const *)(uintptr_t)commands[_i].argv;
	unsigned count = commands[_i].cards, n = 0;
	const struct vmm *v = vmm_by_program(argv);
	char **got = vmm_command(v, argv, cards, count);

	for (; commands[_i].expected[n]; n++) {
		ck_assert_msg(got[n] != NULL, "no '%s'", commands[_i].expected[n]);
		ck_assert_str_eq(got[n], commands[_i].expected[n]);
		free(got[n]);
	}
	ck_assert_ptr_null(got[n]);
	free(got);
	/* It knows exactly those command lines that it changes, and firecracker, which has no
	 * arguments for it. */
	ck_assert(((v && v->append) || vmm_uses_placeholders(argv, count)) == is_changed(_i));
}
END_TEST

/* As many descriptors as there may be, with numbers as long as they may be. */
START_TEST(all_queues)
{
	struct netd_port p = port_of(NETD_QUEUES_MAX, NETD_QUEUES_MAX);
	char *argv[] = { (char[]){ "kvm" }, NULL }, **got;
	const struct vmm_card card = { "web1", 0, NETD_QUEUES_MAX, &p };
	char fds[512] = "", expected[1200];

	for (unsigned i = 0; i < NETD_QUEUES_MAX; i++) {
		p.tap_fd[i] = p.vhost_fd[i] = (int)(100000 + i);
		sprintf(fds + strlen(fds), i ? ":%d" : "%d", p.tap_fd[i]);
	}
	got = vmm_command(vmm_by_program(argv), argv, &card, 1);
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
	const struct vmm_card card = { "web1", 0, 1, &p };
	char **got;

	p.gateway[0] = p.address[0] = 0;
	ck_assert(vmm_uses_placeholders(argv, 1));
	got = vmm_command(NULL, argv, &card, 1);
	ck_assert_str_eq(got[1], "[][]");
	free(got[0]);
	free(got[1]);
	free(got);
}
END_TEST

/* --- which VMM --- */

START_TEST(by_name)
{
	static const char *const names[] = { "qemu", "cloud-hypervisor", "crosvm", "lkvm",
					     "firecracker" };
	char *versioned[] = { (char[]){ "/usr/bin/firecracker-v1.9.1" }, NULL };
	char *other[] = { (char[]){ "firecracker-containerd" }, NULL };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_str_eq(vmm_by_name(names[i])->name, names[i]);
	ck_assert_ptr_null(vmm_by_name("libvirt"));
	ck_assert_ptr_null(vmm_by_name(""));
	ck_assert_str_eq(vmm_by_program(versioned)->name, "firecracker");
	ck_assert_ptr_null(vmm_by_program(other));
	ck_assert(vmm_by_name("firecracker")->by_name && vmm_by_name("firecracker")->single_queue);
	ck_assert(vmm_by_name("lkvm")->blocking && vmm_by_name("crosvm")->single_queue);
	ck_assert(!vmm_by_name("qemu")->single_queue &&
		  !vmm_by_name("cloud-hypervisor")->single_queue);
}
END_TEST

/* --- for other programs --- */

static void check_printed(void (*print)(FILE *, const struct vmm_card *, unsigned),
			  const struct vmm_card *cards, unsigned n, const char *expected)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	print(out, cards, n);
	fclose(out);
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(libvirt)
{
	struct netd_port port[2] = { port_of(0, 0), second_port(0, 0) };
	const struct vmm_card cards[2] = { { "web1", 0, 1, &port[0] }, { "web1", 1, 4, &port[1] } };

	check_printed(vmm_print_libvirt, cards, 2,
		      "<interface type='ethernet'>\n"
		      "  <mac address='52:54:00:12:34:56'/>\n"
		      "  <target dev='nt0123456789ab' managed='no'/>\n"
		      "  <model type='virtio'/>\n"
		      "  <mtu size='1400'/>\n"
		      "</interface>\n"
		      "<interface type='ethernet'>\n"
		      "  <mac address='52:54:00:65:43:21'/>\n"
		      "  <target dev='ntcdefghijklmn' managed='no'/>\n"
		      "  <model type='virtio'/>\n"
		      "  <mtu size='1500'/>\n"
		      "  <driver queues='4'/>\n"
		      "</interface>\n");
}
END_TEST

START_TEST(shell)
{
	struct netd_port port[2] = { port_of(2, 2), second_port(1, 0) };
	const struct vmm_card cards[2] = { { "web1", 0, 2, &port[0] }, { "web1", 3, 1, &port[1] } };

	/* No network is called like this; what if. */
	snprintf(port[0].network, sizeof(port[0].network), "it's $(a)");
	check_printed(vmm_print_shell, cards, 2,
		      "NETD_GUEST='web1'\nNETD_NIC='0'\nNETD_NETWORK='it'\\''s $(a)'\n"
		      "NETD_INTERFACE='nt0123456789ab'\nNETD_MAC='52:54:00:12:34:56'\n"
		      "NETD_ADDRESS='10.77.0.5'\nNETD_GATEWAY='10.77.0.1'\nNETD_MTU='1400'\n"
		      "NETD_QUEUES='2'\nNETD_FDS='10:11'\nNETD_VHOSTFDS='20:21'\n"
		      "NETD_GUEST_1='web1'\nNETD_NIC_1='3'\nNETD_NETWORK_1='lab'\n"
		      "NETD_INTERFACE_1='ntcdefghijklmn'\nNETD_MAC_1='52:54:00:65:43:21'\n"
		      "NETD_ADDRESS_1='10.88.0.7'\nNETD_GATEWAY_1='10.88.0.1'\nNETD_MTU_1='1500'\n"
		      "NETD_QUEUES_1='1'\nNETD_FDS_1='30'\nNETD_VHOSTFDS_1=''\n");
}
END_TEST

#define IFACE0                                                                                     \
	"{\"iface_id\":\"netd0\",\"guest_mac\":\"52:54:00:12:34:56\","                             \
	"\"host_dev_name\":\"nt0123456789ab\"}"
#define IFACE1                                                                                     \
	"{\"iface_id\":\"netd1\",\"guest_mac\":\"52:54:00:65:43:21\","                             \
	"\"host_dev_name\":\"ntcdefghijklmn\"}"

START_TEST(firecracker)
{
	struct netd_port port[2] = { port_of(0, 0), second_port(0, 0) };
	const struct vmm_card cards[2] = { { "web1", 0, 1, &port[0] }, { "web1", 1, 1, &port[1] } };
	json_t *o = vmm_firecracker(cards, 2);
	char *text = json_dumps(o, JSON_COMPACT);

	ck_assert_str_eq(text, "{\"network-interfaces\":[" IFACE0 "," IFACE1 "]}");
	free(text);
	json_decref(o);
}
END_TEST

static const struct {
	const char *before, *after, *why;
} merges[] = {
	{ "{}", "{\"network-interfaces\":[" IFACE0 "]}", NULL },
	{ "{\"boot-source\":{\"kernel_image_path\":\"k\"},\"network-interfaces\":[]}",
	  "{\"boot-source\":{\"kernel_image_path\":\"k\"},\"network-interfaces\":[" IFACE0 "]}",
	  NULL },
	{ "{\"network-interfaces\":[{\"iface_id\":\"eth0\"},{\"iface_id\":\"netd1\"},"
	  "{\"iface_id\":\"netd0x\"},7]}",
	  "{\"network-interfaces\":[{\"iface_id\":\"eth0\"},{\"iface_id\":\"netd1\"},"
	  "{\"iface_id\":\"netd0x\"},7," IFACE0 "]}",
	  NULL },
	{ "{\"network-interfaces\":[{\"iface_id\":\"netd0\"}]}", NULL,
	  "it has an interface 'netd0' already" },
	{ "{\"network-interfaces\":{}}", NULL, "its network-interfaces are not a list" },
	{ "[]", NULL, "it is not an object" },
	{ "{\n\"a\":}", NULL, "line 2: unexpected token near '}'" },
	{ "", NULL, "line 1: '[' or '{' expected near end of file" },
};

START_TEST(firecracker_merge)
{
	struct netd_port p = port_of(0, 0);
	const struct vmm_card card = { "web1", 0, 1, &p };
	struct err err;
	char *text = NULL;
	int rc = vmm_firecracker_merge(merges[_i].before, &card, 1, &text, &err);

	if (merges[_i].why) {
		ck_assert_int_lt(rc, 0);
		ck_assert_str_eq(err.text, merges[_i].why);
		ck_assert_ptr_null(text);
	} else {
		json_t *o = json_loads(text, 0, NULL);
		char *compact = json_dumps(o, JSON_COMPACT);

		ck_assert_int_eq(rc, 0);
		ck_assert_str_eq(compact, merges[_i].after);
		free(compact);
		json_decref(o);
		free(text);
	}
}
END_TEST

UNIT_SUITE(netd_vmm)
{
	tcase_add_test(tc, by_name);
	tcase_add_test(tc, libvirt);
	tcase_add_test(tc, shell);
	tcase_add_test(tc, firecracker);
	tcase_add_loop_test(tc, firecracker_merge, 0, ARRAY_SIZE(merges));
	tcase_add_loop_test(tc, command, 0, ARRAY_SIZE(commands));
	tcase_add_test(tc, all_queues);
	tcase_add_test(tc, empty_values);
}

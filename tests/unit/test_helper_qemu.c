/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command line, and which of its cards asks. */
#include "helper.h"
#include "unit.h"

enum { WORDS = 24, CARDS = 6 };

static const char *mac_text(const uint8_t mac[6], char buf[18])
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	return buf;
}

/* As /proc/PID/cmdline has it. */
static size_t join(const char *const *words, char *to, size_t size)
{
	size_t len = 0;

	for (; *words; words++) {
		ck_assert_uint_lt(len + strlen(*words) + 1, size);
		memcpy(to + len, *words, strlen(*words) + 1);
		len += strlen(*words) + 1;
	}
	return len;
}

#define D "52:54:00:12:34:"
#define B(id) "bridge,id=" id ",br=br0"

static const struct {
	const char *words[WORDS];
	struct {
		const char *bridge, *mac; /* NULL: not known */
	} card[CARDS];
	const char *name;
} lines[] = {
	{ { "qemu" }, { { 0 } }, "" },
	{ { "qemu", "-netdev", B("a"), "-device", "virtio-net-pci,netdev=a" },
	  { { "br0", D "56" } },
	  "" },
	/* names */
	{ { "qemu", "-name", "web1" }, { { 0 } }, "web1" },
	{ { "qemu", "--name", "web1,process=q,debug-threads=on" }, { { 0 } }, "web1" },
	{ { "qemu", "-name", "debug-threads=on,guest=a,,b" }, { { 0 } }, "a,b" },
	{ { "qemu", "-name", "a", "-name", "b" }, { { 0 } }, "b" },
	/* what only looks like an option is the argument of one, and flags have none */
	{ { "qemu", "-append", "-name", "-name", "b" }, { { 0 } }, "b" },
	{ { "qemu", "-append", "-netdev", B("a"), "disk.img" }, { { 0 } }, "" },
	{ { "qemu", "-S", "-name", "a", "-nographic", "-netdev", B("a") },
	  { { "br0", NULL } },
	  "a" },
	{ { "qemu", "disk.img", "-enable-kvm", "-name", "a", "-netdev" }, { { 0 } }, "a" },
	/* MACs that are asked for, in both ways to write them */
	{ { "qemu", "-netdev", B("a"), "-netdev", B("b"), "-device",
	    "e1000,netdev=b,mac=AA-BB-CC-00-00-01", "-device",
	    "e1000,mac=02:00:00:00:00:0f,netdev=a" },
	  { { "br0", "02:00:00:00:00:0f" }, { "br0", "aa:bb:cc:00:00:01" } },
	  "" },
	/* those that are not a MAC are as good as none, as is 0 */
	{ { "qemu", "-netdev", B("a"), "-device", "e1000,netdev=a,mac=02:00:00:00:00:0" },
	  { { "br0", D "56" } },
	  "" },
	{ { "qemu", "-netdev", B("a"), "-device", "e1000,netdev=a,mac=00:00:00:00:00:00" },
	  { { "br0", D "56" } },
	  "" },
	/* the next one that no card had before; what is asked for later does not count */
	{ { "qemu", "-netdev", B("a"), "-netdev", B("b"), "-netdev", B("c"), "-device",
	    "e1000,netdev=a,mac=" D "56", "-device", "e1000,netdev=b", "-device",
	    "e1000,netdev=c,mac=" D "57" },
	  { { "br0", D "56" }, { "br0", D "57" }, { "br0", D "57" } },
	  "" },
	/* cards without a backend, or with another, have one, too */
	{ { "qemu", "-netdev", "user,id=u", "-netdev", B("a"), "-device", "rtl8139", "-device",
	    "VGA", "-device", "my-card,netdev=u", "-device", "e1000,netdev=a" },
	  { { "br0", D "58" } },
	  "" },
	/* -nic comes before -device, and asks after -netdev; JSON is the first to ask, and the
	   last to be made */
	{ { "qemu", "-nic", "bridge,br=br1", "-device", "e1000,netdev=a", "-netdev", B("a"),
	    "-device", "{\"driver\":\"e1000\",\"netdev\":\"j\"}", "-nic", "none", "-nic", "user",
	    "-netdev", "{\"type\":\"bridge\",\"id\":\"j\",\"br\":\"br2\"}" },
	  { { "br2", D "59" }, { "br0", D "58" }, { "br1", D "56" } },
	  "" },
	{ { "qemu", "-nic", "bridge,br=br1,model=e1000,mac=02:00:00:00:00:01" },
	  { { "br1", "02:00:00:00:00:01" } },
	  "" },
	/* the bridge */
	{ { "qemu", "-netdev", "bridge,id=a", "-netdev", "tap,id=b,helper=/h", "-netdev",
	    "tap,id=c", "-netdev", "tap,id=d,helper=/h --br=br7,br=br8", "-netdev",
	    "bridge,id=e,helper=/h --more,br=br9" },
	  { { "br0", NULL }, { "br0", NULL }, { "br7", NULL }, { "br9", NULL } },
	  "" },
	{ { "qemu", "-netdev", "bridge,id=a,helper=/a--br=b,br=br1" }, { { "br1", NULL } }, "" },
	/* the old way: one card on the hub is the backend's */
	{ { "qemu", "-net", "nic,macaddr=02:00:00:00:00:01", "-net", "bridge,br=br1" },
	  { { "br1", "02:00:00:00:00:01" } },
	  "" },
	{ { "qemu", "-net", "nic", "-net", "nic", "-net", "bridge,br=br1" },
	  { { "br1", NULL } },
	  "" },
	{ { "qemu", "-net", "nic,netdev=a", "-netdev", B("a") }, { { "br0", D "56" } }, "" },
};

START_TEST(line)
{
	struct qemu_machine m;
	char text[4096], mac[18];
	size_t len = join(lines[_i].words, text, sizeof(text));
	unsigned cards = 0;

	ck_assert(qemu_read(text, len, &m));
	for (; cards < CARDS && lines[_i].card[cards].bridge; cards++) {
		ck_assert_uint_lt(cards, m.cards);
		ck_assert_str_eq(m.card[cards].bridge, lines[_i].card[cards].bridge);
		ck_assert_int_eq(m.card[cards].has_mac, lines[_i].card[cards].mac != NULL);
		if (m.card[cards].has_mac)
			ck_assert_str_eq(mac_text(m.card[cards].mac, mac),
					 lines[_i].card[cards].mac);
	}
	ck_assert_uint_eq(m.cards, cards);
	ck_assert_str_eq(m.name, lines[_i].name);
}
END_TEST

START_TEST(no_line)
{
	struct qemu_machine m;

	ck_assert(!qemu_read("", 0, &m));
	ck_assert(!qemu_read("qemu", 4, &m)); /* it was cut */
	ck_assert(qemu_read("\0\0\0", 3, &m));
	ck_assert(qemu_read("qemu\0-netdev\0", 13, &m));
	ck_assert(qemu_read("qemu\0-netdev\0{\"type\":[1]}\0", 26, &m));
	ck_assert(qemu_read("qemu\0-netdev\0{\0-device\0,=,,,\0", 29, &m));
}
END_TEST

/* After 52:54:00:12:34:fe there are none; and 65 cards are more than fit. */
START_TEST(too_many)
{
	struct qemu_machine m;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fwrite("qemu", 1, 5, f);
	for (int i = 0; i < 169; i++)
		fwrite("-device\0e1000", 1, 14, f);
	fwrite("-netdev\0bridge,id=a\0-device\0e1000,netdev=a", 1, 43, f);
	fflush(f);
	ck_assert(qemu_read(text, len, &m));
	ck_assert_uint_eq(m.cards, 1);
	ck_assert(!m.card[0].has_mac);
	for (int i = 0; i < 64; i++)
		fwrite("-netdev\0bridge", 1, 15, f);
	fclose(f);
	ck_assert(!qemu_read(text, len, &m));
	free(text);
}
END_TEST

/* --- choices --- */

static struct qemu_machine machine_of(const char *macs)
{
	struct qemu_machine m = { 0 };

	/* A letter a card: its MAC's last octet, '-' for one that is not known. */
	for (; *macs; macs++) {
		struct qemu_card *c = &m.card[m.cards++];

		snprintf(c->bridge, sizeof(c->bridge), "br0");
		c->has_mac = *macs != '-';
		c->mac[5] = (uint8_t)*macs;
	}
	return m;
}

static const struct {
	const char *cards;
	struct known_port port[4]; /* until one without a MAC */
	uint32_t nic;
	char mac; /* 0: none */
	bool none_left;
} choices[] = {
	{ "A", { { 0 } }, 0, 'A', false },
	{ "AB", { { 0, { [5] = 'A' }, true, true } }, 1, 'B', false },
	/* an allocation waits for its card, also for a later one */
	{ "AB", { { 3, { [5] = 'A' }, false, true } }, 3, 'A', false },
	{ "AB", { { 0, { [5] = 'B' }, false, true } }, 1, 'A', false },
	{ "AB",
	  { { 0, { [5] = 'B' }, false, true }, { 1, { [5] = 'A' }, true, true } },
	  0,
	  'B',
	  false },
	/* that of a card which is no more is taken over */
	{ "A", { { 0, { [5] = 'X' }, false, true } }, 0, 'A', false },
	/* on another network it is another allocation */
	{ "A", { { 3, { [5] = 'A' }, false, false } }, 0, 'A', false },
	{ "A", { { 0, { [5] = 'X' }, true, false } }, 1, 'A', false },
	/* cards that are not known: those before the one whose turn it is have a device of another
	   MAC */
	{ "-A", { { 0 } }, 0, 0, false },
	{ "-A", { { 0, { [5] = 'X' }, true, true } }, 1, 'A', false },
	{ "A-", { { 0, { [5] = 'A' }, true, true } }, 1, 0, false },
	/* all have theirs: it is plugged in later */
	{ "A", { { 0, { [5] = 'A' }, true, true } }, 1, 0, true },
	{ "", { { 0, { [5] = 'A' }, true, true } }, 1, 0, false },
};

START_TEST(choice)
{
	struct qemu_machine m = machine_of(choices[_i].cards);
	struct choice got;
	size_t ports = 0;

	while (ports < 4 && choices[_i].port[ports].mac[5])
		ports++;
	ck_assert(choose_card(&m, "br0", choices[_i].port, ports, &got));
	ck_assert_uint_eq(got.nic, choices[_i].nic);
	ck_assert_int_eq(got.has_mac, choices[_i].mac != 0);
	ck_assert_int_eq(got.mac[5], choices[_i].mac);
	ck_assert_int_eq(got.none_left, choices[_i].none_left);
}
END_TEST

START_TEST(choice_by_bridge)
{
	struct qemu_machine m = machine_of("AB");
	struct choice got;

	snprintf(m.card[1].bridge, sizeof(m.card[1].bridge), "br1");
	ck_assert(choose_card(&m, "br1", NULL, 0, &got));
	ck_assert_int_eq(got.mac[5], 'B');
	ck_assert(choose_card(&m, "br2", NULL, 0, &got));
	ck_assert(!got.has_mac);
	ck_assert(choose_card(NULL, "br0", NULL, 0, &got));
	ck_assert(!got.has_mac && !got.nic);
}
END_TEST

START_TEST(choice_of_none)
{
	struct known_port port[64];
	struct choice got;

	for (uint32_t i = 0; i < 64; i++)
		port[i] = (struct known_port){ .nic = i, .attached = true, .mac = { 1 } };
	ck_assert(!choose_card(NULL, "br0", port, 64, &got));
	port[63].attached = false;
	ck_assert(choose_card(NULL, "br0", port, 64, &got));
	ck_assert_uint_eq(got.nic, 63);
}
END_TEST

START_TEST(name)
{
	struct qemu_machine m = machine_of("-A");
	char got[GUEST_NAME_SIZE];

	choose_name(NULL, 1000, got);
	ck_assert_str_eq(got, "qemu-uid1000");
	choose_name(&m, 1000, got);
	ck_assert_str_eq(got, "qemu-000000000041");
	snprintf(m.uuid, sizeof(m.uuid), "01234567-89ab-cdef-0123-456789abcdef");
	choose_name(&m, 1000, got);
	ck_assert_str_eq(got, "qemu-01234567-89ab-cdef-0123-456789abcdef");
	snprintf(m.name, sizeof(m.name), "web1");
	choose_name(&m, 1000, got);
	ck_assert_str_eq(got, "web1");
}
END_TEST

UNIT_SUITE(helper_qemu)
{
	tcase_add_loop_test(tc, line, 0, ARRAY_SIZE(lines));
	tcase_add_test(tc, no_line);
	tcase_add_test(tc, too_many);
	tcase_add_loop_test(tc, choice, 0, ARRAY_SIZE(choices));
	tcase_add_test(tc, choice_by_bridge);
	tcase_add_test(tc, choice_of_none);
	tcase_add_test(tc, name);
}

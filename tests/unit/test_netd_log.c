/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What gets into the log, and how often: guests have a say in both. */
#include <fcntl.h>
#include <sys/stat.h>

#include "log.h"
#include "scratch.h"

/* --- escaping --- */

static const struct {
	const char *text, *safe;
} escapes[] = {
	{ "", "" },
	{ "port web1/0: it's ~ \"fine\" \\ 100%", "port web1/0: it's ~ \"fine\" \\ 100%" },
	{ "a\nb", "a\\x0ab" },
	{ "\r\n\t\v\b\a", "\\x0d\\x0a\\x09\\x0b\\x08\\x07" },
	{ "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m" },
	{ "\x7f", "\\x7f" },
	{ "\x80\x9b\xff", "\\x80\\x9b\\xff" },
	{ "\xc3\xa4", "\\xc3\\xa4" },
	{ "%n%s", "%n%s" },
};

START_TEST(escape)
{
	char buf[256];

	ck_assert_ptr_eq(log_escape(escapes[_i].text, buf, sizeof(buf)), buf);
	ck_assert_str_eq(buf, escapes[_i].safe);
}
END_TEST

/* Every octet but NUL: printable ASCII as it is, all else as four characters. */
START_TEST(escape_every_octet)
{
	for (int octet = 1; octet < 256; octet++) {
		char text[2] = { (char)octet, 0 }, buf[8];

		log_escape(text, buf, sizeof(buf));
		ck_assert_uint_eq(strlen(buf), octet >= 0x20 && octet < 0x7f ? 1 : 4);
		for (const char *c = buf; *c; c++)
			ck_assert(*c >= 0x20 && *c < 0x7f);
	}
}
END_TEST

/* What does not fit is cut, never within an escape, and nothing is written behind the buffer. */
START_TEST(escape_cuts)
{
	static const char text[] = "ab\ncd\x1b", safe[] = "ab\\x0acd\\x1b";
	static const size_t fits[] = { 0, 0, 1, 2, 2, 2, 2, 6, 7, 8, 8, 8, 8, 12, 12 };
	char buf[32];

	for (size_t size = 0; size < ARRAY_SIZE(fits); size++) {
		memset(buf, 0x55, sizeof(buf));
		log_escape(text, buf, size);
		for (size_t i = size; i < sizeof(buf); i++)
			ck_assert_int_eq(buf[i], 0x55);
		if (!size)
			continue;
		ck_assert_uint_eq(strlen(buf), fits[size]);
		ck_assert_mem_eq(buf, safe, fits[size]);
	}
}
END_TEST

/* --- lines --- */

/* A file to log to. */
static int open_log(void)
{
	int fd = open(scratch_path("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	unsetenv("JOURNAL_STREAM");
	return fd;
}

static void assert_logged(const char *lines)
{
	size_t len;
	CLEAN_FREE char *text = scratch_read(scratch_path("log"), &len);

	ck_assert_str_eq(text, lines);
}

START_TEST(line)
{
	CLEAN_FD int fd = open_log();

	log_open(fd, false);
	log_error("port %s/%d: %s", "web1", 0, "\x1b[2J\nnetd: all is well");
	log_warning("w");
	log_notice("n");
	log_info("%s", "");
	log_debug("not this");
	assert_logged("netd: port web1/0: \\x1b[2J\\x0anetd: all is well\n"
		      "netd: w\n"
		      "netd: n\n"
		      "netd: \n");
}
END_TEST

START_TEST(line_for_debugging)
{
	CLEAN_FD int fd = open_log();

	log_open(fd, true);
	log_debug("this");
	log_open(fd, false);
	log_debug("not this");
	assert_logged("netd: this\n");
}
END_TEST

/* Before anybody said where to: on stderr. This test is a process of its own. */
START_TEST(line_to_stderr)
{
	CLEAN_FD int fd = open_log();
	CLEAN_FD int before = dup(STDERR_FILENO);

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	log_error("a");
	log_open(-1, true);
	log_error("nowhere");
	log_open(STDERR_FILENO, false);
	log_error("b");
	ck_assert_int_eq(dup2(before, STDERR_FILENO), STDERR_FILENO);
	assert_logged("netd: a\nnetd: b\n");
}
END_TEST

/* Only if the descriptor is what systemd says that the journal reads: systemd.exec(5). */
static void say_stream(int fd, unsigned other)
{
	char stream[64];
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + other);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open(fd, true);
}

START_TEST(line_for_the_journal)
{
	CLEAN_FD int fd = open_log();

	say_stream(fd, 0);
	log_error("a\nb");
	log_warning("c");
	log_notice("d");
	log_info("e");
	log_debug("f");
	say_stream(fd, 1);
	log_error("g");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_open(fd, false);
	log_error("h");
	assert_logged("<3>a\\x0ab\n<4>c\n<5>d\n<6>e\n<7>f\nnetd: g\nnetd: h\n");
}
END_TEST

/* A line that is too long is cut, and is still one line. */
START_TEST(long_line)
{
	CLEAN_FD int fd = open_log();
	char text[5000], *second;
	CLEAN_FREE char *log = NULL;
	size_t len;

	say_stream(fd, 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	log_error("%s", text);
	memset(text, '\n', sizeof(text) - 1);
	log_error("%s", text);
	log = scratch_read(scratch_path("log"), &len);
	second = strchr(log, '\n') + 1;
	ck_assert_mem_eq(log, "<3>x", 4);
	ck_assert_uint_eq(strspn(log + 3, "x"), 1023);
	ck_assert_ptr_eq(second, log + 3 + 1023 + 1);
	/* 255 escapes of four characters fit in what 1,023 would. */
	ck_assert_mem_eq(second, "<3>\\x0a\\x0a", 11);
	ck_assert_ptr_eq(strchr(second, '\n'), second + 3 + 4 * 255);
	ck_assert_ptr_eq(strchr(second, '\n'), log + len - 1);
}
END_TEST

/* --- limits --- */

START_TEST(limit)
{
	struct log_limit l = { .interval = 100, .burst = 3 };
	unsigned held_back = 99;

	for (unsigned i = 0; i < 3; i++) {
		ck_assert(log_allow(&l, 1000 + i, &held_back));
		ck_assert_uint_eq(held_back, 0);
	}
	held_back = 99;
	for (unsigned i = 0; i < 10; i++)
		ck_assert(!log_allow(&l, 1050 + i, &held_back));
	ck_assert(!log_allow(&l, 1099, &held_back));
	ck_assert_uint_eq(held_back, 99); /* untouched */
	ck_assert(log_allow(&l, 1100, &held_back));
	ck_assert_uint_eq(held_back, 11);
	ck_assert(log_allow(&l, 1101, &held_back));
	ck_assert_uint_eq(held_back, 0);
}
END_TEST

/* Whatever comes, no interval lets more through than its burst, and none is forgotten. */
START_TEST(limit_over_time)
{
	struct log_limit l = { .interval = 1000, .burst = 5 };
	unsigned allowed = 0, held_back, counted = 0;

	for (int64_t now = 5000; now < 25000; now += 10)
		if (log_allow(&l, now, &held_back)) {
			allowed++;
			counted += held_back;
		}
	ck_assert_uint_eq(allowed, 20 * 5);
	ck_assert_uint_eq(allowed + counted + l.held_back, 2000);
}
END_TEST

START_TEST(limit_of_nothing)
{
	struct log_limit l = { .interval = 100, .burst = 0 };
	unsigned held_back;

	for (int64_t now = 0; now < 1000; now += 50)
		ck_assert(!log_allow(&l, now, &held_back));
	ck_assert_uint_eq(l.held_back, 20);
}
END_TEST

UNIT_SUITE(netd_log)
{
	scratch_use(tc);
	tcase_add_loop_test(tc, escape, 0, ARRAY_SIZE(escapes));
	tcase_add_test(tc, escape_every_octet);
	tcase_add_test(tc, escape_cuts);
	tcase_add_test(tc, line);
	tcase_add_test(tc, line_for_debugging);
	tcase_add_test(tc, line_to_stderr);
	tcase_add_test(tc, line_for_the_journal);
	tcase_add_test(tc, long_line);
	tcase_add_test(tc, limit);
	tcase_add_test(tc, limit_over_time);
	tcase_add_test(tc, limit_of_nothing);
}

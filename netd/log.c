/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only place of the daemon that writes to stderr, once it runs. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

enum { LINE_SIZE = 1024 };

static int log_fd = STDERR_FILENO;
static bool to_journal, debugging;

void log_open(int fd, bool debug)
{
	const char *stream =
		getenv("JOURNAL_STREAM"); /* device:inode of the socket that the journal reads */
	unsigned long long dev, ino;
	struct stat st;

	log_fd = fd;
	debugging = debug;
	to_journal = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
		     fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

bool log_debugging(void)
{
	return debugging;
}

const char *log_escape(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		bool plain = *c >= 0x20 && *c < 0x7f;

		if (n + (plain ? 1 : 4) >= size)
			break;
		if (plain)
			buf[n++] = *c;
		else
			n += (size_t)snprintf(buf + n, size - n, "\\x%02x", (unsigned char)*c);
	}
	if (size)
		buf[n] = 0;
	return buf;
}

void log_line(int priority, const char *fmt, ...)
{
	char text[LINE_SIZE], safe[LINE_SIZE], line[LINE_SIZE + 16];
	va_list ap;
	int n;

	if (log_fd < 0 || (priority == LOG_DEBUG && !debugging))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_escape(text, safe, sizeof(safe));
	n = to_journal ? snprintf(line, sizeof(line), "<%d>%s\n", priority, safe) :
			 snprintf(line, sizeof(line), "netd: %s\n", safe);
	/* One write, so that lines of several processes do not mix; there is nobody to tell when it
	 * fails. */
	if (write(log_fd, line, (size_t)n) < 0)
		return;
}

bool log_allow(struct log_limit *l, int64_t now, unsigned *ret_held_back)
{
	if (now - l->since >= l->interval) {
		l->since = now;
		l->used = 0;
	}
	if (l->used == l->burst) {
		l->held_back++;
		return false;
	}
	l->used++;
	*ret_held_back = l->held_back;
	l->held_back = 0;
	return true;
}

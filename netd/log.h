/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's log: one line on stderr a call, with a <N> priority in front when systemd reads it.
 */
#ifndef NETD_LOG_H
#define NETD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "base/err.h"

/* Where lines go: stderr, until this says otherwise; -1: nowhere. debug lets LOG_DEBUG through. */
void log_open(int fd, bool debug);

bool log_debugging(void);

/* Untrusted bytes in the text are escaped, so a line stays a line and a terminal is safe. */
ERR_PRINTF(2, 3) void log_line(int priority, const char *fmt, ...);

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
/* Its arguments are not looked at when nobody reads such lines. */
#define log_debug(...) (log_debugging() ? log_line(LOG_DEBUG, __VA_ARGS__) : (void)0)

/* Copies text, replacing all that is not printable ASCII by \xNN; cuts what does not fit. Returns
 * buf. */
const char *log_escape(const char *text, char *buf, size_t size);

/* Lets `burst` lines through in `interval` nanoseconds, and counts the others. */
struct log_limit {
	int64_t interval;
	unsigned burst;
	int64_t since; /* begin of the interval at hand */
	unsigned used, held_back;
};

/*
 * Whether a line may be written now. *ret_held_back is how many were not since the last one that
 * was, to be named in that line.
 */
bool log_allow(struct log_limit *l, int64_t now, unsigned *ret_held_back);

#endif

/* SPDX-License-Identifier: MIT */
/* Memory and descriptors that are given back when their variable goes out of scope, and explicit
 * take. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(f) __attribute__((cleanup(f)))
#define CLEAN_FD CLEANUP(cleanup_fd)
#define CLEAN_FREE CLEANUP(cleanup_mem)
#define CLEAN_FILE CLEANUP(cleanup_file)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Defines cleanup_<name>, which calls fn on a variable of type *<type> unless it is NULL. */
#define CLEANUP_DEFINE(name, type, fn)                                                             \
	static inline void cleanup_##name(type **p)                                                \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_mem(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Hands over the descriptor in *fd and leaves -1. */
static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

/* Hands over the pointer in p and leaves NULL. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) took_ = (p);                                                         \
		(p) = NULL;                                                                        \
		took_;                                                                             \
	})

#endif

/* SPDX-License-Identifier: MIT */
/* From a member back to the object that it is part of. */
#ifndef BASE_CONTAINER_H
#define BASE_CONTAINER_H

#include <stddef.h>

#define CONTAINER_OF(member_ptr, type, member)                                                     \
	((type *)(void *)((char *)(member_ptr)-offsetof(type, member)))

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the interface definition netd/io.netd.varlink (https://varlink.org/Interface-Definition),
 * for tests of what has to agree with it. */
#ifndef TESTS_IDL_KIT_H
#define TESTS_IDL_KIT_H

#include <stdbool.h>

#include "unit.h"

enum { IDL_MEMBERS = 32, IDL_ENTRIES = 64 };

struct idl_member {
	char name[48];
	char type[48]; /* without the question mark; an enum without a name is "()" */
	bool optional;
};

struct idl_members {
	struct idl_member at[IDL_MEMBERS];
	unsigned n;
};

struct idl_entry {
	char name[48];
	struct idl_members in;	/* of an error or method: its parameters; of a type: its members */
	struct idl_members out; /* of a method */
	bool is_enum;		/* of a type; its words are the names in `in` */
};

struct idl {
	char interface[48];
	struct idl_entry type[IDL_ENTRIES], method[IDL_ENTRIES], error[IDL_ENTRIES];
	unsigned types, methods, errors;
};

/* The definition; the test fails when it cannot be read or is not one. */
const struct idl *idl_read(void);

/* NULL when there is none of the name. */
const struct idl_entry *idl_find(const struct idl_entry *entries, unsigned n, const char *name);
const struct idl_member *idl_member(const struct idl_members *m, const char *name);

#endif

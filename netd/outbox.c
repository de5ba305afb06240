/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The outbox: fixed tables, filled during dispatch and emptied after the commit of every turn. */
#include <stdlib.h>

#include "daemon.h"

int outbox_init(struct outbox *o)
{
	o->items = o->frames = 0;
	o->frame = calloc(OUTBOX_FRAMES, sizeof(*o->frame));
	o->action = calloc(OUTBOX_FRAMES, sizeof(*o->action));
	if (o->frame && o->action)
		return 0;
	outbox_done(o);
	return -ENOMEM;
}

void outbox_done(struct outbox *o)
{
	free(o->frame);
	free(o->action);
	o->frame = NULL;
	o->action = NULL;
}

struct outbox_item *outbox_add(struct outbox *o, struct ticket ticket)
{
	struct outbox_item *item;

	if (o->items == OUTBOX_ITEMS)
		return NULL;
	item = &o->item[o->items++];
	memset(item, 0, sizeof(*item));
	item->ticket = ticket;
	return item;
}

bool outbox_has_frame(const struct outbox *o)
{
	return o->frames < OUTBOX_FRAMES && o->items < OUTBOX_ITEMS;
}

/* What promises nothing is said also in a turn that could not be stored. */
static bool may_say(const struct outbox_item *item, bool stored)
{
	return stored || item->ticket.turn == 0;
}

/* Saying something can put more into the state, and so into the next turn; it never adds an item.
 */
void outbox_settle(struct daemon *d, bool stored)
{
	struct outbox *o = &d->outbox;

	for (unsigned i = o->items; i-- > 0;)
		if (!may_say(&o->item[i], stored) && o->item[i].take_back)
			o->item[i].take_back(d, &o->item[i]);
	for (unsigned i = 0; i < o->items; i++)
		if (may_say(&o->item[i], stored))
			o->item[i].say(d, &o->item[i]);
	o->items = o->frames = 0;
}

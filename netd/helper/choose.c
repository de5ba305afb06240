/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which card is asking, and what it is called. Pure.
 *
 * QEMU does not say which of its backends it runs the helper for. But it runs it for one after the
 * other, and a device lives as long as QEMU: it is the first whose MAC is at no device yet.
 */
#include <string.h>

#include "base/slug.h"
#include "helper.h"

enum { NICS = 64 };

static const struct known_port *port_with_mac(const struct known_port *port, size_t ports,
					      const uint8_t mac[6], bool attached)
{
	for (size_t i = 0; i < ports; i++)
		if (port[i].attached == attached && (attached || port[i].here) &&
		    !memcmp(port[i].mac, mac, 6))
			return &port[i];
	return NULL;
}

static bool is_of_machine(const struct qemu_machine *m, const uint8_t mac[6])
{
	for (unsigned i = 0; m && i < m->cards; i++)
		if (m->card[i].has_mac && !memcmp(m->card[i].mac, mac, 6))
			return true;
	return false;
}

/* Devices of the guest whose MAC is none of the machine's: they are at cards that are not known. */
static unsigned count_others(const struct qemu_machine *m, const struct known_port *port,
			     size_t ports)
{
	unsigned n = 0;

	for (size_t i = 0; i < ports; i++)
		n += port[i].attached && !is_of_machine(m, port[i].mac);
	return n;
}

/* The card that asks; NULL: none that is known. */
static const struct qemu_card *asking_card(const struct qemu_machine *m, const char *bridge,
					   const struct known_port *port, size_t ports,
					   bool *ret_all_attached)
{
	unsigned others = count_others(m, port, ports), unknown = 0, seen = 0;

	for (unsigned i = 0; i < m->cards; i++) {
		const struct qemu_card *card = &m->card[i];

		if (strcmp(card->bridge, bridge))
			continue;
		seen++;
		if (card->has_mac ? !port_with_mac(port, ports, card->mac, true) :
				    ++unknown > others)
			return card;
	}
	*ret_all_attached = seen && !unknown;
	return NULL;
}

/* Whether a card other than the one with this MAC can have nic: nobody has it, and no allocation
 * that another card of the machine will come for. */
static bool is_free(const struct qemu_machine *m, const struct known_port *port, size_t ports,
		    uint32_t nic)
{
	for (size_t i = 0; i < ports; i++)
		if (port[i].nic == nic &&
		    (port[i].attached || (port[i].here && is_of_machine(m, port[i].mac))))
			return false;
	return true;
}

bool choose_card(const struct qemu_machine *m, const char *bridge, const struct known_port *port,
		 size_t ports, struct choice *ret)
{
	const struct qemu_card *card = NULL;
	const struct known_port *kept = NULL;

	*ret = (struct choice){ 0 };
	if (m)
		card = asking_card(m, bridge, port, ports, &ret->none_left);
	if (card && card->has_mac) {
		ret->has_mac = true;
		memcpy(ret->mac, card->mac, 6);
		kept = port_with_mac(port, ports, card->mac, false);
	}
	if (kept) {
		ret->nic = kept->nic;
		return true;
	}
	while (ret->nic < NICS && !is_free(m, port, ports, ret->nic))
		ret->nic++;
	return ret->nic < NICS;
}

void choose_name(const struct qemu_machine *m, uint32_t uid, char ret[GUEST_NAME_SIZE])
{
	if (m && m->name[0]) {
		slug_name(m->name, ret, GUEST_NAME_SIZE);
		return;
	}
	if (m && m->uuid[0]) {
		char text[QEMU_TEXT_SIZE];

		snprintf(text, sizeof(text), "qemu-%s", m->uuid);
		slug_name(text, ret, GUEST_NAME_SIZE);
		return;
	}
	for (unsigned i = 0; m && i < m->cards; i++) {
		const uint8_t *mac = m->card[i].mac;

		if (!m->card[i].has_mac)
			continue;
		snprintf(ret, GUEST_NAME_SIZE, "qemu-%02x%02x%02x%02x%02x%02x", mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5]);
		return;
	}
	snprintf(ret, GUEST_NAME_SIZE, "qemu-uid%" PRIu32, uid);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ruleset.c, whose rules log packets, and trap.c, which reads them, say to each other. */
#ifndef BRIDGE_TRAP_H
#define BRIDGE_TRAP_H

/* In front of what a DHCP server other than us sends; what our ports' clients send has none. */
#define TRAP_SERVER_PREFIX "netd-server"
/* In front of one of those packets of a guest that were dropped because they were too many. */
#define TRAP_FLOOD_PREFIX "netd-flood"
/* In front of what is dropped of a link that is captured; the reason is behind it. */
#define TRAP_DROP_PREFIX "netd-drop:"

/* In front of a packet that the guard holds back; the reason follows, as nft_reason_text has it. */
#define TRAP_SPOOF_PREFIX "netd-spoof:"

#endif

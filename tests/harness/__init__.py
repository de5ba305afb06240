# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests outside C share: namespaces, the daemon, a Varlink client of its own, and guests."""

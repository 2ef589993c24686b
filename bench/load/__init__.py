# SPDX-License-Identifier: GPL-3.0-or-later
"""Many callers at once, over real SIP and RTP, each measuring at its own ear."""

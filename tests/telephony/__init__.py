# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the telephony room: real SIP, RTP and WebSockets on loopback."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the edge: real kamailio, real gateway workers, scripted agents, on loopback."""

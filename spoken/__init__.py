# SPDX-License-Identifier: GPL-3.0-or-later
"""What people say and the values that they mean, both ways. Pure: no I/O, no clock, no other room."""

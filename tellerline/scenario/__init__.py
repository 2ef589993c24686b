# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario files: whole calls, written down as what a caller does and what must come of it."""

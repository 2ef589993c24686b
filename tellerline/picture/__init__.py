# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of one conversation: its sound and its journal on one time axis."""

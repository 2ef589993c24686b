# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rooms of the house say to each other: the only code that more than one process shares."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversation on a call:

What is heard, when it is a turn, what the dialogue answers, how it is spoken, what is kept.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline bench turns`: generated conversations with sound, played in virtual time through the real ears
and the real turn machine, and judged against what is true of them by construction.
"""

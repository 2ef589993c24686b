# SPDX-License-Identifier: GPL-3.0-or-later
"""How the shipped English voice is made, from nothing, by `python -m training.voice`."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""The turn-end model: from generated dialogues, cut and whole, to models/turn-end-en."""

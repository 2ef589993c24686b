# SPDX-License-Identifier: GPL-3.0-or-later
"""Rasa's custom actions: they read what was said, ask the bank, and answer with responses worded in
`domain/`. No business here.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank's business: customers, identity, cards, offers and lending. Knows nothing of calls, speech or
dialogue.
"""

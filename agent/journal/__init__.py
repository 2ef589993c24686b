# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: every event of a call, in order, in Redis Streams, each entry chained to the one before by its
hash.
"""

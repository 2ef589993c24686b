# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers made from customer events: an event arrives, a strategy says what to offer, the offer waits for the
customer's call.
"""

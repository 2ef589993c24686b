# SPDX-License-Identifier: GPL-3.0-or-later
"""Lending: what a loan costs, who may have it, and what was quoted."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks: each prints a table and, with `--json`, one JSON object as its last line."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Rasa channels. They run inside the Rasa server (CPython 3.10) and import none of the other rooms."""

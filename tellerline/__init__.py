# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the house: set-up, configuration, supervision. Importing it needs no dependency."""

__version__ = "0.1.0"

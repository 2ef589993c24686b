# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn-taking without I/O: timestamped events in, commands out, time is the audio time of the call in
milliseconds.

`machine.TurnMachine` puts the decisions together; each decision stands in a file of its own.
"""

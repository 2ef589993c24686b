# SPDX-License-Identifier: GPL-3.0-or-later
"""From a fresh clone to a machine that can run Tellerline.

`python3 -m tellerline.setup` runs before any dependency exists, so everything it imports is the standard
library and works on Python 3.9 or newer. Each step looks first whether it is needed: a second run takes
seconds.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
"""SIP and RTP on PJSUA2, and nothing else: the gateway worker and the softphone (the simulated caller)."""

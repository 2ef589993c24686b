# SPDX-License-Identifier: GPL-3.0-or-later
"""The C functions of PJSIP that PJSUA2 does not wrap, reached in the wheel's own shared object.

The wheel exports them; a differently built PJSUA2 may not, so whoever uses them checks with `library`
first.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterable

import pjsua2 as pj

log = logging.getLogger(__name__)


class MissingSymbol(RuntimeError):
    """The PJSUA2 build does not export a function that is needed."""


class PjString(ctypes.Structure):
    """pj_str_t. Keep the Python bytes that it points to alive for as long as C may read it."""

    _fields_ = [("ptr", ctypes.c_char_p), ("slen", ctypes.c_ssize_t)]

    @classmethod
    def of(cls, text: bytes) -> PjString:
        """A string view of `text`."""
        return cls(text, len(text))


def library(needed: Iterable[str]) -> ctypes.CDLL:
    """The loaded shared object. Raises MissingSymbol when one of the functions is not exported."""
    try:
        loaded = ctypes.CDLL(pj._pjsua2.__file__)
    except (OSError, AttributeError) as error:
        raise MissingSymbol(f"PJSUA2's shared object can't be opened: {error}") from None
    missing = [name for name in needed if not hasattr(loaded, name)]
    if missing:
        raise MissingSymbol(f"PJSUA2 does not export {', '.join(missing)}")
    return loaded


# pjsip_cfg_t of sip_config.h: where `tsx` begins (max_count), and the defaults that have to be found there:
# T1, T2, T4, TD.
_TSX_AT, _TSX_TIMERS_MS = 13, (500, 4000, 5000, 32000)
_CONFIG_WORDS = 24


def limit_transactions(timeout_s: float) -> bool:
    """Make PJSIP give a transaction up after `timeout_s` instead of 32 s; before the library is created.

    A peer that never acknowledges or never answers a BYE holds one of four call slots for so long. False,
    with a line in the log, when the configuration is not where it is expected.
    """
    try:
        config = (ctypes.c_uint * _CONFIG_WORDS).in_dll(library([]), "pjsip_sip_cfg_var")
    except (MissingSymbol, ValueError):
        log.warning("SIP timeouts stay at 32 s: PJSIP's configuration is not exported")
        return False
    timers = tuple(config[_TSX_AT + 1 : _TSX_AT + 5])
    if timers[:3] != _TSX_TIMERS_MS[:3]:
        log.warning("SIP timeouts stay as they are: PJSIP's configuration has an unknown layout")
        return False
    config[_TSX_AT + 4] = round(timeout_s * 1000)
    return True


def keep_thread_state() -> None:
    """Make Python keep what it knows of the calling thread, one of C, until the process ends.

    Otherwise each callback begins by setting that up, with memory from the kernel, and ends by taking it
    down: 12 µs, a hundred times a second for every call. PyGILState_Ensure is counted; one is never released.
    """
    ctypes.pythonapi.PyGILState_Ensure()


def quiet() -> None:
    """Silence PJLIB's start-up chatter on stdout, which comes before its own log settings can be applied."""
    try:
        library(["pj_log_set_level"]).pj_log_set_level(0)
    except MissingSymbol:
        return

# SPDX-License-Identifier: GPL-3.0-or-later
"""A module inside PJSIP that may refuse requests before PJSUA sees them, for which PJSUA2 has no interface.

Its priority lies just behind PJSIP's dialog layer, which takes every request of an existing dialog and
answers those of unknown dialogs 481: so all that arrives here is outside of a dialog. Refusals are
stateless: they cost no call slot and no socket.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from typing import Any

from telephony.method_filter import Refusal, method_of
from telephony.native import MissingSymbol, PjString, library
from telephony.received import source_of

log = logging.getLogger(__name__)

# Between the dialog layer (32) and the dialog usages (48) of sip_module.h.
_PRIORITY = 40
_NAME = b"mod-tellerline-filter"
_SYMBOLS = (
    "pjsua_get_pjsip_endpt",
    "pjsua_pool_create",
    "pjsip_endpt_register_module",
    "pjsip_endpt_respond_stateless",
    "pjsip_generic_string_hdr_create",
    "pjsip_rx_data_get_info",
)

Decide = Callable[[str, str | None], Refusal | None]

_OnRequest = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_Pointer = ctypes.c_void_p


class _Module(ctypes.Structure):
    """pjsip_module of sip_module.h; the callbacks that are not used stay NULL."""

    _fields_ = [
        ("prev", _Pointer),
        ("next", _Pointer),
        ("name", PjString),
        ("id", ctypes.c_int),
        ("priority", ctypes.c_int),
        ("load", _Pointer),
        ("start", _Pointer),
        ("stop", _Pointer),
        ("unload", _Pointer),
        ("on_rx_request", _OnRequest),
        ("on_rx_response", _Pointer),
        ("on_tx_request", _Pointer),
        ("on_tx_response", _Pointer),
        ("on_tsx_state", _Pointer),
    ]


class _ListNode(ctypes.Structure):
    """How every node of a pj_list begins; as a list's head it is padded to the size of a header."""

    _fields_ = [("prev", _Pointer), ("next", _Pointer), ("rest", ctypes.c_byte * 112)]


class _Refuser:
    """Answers requests statelessly; keeps what C has pointers to."""

    def __init__(self, native: ctypes.CDLL) -> None:
        self._lists: dict[tuple[str, str], tuple[_ListNode, Any]] = {}
        self._endpoint = _function(native.pjsua_get_pjsip_endpt, _Pointer)
        self._describe = _function(native.pjsip_rx_data_get_info, ctypes.c_char_p, _Pointer)
        self._respond = _function(
            native.pjsip_endpt_respond_stateless,
            ctypes.c_int,
            _Pointer,
            _Pointer,
            ctypes.c_int,
            _Pointer,
            _Pointer,
            _Pointer,
        )
        self._new_header = _function(
            native.pjsip_generic_string_hdr_create, _Pointer, _Pointer, _Pointer, _Pointer
        )
        make_pool = _function(
            native.pjsua_pool_create, _Pointer, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t
        )
        self._pool = make_pool(b"tellerline-filter", 1024, 1024)

    def method(self, request: int) -> str:
        """The method of a pjsip_rx_data."""
        return method_of((self._describe(request) or b"").decode("ascii", "replace"))

    def answer(self, request: int, refusal: Refusal) -> None:
        """Refuse a request."""
        headers = ctypes.byref(self._header_list(refusal.header))
        self._respond(self._endpoint(), request, refusal.status, None, headers, None)

    def _header_list(self, header: tuple[str, str]) -> _ListNode:
        if header not in self._lists:
            texts = tuple(part.encode() for part in header)
            name, value = (PjString.of(text) for text in texts)
            made = self._new_header(self._pool, ctypes.byref(name), ctypes.byref(value))
            head = _ListNode(prev=made, next=made)
            node = _ListNode.from_address(made)
            node.prev = node.next = ctypes.addressof(head)
            self._lists[header] = (head, texts)
        return self._lists[header][0]


def _function(function: Any, result: Any, *arguments: Any) -> Any:
    function.restype, function.argtypes = result, list(arguments)
    return function


# C keeps pointers to all of it until the process ends.
_kept: list[Any] = []


def install(decide: Decide) -> bool:
    """Have `decide(method, source)` asked about each request outside of a dialog; the endpoint must run.
    Once a process.

    False, with a line in the log, when this build of PJSUA2 can't do it.
    """
    try:
        native = library(_SYMBOLS)
    except MissingSymbol as error:
        log.warning("request filter is off: %s; let a proxy refuse what is not for this worker", error)
        return False
    refuser = _Refuser(native)
    on_request = _OnRequest(_handler(refuser, decide))
    module = _Module(name=PjString.of(_NAME), id=-1, priority=_PRIORITY, on_rx_request=on_request)
    _kept.extend((refuser, on_request, module))
    endpoint = _function(native.pjsua_get_pjsip_endpt, _Pointer)
    register = _function(native.pjsip_endpt_register_module, ctypes.c_int, _Pointer, _Pointer)
    status = register(endpoint(), ctypes.addressof(module))
    if status != 0 or module.id < 0:
        log.warning("request filter is off: PJSIP refused the module with status %d", status)
        return False
    log.info("request filter: on")
    return True


def _handler(refuser: _Refuser, decide: Decide) -> Callable[[int], int]:
    def on_request(request: int) -> int:
        try:
            refused = decide(refuser.method(request), source_of(request))
            if refused is None:
                return 0
            refuser.answer(request, refused)
        except Exception:
            log.exception("the request filter failed; the request is left to PJSUA")
            return 0
        return 1

    return on_request

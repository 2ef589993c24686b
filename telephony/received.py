# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sent a request that PJSIP has just received, read out of its pjsip_rx_data.

PJSIP has no function that tells it without a dialog, and Via is the sender's to write. What lies where an
address is expected is believed only when the two ways in which PJSIP keeps it agree.
"""

from __future__ import annotations

import ctypes
import socket

_PACKET_BYTES = 4000  # PJSIP_MAX_PKT_LEN of the wheel


class _TransportInfo(ctypes.Structure):
    """tp_info of sip_transport.h, with its pj_ioqueue_op_key_t of 32 pointers."""

    _fields_ = [
        ("pool", ctypes.c_void_p),
        ("transport", ctypes.c_void_p),
        ("tp_data", ctypes.c_void_p),
        ("op_key", ctypes.c_void_p * 32),
        ("rdata", ctypes.c_void_p),
    ]


class _PacketInfo(ctypes.Structure):
    """pkt_info of sip_transport.h, up to what is needed; src_addr is as large as sockaddr_in6."""

    _fields_ = [
        ("timestamp", ctypes.c_long * 2),
        ("packet", ctypes.c_char * _PACKET_BYTES),
        ("zero", ctypes.c_uint32),
        ("length", ctypes.c_ssize_t),
        ("source", ctypes.c_ubyte * 28),
        ("source_length", ctypes.c_int),
        ("source_name", ctypes.c_char * 46),
    ]


class _Received(ctypes.Structure):
    """pjsip_rx_data, as far as the sender's address."""

    _fields_ = [
        ("prev", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("transport", _TransportInfo),
        ("packet", _PacketInfo),
    ]


def source_of(request: int) -> str | None:
    """The IP address that the pjsip_rx_data at `request` came from; None when this build lays it out in a way
    that is not known here.
    """
    received = _Received.from_address(request)
    packet = received.packet
    if received.transport.rdata != request:
        return None
    return agreed_address(bytes(packet.source), bytes(packet.source_name))


def agreed_address(raw: bytes, name: bytes) -> str | None:
    """The IP address that a sockaddr and its text both say, or None.

    >>> agreed_address(bytes([2, 0, 19, 196, 10, 0, 0, 5]), b"10.0.0.5")
    '10.0.0.5'
    """
    family = int.from_bytes(raw[:2], "little")
    lengths = {int(socket.AF_INET): (4, 8), int(socket.AF_INET6): (8, 24)}
    if family not in lengths:
        return None
    begin, end = lengths[family]
    shown = socket.inet_ntop(family, raw[begin:end])
    return shown if shown == name.decode("ascii", "replace") else None

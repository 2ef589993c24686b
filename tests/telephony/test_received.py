# SPDX-License-Identifier: GPL-3.0-or-later
"""An address is believed only when PJSIP says it twice; that it is found at all, test_admission shows."""

from __future__ import annotations

import ipaddress
import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from telephony.received import agreed_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def sockaddr(address: Address) -> bytes:
    """A sockaddr_in or sockaddr_in6, in PJSIP's 28 bytes."""
    if address.version == 4:
        return struct.pack("=H2s4s", socket.AF_INET, b"\x13\xc4", address.packed).ljust(28, b"\0")
    return struct.pack("=H2sI16sI", socket.AF_INET6, b"\x13\xc4", 0, address.packed, 0)


@given(st.ip_addresses(), st.ip_addresses())
def test_two_that_agree_are_believed(one: Address, other: Address) -> None:
    shown = socket.inet_ntop(socket.AF_INET if one.version == 4 else socket.AF_INET6, one.packed)
    assert agreed_address(sockaddr(one), shown.encode()) == shown
    if one != other:
        assert agreed_address(sockaddr(other), shown.encode()) is None


@given(st.binary(min_size=28, max_size=28), st.binary(max_size=46))
def test_whatever_lies_there_is_no_fault(raw: bytes, name: bytes) -> None:
    assert agreed_address(raw, name) is None

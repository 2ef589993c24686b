# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer events of a scenario, put on the real stream:

The consumer makes offers of them while the phone rings.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from redis import Redis

from bank.offers.publish import make_event, publish
from tellerline.scenario.script import CustomerEventBefore


def publish_events(events: Sequence[CustomerEventBefore], redis_url: str) -> None:
    """Append the events to the stream, as new ones. Raises RedisError."""
    if not events:
        return
    with Redis.from_url(redis_url) as redis:
        for event in events:
            now = datetime.now(UTC)
            publish(redis, make_event(event.type, event.customer, event.amount, event.days, now))

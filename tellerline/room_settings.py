# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings models that the rooms own, found by name only when needed, so that `--help` stays quick."""

from __future__ import annotations

import importlib

from pydantic import BaseModel

ROOMS = {
    "gateway": ("telephony.settings", "GatewaySettings"),
    "agent": ("agent.settings", "AgentSettings"),
}


def room_model(room: str) -> type[BaseModel]:
    """The settings model of a room (`gateway` or `agent`). Only its settings module is imported: those stay
    light.
    """
    module, name = ROOMS[room]
    model: type[BaseModel] = getattr(importlib.import_module(module), name)
    return model

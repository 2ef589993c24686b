# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bank's data lives: the settings of every process that touches it, taken from its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

ENVIRONMENT = {
    "database_url": "TELLERLINE_DATABASE_URL",
    "redis_url": "TELLERLINE_REDIS_URL",
    "strategies": "TELLERLINE_STRATEGIES",
}


class BankSettings(BaseModel):
    """The defaults serve one machine: SQLite under `var/` and the private Redis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = Field(
        default="sqlite:///var/bank.db", description="SQLAlchemy URL; SQLite or PostgreSQL"
    )
    redis_url: str = Field(
        default="redis://127.0.0.1:6390/0", description="Redis that carries the customer events"
    )
    strategies: Path = Field(
        default=Path("strategies/offers.yml"), description="which events make which offers"
    )
    customers: int = Field(default=1000, ge=3, le=1_000_000, description="customers of the generated bank")
    seed: int = Field(default=7, description="seed of the generated bank")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> BankSettings:
        """The settings of this process; unset or empty variables keep the defaults."""
        given = {
            field: environment[variable]
            for field, variable in ENVIRONMENT.items()
            if environment.get(variable)
        }
        return cls.model_validate(given)

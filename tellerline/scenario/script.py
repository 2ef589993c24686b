# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario file: what a simulated caller does, turn by turn, and what is expected each time.

    name: balance, by PIN
    caller: {number: "+8613800000001"}
    turns:
      - expect: {says: "recorded", within_ms: 1500}
      - say: "what is my balance"
        expect: {says: "(?i)pin", action: action_start_verification, within_ms: 1000}
      - dtmf: "4821"
        expect: [{says: "savings"}, {absent: "4821", in: journal}]

`says` and `heard` are regular expressions (searched, case-insensitive) in what the agent said, and in what it
understood the caller to say. Times are measured on the sound that the caller receives.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator


class ScenarioError(ValueError):
    """The file is no scenario; the message names the place and the reason."""


def _as_tuple(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return value


def _word(value: Any) -> Any:
    # YAML reads a bare yes or no as a truth value; a caller says the word.
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


Pattern = Annotated[str, BeforeValidator(_pattern)]
Words = Annotated[str, BeforeValidator(_word)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Expected(_Part):
    """What must come of a turn; every key given must hold.

    `within_ms` bounds the time from the end of the caller's speech (or keys, or from the answered call) to
    the first sound of the agent's; `silent_within_ms` the time from the start of an interruption to the
    agent's silence; `ends` how the call must end.
    """

    says: Pattern | None = None
    heard: Pattern | None = None
    action: str | None = None
    intent: str | None = None
    absent: str | None = None
    where: Literal["journal"] = Field(default="journal", alias="in")
    within_ms: int | None = Field(default=None, ge=0)
    silent_within_ms: int | None = Field(default=None, ge=0)
    ends: Literal["hangup", "transfer"] | None = None


class Interruption(_Part):
    """Speech over the agent's, `after_ms` from its first sound."""

    after_ms: int = Field(ge=0)
    say: Words


class Turn(_Part):
    """One thing that the caller does, and what is expected of it.

    Without a deed: wait for the agent to speak.
    """

    say: Words | None = None
    dtmf: str | None = Field(default=None, pattern=r"^[0-9A-D*#]+$")
    wav: Path | None = None
    interrupt: Interruption | None = None
    pause_ms: int = Field(default=0, ge=0, description="extra silence before the deed")
    expect: Annotated[tuple[Expected, ...], BeforeValidator(_as_tuple)] = ()

    @model_validator(mode="after")
    def _one_deed(self) -> Turn:
        deeds = [deed for deed in (self.say, self.dtmf, self.wav, self.interrupt) if deed is not None]
        if len(deeds) > 1:
            raise ValueError("a turn has one of say, dtmf, wav, interrupt")
        return self


class CallerProfile(_Part):
    """Who calls: the number shown, and the voice (`auto`, `flite:NAME`, `espeak:NAME`)."""

    number: str = "+8613800000001"
    language: Literal["en"] = "en"
    voice: str = "auto"


class CustomerEventBefore(_Part):
    """Something that happens to a customer before the call, so that the strategy may make an offer of it.

    `amount` in dollars; `days` until a deposit matures.
    """

    type: Literal["salary_credited", "deposit_maturing", "loan_page_viewed"]
    customer: int = Field(gt=0)
    amount: Decimal = Field(default=Decimal("5200.00"), gt=0, decimal_places=2)
    days: int = Field(default=10, ge=0)


class Scenario(_Part):
    """A whole call, and the customer events that come before it."""

    name: str
    events: tuple[CustomerEventBefore, ...] = ()
    caller: CallerProfile = CallerProfile()
    codec: Literal["PCMA", "PCMU"] = "PCMA"
    dtmf: Literal["rfc4733", "info"] = "rfc4733"
    turns: tuple[Turn, ...] = Field(min_length=1)


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises ScenarioError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        scenario = Scenario.model_validate(content)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path}: not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(f"{path}: {place}: {first['msg']}") from error
    missing = [turn.wav for turn in scenario.turns if turn.wav and not (path.parent / turn.wav).is_file()]
    if missing:
        raise ScenarioError(f"{path}: no such sound file: {missing[0]}")
    wavs = (
        turn.model_copy(update={"wav": path.parent / turn.wav}) if turn.wav else turn
        for turn in scenario.turns
    )
    return scenario.model_copy(update={"turns": tuple(wavs)})

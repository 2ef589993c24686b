# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario file: what a simulated caller does, turn by turn, and what is expected each time.

    name: balance, by PIN
    caller: {number: "+8613800000001"}
    turns:
      - expect: {says: "recorded", within_ms: 1500}
      - say: ["what is", 1.5, "my balance"]
        expect: {says: "(?i)pin", action: action_start_verification, within_ms: 1000, turns: 1}
      - dtmf: "4821"
        expect: [{says: "savings"}, {absent: "4821", in: journal}]
      - interrupt: {after_ms: 900, noise: throat}
        expect: {resumes_within_ms: 2000, turns: 0}

A turn has one deed, or none: then the caller waits for the agent to speak.

    say: "yes"                      words, spoken by the caller's voice
    say: ["I'd like to", 3.0, "borrow money"]   … with pauses inside the turn, in seconds
    wav: question.wav               a sound file beside the scenario
    noise: cough                    cough, door, throat (voiced: it sounds like speech) or mumble
    noise: {kind: door, peak_dbfs: -20}
    dtmf: "4821#"                   keys; how they are sent is said once, above: `dtmf: rfc4733` or `info`
    hold: {for_ms: 3000}            puts the agent on hold and comes back
    hangup: true                    hangs up in the middle of whatever happens

The caller has manners and waits until the agent has finished, unless the deed is an interruption: it then
comes over the agent's speech, `after_ms` from its first sound.

    interrupt: {after_ms: 800, say: "stop"}

What is expected, every key of it:

    says, spoke, heard    regular expressions (searched, case-insensitive) in what the agent began to say, in
                          what of that was really played (journal: `agent_spoke`), and in what it understood
    action, intent        what the dialogue did and took the words for
    turns                 how many turns were committed; 0: nothing is said in reply, and nothing waited for
    journal               kinds of entries that must be among this turn's
    absent                what must not be in the journal (in: journal), then or later
    within_ms             from the end of the deed to the first sound of the reply
    silent_within_ms      from the start of an interruption to the agent's silence
    resumes_within_ms     from the start of the deed until the agent, if it fell silent, goes on with what it
                          said; no reply is waited for
    sealed_within_ms      from the hang-up to the journal's seal
    ends                  how the call ends: hangup (the agent's) or transfer (to a person, who is heard)
    briefed_ms            speech that the person heard before the caller was put through, at least

Times are measured on the sound that the caller receives.
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


def _phrase(value: Any) -> Any:
    """Words, or words with pauses between them, each pause a number of seconds."""
    if not isinstance(value, list | tuple):
        return _word(value)
    pieces = tuple(_word(piece) for piece in value)
    for index, piece in enumerate(pieces):
        wanted = str if index % 2 == 0 else (int, float)
        if not isinstance(piece, wanted) or (index == len(pieces) - 1 and index % 2):
            raise ValueError('words and pauses take turns: ["I\'d like to", 3.0, "borrow money"]')
        if not isinstance(piece, str) and not 0 < piece <= 30:
            raise ValueError(f"a pause lasts up to 30 seconds, not {piece}")
    return pieces


def _noise(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


NoiseKind = Literal["cough", "door", "throat", "mumble"]
Pattern = Annotated[str, BeforeValidator(_pattern)]
Phrase = Annotated[str | tuple[str | float, ...], BeforeValidator(_phrase)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Expected(_Part):
    """What must come of a turn; every key given must hold. The module's head says what each means."""

    says: Pattern | None = None
    spoke: Pattern | None = None
    heard: Pattern | None = None
    action: str | None = None
    intent: str | None = None
    turns: int | None = Field(default=None, ge=0)
    journal: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    absent: str | None = None
    where: Literal["journal"] = Field(default="journal", alias="in")
    within_ms: int | None = Field(default=None, ge=0)
    silent_within_ms: int | None = Field(default=None, ge=0)
    resumes_within_ms: int | None = Field(default=None, ge=0)
    sealed_within_ms: int | None = Field(default=None, ge=0)
    briefed_ms: int | None = Field(default=None, gt=0)
    ends: Literal["hangup", "transfer"] | None = None


class Noise(_Part):
    """A sound without words: what it is, and how loud (dB below full scale, at its peak)."""

    kind: NoiseKind
    peak_dbfs: float = Field(default=-6.0, ge=-60, le=0)


class Hold(_Part):
    """How long the caller puts the agent on hold."""

    for_ms: int = Field(ge=100, le=60_000)


_DEEDS = ("say", "wav", "noise", "dtmf", "hold", "hangup")


class Deed(_Part):
    """One thing that the caller does."""

    say: Phrase | None = None
    wav: Path | None = None
    noise: Annotated[Noise | None, BeforeValidator(_noise)] = None
    dtmf: str | None = Field(default=None, pattern=r"^[0-9A-D*#]+$")
    hold: Hold | None = None
    hangup: Literal[True] | None = None

    @property
    def words(self) -> str:
        """What is said, pauses shown as dots; empty when the deed is no speech."""
        if self.say is None or isinstance(self.say, str):
            return self.say or ""
        return " ".join(piece if isinstance(piece, str) else "…" for piece in self.say)

    @property
    def is_sound(self) -> bool:
        """Whether the deed is something that is heard on the line."""
        return not (self.say is None and self.wav is None and self.noise is None)

    def deeds(self) -> list[str]:
        """The names of what is done."""
        return [name for name in _DEEDS if getattr(self, name) is not None]


class Interruption(Deed):
    """A deed over the agent's speech, `after_ms` from its first sound."""

    after_ms: int = Field(ge=0)

    @model_validator(mode="after")
    def _a_deed(self) -> Interruption:
        if len(self.deeds()) != 1:
            raise ValueError(f"an interruption has one of {', '.join(_DEEDS)}")
        return self


class Turn(Deed):
    """A deed of the caller's, and what is expected of it. Without a deed: wait for the agent to speak."""

    interrupt: Interruption | None = None
    pause_ms: int = Field(default=0, ge=0, description="extra silence before the deed")
    expect: Annotated[tuple[Expected, ...], BeforeValidator(_as_tuple)] = ()

    @model_validator(mode="after")
    def _one_deed(self) -> Turn:
        if len(self.deeds()) + (self.interrupt is not None) > 1:
            raise ValueError(f"a turn has one of {', '.join(_DEEDS)}, interrupt")
        return self

    @property
    def deed(self) -> Deed:
        """What is done, wherever it stands."""
        return self.interrupt or self

    @property
    def awaits_reply(self) -> bool:
        """Whether the agent is to answer, so that its silence is a failure."""
        if self.deed.hangup:
            return False
        if any(expected.turns == 0 or expected.resumes_within_ms is not None for expected in self.expect):
            return False
        wanted = any(expected.says or expected.within_ms is not None for expected in self.expect)
        return wanted or self.deed.hold is None


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

    @property
    def needs_person(self) -> bool:
        """Whether somebody must take the call over."""
        return any(expected.ends == "transfer" for turn in self.turns for expected in turn.expect)


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
    turns = tuple(_beside(turn, path) for turn in scenario.turns)
    return scenario.model_copy(update={"turns": turns})


def _beside(turn: Turn, path: Path) -> Turn:
    """The turn with its sound file found beside the scenario."""
    if turn.deed.wav is None:
        return turn
    found = path.parent / turn.deed.wav
    if not found.is_file():
        raise ScenarioError(f"{path}: no such sound file: {turn.deed.wav}")
    if turn.interrupt is not None:
        return turn.model_copy(update={"interrupt": turn.interrupt.model_copy(update={"wav": found})})
    return turn.model_copy(update={"wav": found})

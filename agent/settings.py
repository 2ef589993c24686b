# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's settings:

Where its engines are, and how they are set. Light to import: no engine is loaded here.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from agent.turns.settings import Prompts, TurnSettings


class VadSettings(BaseModel):
    """The gate's knobs. Probabilities in [0, 1], times in milliseconds.

    The thresholds are Silero's own (start at 0.5, stop 0.15 below). Two windows start speech: one alone is
    often a click. Three windows (96 ms) stop it: stop closures inside words last 50–90 ms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_probability: float = Field(default=0.5, ge=0, le=1)
    stop_probability: float = Field(default=0.35, ge=0, le=1)
    start_ms: int = Field(default=64, ge=32, le=1000)
    stop_ms: int = Field(default=96, ge=32, le=2000)
    echo_gate: bool = Field(default=True, description="keep the agent's own echo from interrupting it")


class WhisperSettings(BaseModel):
    """How Whisper decodes.

    `padding_frames` is the silence kept after the sound, in feature frames of 10 ms. `max_tokens` bounds a
    decoder that loops.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path = Path("models/recognizer-en")
    language: str = "en"
    device: str = "auto"
    compute_type: str = Field(default="default", description="CTranslate2's: int8, float16, …")
    threads: int = Field(default=1, ge=1, le=64)
    beam_size: int = Field(default=5, ge=1, le=10)
    crop: bool = True
    padding_frames: int = Field(default=50, ge=0, le=3000)
    max_tokens: int = Field(default=48, ge=4, le=224)
    least_logprob: float = Field(
        default=-1.05, description="mean log probability below which the words count as noise"
    )
    largest_batch: int = Field(default=4, ge=1, le=32, description="sounds of several calls decoded together")
    ballast: Path | None = Field(
        default=None, description="a second Whisper that decodes the same sound for its time alone: benches"
    )


class PiperSettings(BaseModel):
    """Which voice speaks, and how.

    `noise_scale` 0 makes two syntheses of a text bit-identical, so a recording can be reproduced. `gain_db`
    brings a voice to a telephone's level; samples are limited, never wrapped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path = Path("models/voice-en")
    length_scale: float = Field(default=1.0, ge=0.5, le=2.0, description="above 1: slower")
    noise_scale: float = Field(default=0.0, ge=0.0, le=2.0)
    gain_db: float = Field(default=0.0, ge=-30.0, le=30.0)
    threads: int = Field(default=1, ge=1, le=16)


class EndOfTurnSettings(BaseModel):
    """What judges whether a caller has finished: a folder with our model or with a Smart-Turn v3 ONNX file.

    None: nothing does, and silence alone decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path | None = Path("models/turn-end-en")


class DialogueSettings(BaseModel):
    """Where the dialogue answers, and how long a caller can be kept waiting for it. Seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = "http://127.0.0.1:5005"
    timeout_s: float = Field(default=4.0, gt=0, le=60)


class AdmissionSettings(BaseModel):
    """When one more call would cost those in progress their quick replies (docs/measurements.md).

    `most_busy` is the share of the machine's processors that may be in use with the new call (0 to 1): queues
    grow without bound near 1. `call_busy` is what a call adds to it until it has been measured, for
    `settle_s` seconds. `work_s` is what recognition, dialogue and synthesis may take of a reply at p95:
    with the silence that ends a turn and the line it makes 0.9 s. `retry_after_s` is what a refused
    caller's switch is told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_busy: float = Field(default=0.9, gt=0, le=1)
    call_busy: float = Field(default=0.02, ge=0, le=1)
    settle_s: float = Field(default=2.5, gt=0, le=60)
    work_s: float = Field(default=0.5, gt=0, le=10)
    retry_after_s: int = Field(default=5, ge=1, le=3600)


class AgentSettings(BaseModel):
    """One agent process.

    `listen` is `unix:///path` or `ws://host:port`, where gateway workers connect. `domain` is read for the
    fixed sentences of the dialogue, which are synthesised before the first call.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str = Field(default="unix://var/run/agent.sock", pattern=r"^(unix|ws)://.+")
    redis_url: str = "redis://127.0.0.1:6390/0"
    dialogue: DialogueSettings = DialogueSettings()
    vad: VadSettings = VadSettings()
    recognizer: WhisperSettings = WhisperSettings()
    voice: PiperSettings = PiperSettings()
    end_of_turn: EndOfTurnSettings = EndOfTurnSettings()
    turns: TurnSettings = TurnSettings()
    prompts: Prompts = Prompts()
    domain: Path | None = Path("domain")
    transfer_target: str = "sip:operator@127.0.0.1:5080"
    max_calls: int = Field(default=4, ge=1, le=64, description="calls that this process serves at once")
    admission: AdmissionSettings = AdmissionSettings()

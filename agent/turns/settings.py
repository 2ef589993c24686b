# SPDX-License-Identifier: GPL-3.0-or-later
"""Every knob of turn-taking in one place, with its unit and its default."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EndpointingSettings(BaseModel):
    """How much silence ends a turn, by what is expected; milliseconds from the end of speech.

    People leave 200–240 ms between turns and pause up to a second inside one. A yes or a no has no inside;
    free speech has. Where a turn-end model judges (`agent.end_of_turn`), a thought that is `sure`ly
    finished ends after `sure_ms`, one that is surely not waits `unfinished_ms`, and the rest follows the
    caller's own pauses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    yes_no_ms: int = Field(default=250, ge=100, le=5000)
    digits_ms: int = Field(default=3000, ge=100, le=10000, description="until the count is full")
    amount_ms: int = Field(default=550, ge=100, le=5000)
    date_ms: int = Field(default=700, ge=100, le=5000)
    name_ms: int = Field(default=700, ge=100, le=5000)
    free_ms: int = Field(
        default=550, ge=100, le=5000, description="to start with; then the caller's own pauses"
    )
    free_shortest_ms: int = Field(default=350, ge=100, le=5000)
    free_longest_ms: int = Field(default=1500, ge=100, le=5000)
    cut_off_ms: int = Field(
        default=700, ge=0, le=5000, description="speech so soon after a commit shows that it was cut off"
    )
    unfinished_ms: int = Field(
        default=3500, ge=100, le=20000, description="after a trailing “and”, “to”, “um”: more will come"
    )
    whole_ms: int = Field(default=300, ge=100, le=5000, description="after a word that is a whole answer")
    sure_ms: int = Field(default=200, ge=100, le=5000, description="where the thought is surely finished")
    full_ms: int = Field(default=100, ge=0, le=5000, description="when the count of digits is full")
    doubtful_ms: int = Field(default=1300, ge=100, le=20000, description="where more will rather come")
    patient_ms: int = Field(default=1600, ge=100, le=20000, description="where more will surely come")
    interrupting_ms: int = Field(
        default=1000, ge=100, le=20000, description="at most, of words that keep the agent silent"
    )
    sure: float = Field(default=0.7, ge=0, le=1, description="probability from which it is finished")
    even: float = Field(default=0.45, ge=0, le=1, description="probability that changes nothing")
    unsure: float = Field(default=0.2, ge=0, le=1, description="probability below which more will come")


class TurnSettings(BaseModel):
    """Turn-taking of one conversation. All times in milliseconds of audio."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpointing: EndpointingSettings = EndpointingSettings()
    speculate_ms: int = Field(
        default=120, ge=0, le=1000, description="silence after which recognition starts"
    )
    partial_ms: int = Field(
        default=1500, ge=200, le=10_000, description="speech between two recognitions of what was said so far"
    )
    urgent_partial_ms: int = Field(
        default=500, ge=200, le=10_000, description="as partial_ms, where speech keeps the agent silent"
    )
    sure_word: float = Field(
        default=0.7, ge=0, le=1, description="confidence from which a single word interrupts the agent"
    )
    wordless_ms: int = Field(
        default=900, ge=200, le=10_000, description="sound without a word for so long does not stop the agent"
    )
    rewind_ms: int = Field(
        default=160, ge=0, le=2000, description="how far a resumed speech goes back: the word that was cut"
    )
    preroll_ms: int = Field(
        default=200, ge=0, le=1000, description="sound before the onset that is recognised too"
    )
    barge_in_ms: int = Field(default=100, ge=0, le=2000, description="speech that long pauses the agent")
    noise_ms: int = Field(
        default=350,
        ge=0,
        le=2000,
        description="speech without words shorter than this is a noise, not a turn",
    )
    max_utterance_ms: int = Field(
        default=28_000, ge=1000, le=29_000, description="Whisper hears 30 s at most"
    )
    recognition_timeout_ms: int = Field(
        default=1500, ge=500, le=30_000, description="then the words count as not understood"
    )
    filler_ms: int = Field(
        default=1200, ge=300, le=20_000, description="an answer that takes longer gets a filler"
    )
    patience_ms: int = Field(
        default=60_000, ge=1000, le=600_000, description="check-in after the caller asked for a moment"
    )
    key_idle_ms: int = Field(default=4000, ge=500, le=30_000, description="keys end after this pause")
    menu_key_idle_ms: int = Field(
        default=1500, ge=200, le=30_000, description="as key_idle_ms, where no digits were asked for"
    )
    check_in_ms: int = Field(default=8000, ge=1000, le=120_000, description="silence before a check-in")
    check_ins: int = Field(default=2, ge=0, le=10, description="check-ins before the goodbye")


class Prompts(BaseModel):
    """What the agent says on its own account, where the dialogue is not asked or can't answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filler: str = "One moment, please."
    check_in: str = "Are you still there?"
    no_input_goodbye: str = "I can't hear you, so I will end the call now. Please call again. Goodbye."
    dialogue_failed: str = "I am sorry, something went wrong on our side. Could you say that again, please?"
    dialogue_failed_again: str = "I am sorry, our system can't answer now. I will connect you to a person."
    resumed: str = "I am sorry, I lost you for a moment. Could you say that again, please?"
    transfer_failed: str = "I am sorry, nobody can take your call right now. What else can I do for you?"

# SPDX-License-Identifier: GPL-3.0-or-later
"""How the agent speaks to this caller: pace and loudness, changed in steps as the caller wishes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from contracts.reply import VoiceChange

# A fifth slower is heard as slower without sounding drunk; 6 dB is heard as clearly louder.
_PACE_STEP = 1.2
_SLOWEST, _FASTEST = 1.5, 0.7
_LOUDNESS_STEP_DB = 6.0
_MOST_DB = 12.0


@dataclass(frozen=True, slots=True)
class Manner:
    """`pace` multiplies the length of every sound (above 1: slower); `gain_db` is added to the level."""

    pace: float = 1.0
    gain_db: float = 0.0

    def changed(self, change: VoiceChange) -> Manner:
        """One step in the wished direction, as far as speech stays understandable."""
        match change:
            case "slower":
                return replace(self, pace=min(_SLOWEST, round(self.pace * _PACE_STEP, 3)))
            case "faster":
                return replace(self, pace=max(_FASTEST, round(self.pace / _PACE_STEP, 3)))
            case "louder":
                return replace(self, gain_db=min(_MOST_DB, self.gain_db + _LOUDNESS_STEP_DB))
            case "softer":
                return replace(self, gain_db=max(-_MOST_DB, self.gain_db - _LOUDNESS_STEP_DB))
            case "normal":
                return Manner()

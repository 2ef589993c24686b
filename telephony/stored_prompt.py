# SPDX-License-Identifier: GPL-3.0-or-later
"""A prompt kept in a WAV file, played by the gateway itself when no agent is there to speak.

The shipped one, one_moment.wav, is made by the shipped voice:

    import wave
    from agent.piper_voice import PiperSynthesizer
    from agent.settings import PiperSettings

    with wave.open("telephony/one_moment.wav", "wb") as wav:
        wav.setparams((1, 2, 8000, 0, "NONE", ""))
        wav.writeframes(PiperSynthesizer(PiperSettings()).synthesize("One moment, please."))
"""

from __future__ import annotations

import logging
import wave
from pathlib import Path

from contracts.media_stream import SAMPLE_RATE_HZ

log = logging.getLogger(__name__)


def load_prompt(path: Path | None) -> bytes:
    """The PCM (16-bit, mono, 8 kHz) of a WAV file. Missing or of another format:

    logged, and silence of no length.
    """
    if path is None:
        return b""
    try:
        with wave.open(str(path), "rb") as wav:
            found = (wav.getframerate(), wav.getnchannels(), wav.getsampwidth())
            if found != (SAMPLE_RATE_HZ, 1, 2):
                log.error(
                    "prompt %s has %d Hz, %d channels, %d bytes a sample; convert it with: "
                    "sox IN.wav -r 8000 -c 1 -b 16 OUT.wav",
                    path,
                    *found,
                )
                return b""
            return wav.readframes(wav.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        log.error(
            "prompt %s can't be read (%s): callers will hear silence when an agent is lost", path, error
        )
        return b""

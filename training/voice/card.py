# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card of the voice, filled in from the figures of the run that made it."""

from __future__ import annotations

from collections.abc import Mapping

from training.voice.evaluate import Measurement, WordErrors

_CARD = """# Model card: voice-en

A female American English voice for telephone banking, read by plain piper-tts 1.8.0:
`piper.PiperVoice.load("models/voice-en/voice.onnx")`.
16 kHz mono, {parameters} million parameters, one speaker.

## How it was made
From nothing, by `python -m training.voice --out models/voice-en --work DIR {command}`
(code and recipe: `training/voice/`). Its teacher is festival 2.5.0 with the HTS voice
`cmu_us_slt_arctic_hts`, which was itself built from the CMU ARCTIC recordings of one speaker.
Neither recordings nor a pretrained model were used in this training.

- Data: {sentences} sentences ({hours:.2f} h) from a seeded grammar: half a bank agent's speech, a fifth
  dictionary words, the rest everyday sentences; numbers as words. The teacher's outer silence is cut to
  15 ms before and 30 ms after.
- Method: ConvNeXt encoder over espeak-ng's IPA, durations, frame decoder, source–filter head (band-limited
  pulses and noise through minimum-phase mel-cepstral filters). Losses: three spectrograms with log-mel, log
  duration, log pitch, voicing. No discriminator. AdamW, warm-up, cosine from 1.5e-3, batch 16 of 1.3 s.
- {trained}, seed {seed}, {cpu_minutes:.0f} CPU-minutes on one thread.
- The graph drops what lies more than 20 ms before the first sound (40 dB below the loudest).

## Measured
Word error of pocketsphinx 5.1.1 on {held} held-out sentences (two thirds banking). No person has rated the
voice. pocketsphinx's acoustic model expects 16 kHz: at telephone band it mishears the teacher too, so there
only the difference between the rows tells something.

| | banking | general | together |
|---|---|---|---|
| this voice, full band | {student} |
| its teacher, full band | {teacher} |
| this voice, 8 kHz G.711 | {student_telephone} |
| its teacher, 8 kHz G.711 | {teacher_telephone} |

Silence before the first sound: at most {lead:.0f} ms; after the last: {tail:.0f} ms on average.
On one thread: {length:.2f} s of speech in {spent:.0f} ms of CPU, phonemes included
(real-time factor {factor:.4f}).

## Use and limits
- Text must be verbalised first ("twelve dollars", not "$12"): figures and abbreviations are read wrongly.
- `noise_scale` 0 (the config's default) gives the same bits on every call; above 0 the breath noise varies.
  `noise_w` does nothing. `normalize_audio=False` keeps the level, speech at about -20 dBov.
- It sounds like its teacher: clear, even, recognisably synthetic. The intonation of questions is flat. Rare
  names follow espeak-ng's rules of spelling. English only.
- Piper's optional phoneme alignments begin up to 80 ms early (see the last point of "How it was made").
- Say at the start of a call that a machine is speaking.

## Licences of the ingredients
| ingredient | part in it | licence |
|---|---|---|
| festival 2.5.0 | reads the sentences | permissive, BSD-like (University of Edinburgh and others) |
| festvox-us-slt-hts | the teacher's voice | permissive, BSD-like (Carnegie Mellon); parts BSD-3-Clause |
| festlex-cmu | pronunciation; words of the corpus | permissive, BSD-like (University of Edinburgh) |
| festlex-poslex | parts of speech | permissive, BSD-like (University of Edinburgh) |
| espeak-ng, inside piper-tts | text to IPA, in training and in use | GPL-3.0-or-later |
| piper-tts 1.8.0 | runs the voice; phoneme map of the config | GPL-3.0-or-later |
| pyworld 0.3.5, WORLD | pitch tracks of the training data | MIT; WORLD modified BSD |
| pocketsphinx 5.1.1 | measurement only | BSD-2-Clause |

The voice itself is GPL-3.0-or-later, as Tellerline is. `SHA256SUMS` lists its files.
"""


def model_card(measured: Measurement, figures: Mapping[str, float]) -> str:
    """The text of MODEL_CARD.md.

    `figures` holds step (reached), steps (of the schedule), anneal_from, seed, cpu_minutes, sentences, hours
    and parameters (millions).
    """
    step, steps, seed = int(figures["step"]), int(figures["steps"]), int(figures["seed"])
    annealed = int(figures["anneal_from"])
    early = f" --until {step}" if step < steps else ""
    early += f" --anneal-from {annealed}" if annealed < step else ""
    trained = f"{step} steps" + (f" of a schedule of {steps}" if step < steps else "")
    trained += f", annealed from step {annealed}" if annealed < step else ""
    return _CARD.format(
        parameters=f"{figures['parameters']:.2f}",
        command=f"--steps {steps}{early} --seed {seed}",
        trained=trained,
        seed=seed,
        sentences=int(figures["sentences"]),
        hours=figures["hours"],
        cpu_minutes=figures["cpu_minutes"],
        held=measured.held_sentences,
        student=_row(measured.student),
        teacher=_row(measured.teacher),
        student_telephone=_row(measured.student_telephone),
        teacher_telephone=_row(measured.teacher_telephone),
        lead=measured.leading_silence_max_ms,
        tail=measured.trailing_silence_mean_ms,
        length=measured.speed_sentence_s,
        spent=measured.speed_sentence_ms,
        factor=measured.real_time_factor,
    )


def _row(errors: WordErrors) -> str:
    return f"{errors.banking:.3f} | {errors.general:.3f} | {errors.together:.3f}"

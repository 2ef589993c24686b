# SPDX-License-Identifier: GPL-3.0-or-later
"""Callers that share no code with us: sipp asks a recorded question, baresip records the answer."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.journal.chain import Entry
from agent.journal.store import JournalReader
from agent.piper_voice import PiperSynthesizer
from agent.settings import AgentSettings
from contracts.media_stream import SAMPLE_RATE_HZ
from spoken.verbalise import verbalise
from tellerline.scenario.caller_voice import speech
from tests.conftest import Stack, free_ports
from tests.telephony.signals import likeness

QUESTION = "what is my balance"
# The greeting takes about eight seconds; the question comes after it.
GREETING_S = 9.0
RTP_PORTS = 300


def needs(program: str, package: str) -> pytest.MarkDecorator:
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is missing: apt-get install {package}")


def question(path: Path, subtype: str, form: str) -> None:
    """A sound file: silence for the greeting, the question, silence for the answer."""
    pause = np.zeros(int(GREETING_S * SAMPLE_RATE_HZ), np.int16)
    asked = np.frombuffer(speech(QUESTION), "<i2")
    soundfile.write(path, np.concatenate([pause, asked, pause]), SAMPLE_RATE_HZ, subtype, format=form)


def latest_journal(stack: Stack, since: int) -> list[Entry]:
    """The journal of the newest call, once it is sealed."""
    reader = JournalReader(stack.redis_url)
    for _ in range(100):
        calls = reader.recent(1000)
        if len(calls) > since and calls[0].get("state") == "ended":
            return [stored.entry for stored in reader.entries(calls[0]["call_id"])]
        time.sleep(0.1)
    raise AssertionError("no call came through")


def count_calls(stack: Stack) -> int:
    return len(JournalReader(stack.redis_url).recent(1000))


@needs("sipp", "sip-tester")
@pytest.mark.timeout(120)
def test_sipp_plays_recorded_speech_and_is_understood(stack: Stack, tmp_path: Path) -> None:
    question(tmp_path / "speech.al", "ALAW", "RAW")
    script = (Path(__file__).parent / "sipp_uac.xml").read_text()
    (tmp_path / "uac.xml").write_text(script.replace("SPEECH", str(tmp_path / "speech.al")))
    before = count_calls(stack)
    port = free_ports(1)[0]
    target = stack.sip_uri.partition("@")[2]
    command = ["sipp", "-sf", "uac.xml", "-s", "hotline", target, "-i", "127.0.0.1", "-mi", "127.0.0.1"]
    command += ["-p", str(port), "-m", "1", "-l", "1", "-timeout", "40s", "-nostdin"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    journal = latest_journal(stack, before)
    heard = [entry.data.get("text", "") for entry in journal if entry.kind == "turn_committed"]
    assert any("balance" in text for text in heard), heard
    spoken = " ".join(entry.data["heard"] for entry in journal if entry.kind == "agent_spoke")
    assert "PIN" in spoken


@needs("baresip", "baresip")
@pytest.mark.timeout(120)
def test_baresip_records_the_answer(stack: Stack, tmp_path: Path) -> None:
    question(tmp_path / "speech.wav", "PCM_16", "WAV")
    modules = next(iter(Path("/usr/lib").rglob("baresip/modules")))
    (tmp_path / "config").write_text(
        f"""
poll_method epoll
sip_listen 127.0.0.1:{free_ports(1)[0]}
audio_source aufile,{tmp_path / "speech.wav"}
audio_player aubridge,nil
audio_alert aubridge,nil
rtp_ports 23000-23100
net_interface 127.0.0.1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {tmp_path}
module_app account.so
module_app menu.so
"""
    )
    (tmp_path / "accounts").write_text("<sip:+8613800000001@127.0.0.1>;regint=0;audio_codecs=PCMA/8000/1\n")
    (tmp_path / "contacts").write_text("")
    before = count_calls(stack)
    subprocess.run(
        ["baresip", "-4", "-f", str(tmp_path), "-e", f"/dial {stack.sip_uri}", "-t", "18"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    journal = latest_journal(stack, before)
    answers = [entry.data["text"] for entry in journal if entry.kind == "agent_speaks"]
    assert any("PIN" in answer for answer in answers), answers
    recordings = sorted(tmp_path.glob("dump-*-dec.wav"))
    assert recordings, sorted(path.name for path in tmp_path.iterdir())
    heard, rate = soundfile.read(recordings[0], dtype="int16")
    assert rate == SAMPLE_RATE_HZ
    clause = "To verify you, please key in your four digit PIN."
    spoken = PiperSynthesizer(AgentSettings().voice).synthesize(verbalise(clause))
    assert likeness(heard.astype("<i2").tobytes(), spoken) > 0.8

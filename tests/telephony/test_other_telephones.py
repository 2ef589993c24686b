# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's telephones: sipp plays a recording into the gateway, baresip records what it hears."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from contracts.media_stream import Hangup, Mark, MarkReached, Stop
from telephony.speech_gate import SpeechGate
from tests.telephony.processes import Gateway, free_port, rtp_base
from tests.telephony.scripted_agent import ScriptedAgent
from tests.telephony.signals import chirp, likeness

SCENARIO = Path(__file__).with_name("uac_speech.xml")
RECORDING = Path("/usr/share/sip-tester/g711a.pcap")

needs_sipp = pytest.mark.skipif(
    shutil.which("sipp") is None or not RECORDING.exists(),
    reason="sipp is missing: apt-get install sip-tester",
)
needs_baresip = pytest.mark.skipif(
    shutil.which("baresip") is None, reason="baresip is missing: apt-get install baresip"
)


def alaw_of_capture(path: Path) -> bytes:
    """The RTP payloads of a capture file (pcap, Ethernet, IPv4, UDP)."""
    data, at, payload = path.read_bytes(), 24, []
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        payload.append(data[at + 16 + 14 + 20 + 8 + 12 : at + 16 + length])
        at += 16 + length
    return b"".join(payload)


def decode_alaw(coded: bytes) -> bytes:
    """A-law to 16-bit PCM (ITU-T G.711)."""
    value = np.frombuffer(coded, np.uint8).astype(np.int32) ^ 0x55
    exponent, mantissa = (value >> 4) & 7, value & 15
    magnitude = np.where(
        exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    )
    return np.where(value & 0x80, magnitude, -magnitude).astype("<i2").tobytes()


@needs_sipp
def test_sipp_is_understood(tmp_path: Path) -> None:
    spoken = alaw_of_capture(RECORDING)[: 2 * 8000]
    (tmp_path / "speech.al").write_bytes(spoken)
    with ScriptedAgent(port=free_port()) as agent, Gateway(agent.address, tmp_path / "log") as gateway:
        command = [
            "sipp",
            "-sf",
            str(SCENARIO),
            "-s",
            "hotline",
            f"127.0.0.1:{gateway.port}",
            "-i",
            "127.0.0.1",
        ]
        command += [
            "-mi",
            "127.0.0.1",
            "-p",
            str(free_port()),
            "-m",
            "1",
            "-l",
            "1",
            "-timeout",
            "15s",
            "-nostdin",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=25, check=False)
        assert done.returncode == 0, done.stdout[-1500:]
        call = agent.wait_call()
        call.wait_for(Stop)
    assert (call.start.caller, call.start.callee, call.start.codec) == ("recorded", "hotline", "PCMA")
    wanted = decode_alaw(spoken)
    begin = SpeechGate().first_speech_ms(wanted) or 0
    end = SpeechGate().last_speech_ms(wanted) or 2000
    assert end - begin > 500, "the recording holds speech"
    assert likeness(call.audio, wanted[begin * 16 : end * 16], 100) > 0.95


@needs_baresip
def test_baresip_hears_what_the_agent_says(tmp_path: Path) -> None:
    sound = chirp(1.0)
    config = tmp_path / "baresip"
    config.mkdir()
    recordings = tmp_path / "heard"
    recordings.mkdir()
    (config / "config").write_text(baresip_config(recordings))
    (config / "accounts").write_text("<sip:bare@127.0.0.1>;regint=0\n")
    (config / "contacts").write_text("")
    with ScriptedAgent(port=free_port()) as agent, Gateway(agent.address, tmp_path / "log") as gateway:
        command = ["baresip", "-4", "-f", str(config), "-e", f"/dial {gateway.uri}", "-t", "12"]
        baresip = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            call = agent.wait_call()
            call.wait_frames(25)
            call.send(sound, Mark(name="said"), Hangup(reason="done"))
            assert call.wait_for(MarkReached).played
            call.wait_for(Stop)
            time.sleep(0.3)
        finally:
            baresip.terminate()
            try:
                baresip.wait(5)
            except subprocess.TimeoutExpired:
                baresip.kill()
                baresip.wait()
    heard = [likeness(read_wav(path), sound) for path in recordings.glob("*.wav")]
    assert max(heard, default=0.0) > 0.95


def read_wav(path: Path) -> bytes:
    with wave.open(str(path)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (8000, 1, 2)
        return wav.readframes(wav.getnframes())


def baresip_config(recordings: Path) -> str:
    modules = ["g711.so", "sndfile.so", "aubridge.so", "aufile.so"]
    first_rtp = rtp_base()
    quiet = recordings.parent / "quiet.wav"
    with wave.open(str(quiet), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(bytes(16000 * 10))
    lines = [
        f"sip_listen 127.0.0.1:{free_port()}",
        "net_interface 127.0.0.1",
        f"rtp_ports {first_rtp}-{first_rtp + 199}",
        "audio_player aubridge,null",
        f"audio_source aufile,{quiet}",
        "audio_srate 8000-8000",
        "audio_channels 1-1",
        f"snd_path {recordings}",
        "module_path /usr/lib/baresip/modules",
        *(f"module {name}" for name in modules),
        "module_app account.so",
        "module_app contact.so",
        "module_app menu.so",
        "ausrc_srate 8000",
        "auplay_srate 8000",
    ]
    return "\n".join(lines) + "\n"

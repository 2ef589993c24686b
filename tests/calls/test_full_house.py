# SPDX-License-Identifier: GPL-3.0-or-later
"""A.16: as many callers as there are places, and one more, who is refused at once while the others are served
as usual, each their own answer.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from agent.journal.store import JournalReader
from telephony.settings import GatewaySettings
from tests.conftest import ROOT, Stack

# Question and answer of each caller.
CALLERS = {
    "+8613800003001": ("what are your opening hours", "open Monday to Friday"),
    "+8613800003002": ("are you a robot", "automated assistant, not a person"),
    "+8613800003003": ("what can you do", "tell you your balance"),
}
CALL_S = 60


def start(stack: Stack, folder: Path, number: str) -> subprocess.Popen[str]:
    asks, says = CALLERS[number]
    path = folder / f"{number}.yml"
    path.write_text(
        f'name: caller {number}\ncaller: {{number: "{number}"}}\nturns:\n'
        '  - expect: {says: "this call is recorded"}\n'
        f'  - say: "{asks}"\n    expect: {{says: "{says}", turns: 1, within_ms: 2000}}\n'
    )
    command = [*stack.cli, "call", "--scenario", str(path), "--json", "--config", str(stack.config)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.timeout(240)
def test_one_caller_more_than_there_are_places(stack: Stack, tmp_path: Path) -> None:
    assert len(CALLERS) == GatewaySettings().max_calls
    reader = JournalReader(stack.redis_url)
    calls = {number: start(stack, tmp_path, number) for number in CALLERS}
    try:
        deadline = time.monotonic() + 20
        live: set[str] = set()
        while live != set(CALLERS) and time.monotonic() < deadline:
            recent = reader.recent(len(CALLERS))
            live = {call["from"] for call in recent if call.get("state") == "live"} & set(CALLERS)
            time.sleep(0.05)
        assert live == set(CALLERS)
        refused = stack.tellerline("call", "--number", "+8613800003004", "--say", "hello")
        assert refused.returncode == 2, refused.stdout
        assert "486" in refused.stdout
    finally:
        outputs = {number: call.communicate(timeout=CALL_S)[0] for number, call in calls.items()}
    for number, call in calls.items():
        assert call.returncode == 0, outputs[number]
        heard = json.loads(outputs[number].splitlines()[-1])["calls"][0]["turns"][1]["said"]
        others = [says for other, (_, says) in CALLERS.items() if other != number]
        assert not [says for says in others if says.lower() in heard.lower()], "somebody else's answer"

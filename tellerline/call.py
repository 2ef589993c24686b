# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline call`: ring the hotline up as a simulated caller, and see what was said, heard and how fast."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tellerline.configuration import Configuration, ConfigurationError, load_configuration
from tellerline.scenario.outcome import CallOutcome, TurnOutcome
from tellerline.scenario.script import CallerProfile, Expected, Scenario, ScenarioError, Turn, load_scenario

if TYPE_CHECKING:
    from agent.journal.store import JournalReader
    from telephony.phone_call import PhoneCall

_SIP_PORT = re.compile(r"^sips?:[^@]+@127\.0\.0\.1:(\d+)$")


def call_command(
    say: Annotated[
        list[str] | None,
        typer.Option(
            "--say", "-s", help="What the caller says; repeat it for more turns.", show_default=False
        ),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option("--keys", "-k", help="Keys pressed after what is said.", show_default=False),
    ] = None,
    wav: Annotated[
        list[Path] | None,
        typer.Option("--wav", help="Sound files that the caller plays.", show_default=False),
    ] = None,
    scenario: Annotated[
        list[Path] | None,
        typer.Option("--scenario", "-f", help="Scenario files, one call each.", show_default=False),
    ] = None,
    number: Annotated[str, typer.Option(help="The caller's number.")] = "+8613800000001",
    voice: Annotated[
        str, typer.Option(help="auto, flite:NAME or espeak:NAME; never the agent's own.")
    ] = "auto",
    uri: Annotated[
        str | None, typer.Option(help="Whom to call; the gateway of this installation by default.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(help="Save the call: stereo WAV, caller left, agent right.", show_default=False),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Draw the conversation: an .svg or .png file.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The installation's configuration.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """A simulated caller, over real SIP and RTP.

    Exit code 1 when an expectation fails, 2 when no call came about.

    Examples:

    - `tellerline call --say "what is my balance" --keys 4821`
    - `tellerline call --scenario tests/scenarios/loan_enquiry.yml --record loan.wav --picture loan.svg`
    """
    console = Console(highlight=False)
    try:
        configuration = load_configuration(config)
        scenarios = [load_scenario(path) for path in scenario or []]
        if say or keys or wav or not scenarios:
            scenarios.append(_spontaneous(say or [], keys or [], wav or [], number, voice))
    except (ConfigurationError, ScenarioError) as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from None
    outcomes = _make_calls(scenarios, configuration, uri, _Keepsakes(record, picture), console)
    if as_json:
        print(json.dumps({"passed": all(outcome.passed for outcome in outcomes), **_joined(outcomes)}))
    raise typer.Exit(0 if all(outcome.passed for outcome in outcomes) else 1)


def _spontaneous(say: list[str], keys: list[str], wav: list[Path], number: str, voice: str) -> Scenario:
    """The scenario of a command line: listen to the greeting, then say, play and press what was given."""
    turns = [Turn(expect=(Expected(),))]
    turns += [Turn(say=text) for text in say]
    turns += [Turn(wav=path) for path in wav]
    turns += [Turn(dtmf=row) for row in keys]
    return Scenario(name="a call", caller=CallerProfile(number=number, voice=voice), turns=tuple(turns))


@dataclass(frozen=True, slots=True)
class _Keepsakes:
    """What is kept of a call, of the last one where there are several."""

    recording: Path | None
    picture: Path | None

    def keep(self, call: PhoneCall, outcome: CallOutcome, reader: JournalReader, console: Console) -> None:
        """Write the recording and the picture, as far as they are wanted."""
        from tellerline.picture.draw import Recording, draw
        from tellerline.picture.timeline import timeline_of

        if self.recording is not None:
            call.save_wav(self.recording)
        if self.picture is None:
            return
        heard = Recording(call.recording.sent, call.recording.received)
        entries = [stored.entry for stored in reader.entries(outcome.call_id)]
        try:
            draw(heard, timeline_of(entries), f"{outcome.name}   {outcome.call_id}", self.picture)
        except (OSError, ValueError) as error:
            console.print(f"[red]No picture: {error}.[/]")


def _make_calls(
    scenarios: list[Scenario],
    configuration: Configuration,
    uri: str | None,
    keepsakes: _Keepsakes,
    console: Console,
) -> list[CallOutcome]:
    # PJSIP is loaded only when there is a call to make.
    from redis.exceptions import RedisError

    from agent.journal.store import JournalReader
    from telephony.phone_call import CallFailed
    from telephony.softphone import Softphone
    from tellerline.scenario.caller_voice import NoCallerVoice
    from tellerline.scenario.events import publish_events
    from tellerline.scenario.operator_desk import operator_desk
    from tellerline.scenario.runner import ScenarioRun

    reader = JournalReader(configuration.redis_url)
    target = uri or hotline(configuration)
    outcomes: list[CallOutcome] = []
    with Softphone() as phone, contextlib.ExitStack() as life:
        desk_port = _desk_port(scenarios, configuration)
        try:
            desk = life.enter_context(operator_desk(desk_port)) if desk_port is not None else None
            for scenario in scenarios:
                console.print(f"[bold]{scenario.name}[/]  {scenario.caller.number} → {target}")
                publish_events(scenario.events, configuration.redis_url)
                run = ScenarioRun(scenario, phone, reader, target, desk)
                outcome, call = run.play(lambda turn: _print_turn(turn, console))
                outcomes.append(outcome)
                _print_outcome(outcome, console)
                keepsakes.keep(call, outcome, reader, console)
        except (CallFailed, TimeoutError) as error:
            console.print(f"[red]No call: {error}.[/] Is Tellerline running? `tellerline status` says.")
            raise typer.Exit(2) from None
        except (NoCallerVoice, RedisError, RuntimeError) as error:
            console.print(f"[red]{error}[/]")
            raise typer.Exit(2) from None
    return outcomes


def hotline(configuration: Configuration) -> str:
    """The SIP URI of this installation's gateway."""
    from telephony.settings import GatewaySettings

    gateway = GatewaySettings.model_validate(configuration.gateway)
    host = "127.0.0.1" if gateway.bind_host in ("0.0.0.0", "::") else gateway.bind_host
    return f"sip:hotline@{host}:{gateway.sip_port}"


def _desk_port(scenarios: list[Scenario], configuration: Configuration) -> int | None:
    """Where a scenario that ends with a person needs one to answer on this machine; None when none does."""
    wanted = any(scenario.needs_person for scenario in scenarios)
    local = _SIP_PORT.match(configuration.transfer_target)
    return int(local.group(1)) if wanted and local else None


def _print_turn(turn: TurnOutcome, console: Console) -> None:
    console.print(f"  [cyan]caller[/]  {turn.deed}")
    if turn.heard and not turn.heard.startswith("/"):
        console.print(f"  [dim]heard   {turn.heard}[/]")
    latency = f"  [green]{turn.e2e_latency_ms / 1000:.2f} s[/]" if turn.e2e_latency_ms is not None else ""
    console.print(f"  [magenta]agent[/]   {turn.said or '(silence)'}{latency}")
    for failure in turn.failures:
        console.print(f"  [red]✗ {failure}[/]")


def _print_outcome(outcome: CallOutcome, console: Console) -> None:
    for failure in outcome.late_failures:
        console.print(f"  [red]✗ {failure}[/]")
    summary = outcome.summary()
    verdict = "[green]passed[/]" if outcome.passed else "[red]failed[/]"
    p50 = summary["e2e_latency_p50"]
    speed = f", e2e_latency p50 {p50:.2f} s, max {summary['e2e_latency_max']:.2f} s" if p50 else ""
    console.print(f"{verdict}{speed}  [dim]tellerline journal show {outcome.call_id}[/]\n")


def _joined(outcomes: list[CallOutcome]) -> dict[str, object]:
    from statistics import median

    latencies = [latency for outcome in outcomes for latency in outcome.latencies_ms]
    p50 = round(median(latencies) / 1000, 3) if latencies else None
    return {"e2e_latency_p50": p50, "calls": [outcome.summary() for outcome in outcomes]}

# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up steps that need the dependencies: the generated bank, the trained dialogue, the shipped models.

They run in `.venv`, as `tellerline setup`, also for an installation of its own configuration (`--config`).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tellerline import preflight
from tellerline.configuration import ROOT, Configuration, load_configuration
from tellerline.layout import layout_of
from tellerline.processes import bank_environment
from tellerline.setup.steps import SetupFailed, Steps
from tellerline.trained_dialogue import RASA_ENVIRONMENT, adopt, find_model, training_command

STARTED_VARIABLE = "TELLERLINE_SETUP_STARTED"


def prepare_project(overlay: Path | None) -> int:
    """Fill the bank, train the dialogue, check the models: what is not there yet. The exit code."""
    started = float(os.environ.pop(STARTED_VARIABLE, time.time()))
    try:
        configuration = load_configuration(overlay)
        layout = layout_of(configuration)
        os.umask(0o077)  # bank and logs are nobody else's to read
        layout.create()
        steps = Steps(layout.log / "setup.log")
        _fill_bank(configuration, steps)
        _train_dialogue(configuration, steps)
        problems = preflight.missing_models(configuration, layout)
        if problems:
            raise SetupFailed("\n".join(f"{p.what}\n  To mend it: {p.remedy}" for p in problems))
        steps.done("speech models")
    except (SetupFailed, ValueError, OSError) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    print(f"Set up in {time.time() - started:.0f} s.", flush=True)
    return 0


def _fill_bank(configuration: Configuration, steps: Steps) -> None:
    title = "the generated bank"
    if configuration.bank.database_url is not None:
        # A real database is never filled with invented people behind its owner's back.
        steps.done("the bank", "its own database; `python -m bank.generator` would fill an empty one")
        return
    steps.run(
        title,
        [
            sys.executable,
            "-m",
            "bank.generator",
            "--customers",
            str(configuration.bank.customers),
            "--seed",
            str(configuration.bank.seed),
        ],
        f"remove {preflight.sqlite_file(configuration)} and run `make setup` again",
        environment={**bank_environment(configuration), "PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
    )


def _train_dialogue(configuration: Configuration, steps: Steps) -> None:
    folder = configuration.rasa_models
    title = "the trained dialogue"
    model = find_model(ROOT, folder)
    if model is not None and model.current:
        steps.done(title, model.path.name)
        return
    out = folder / f".training-{os.getpid()}"
    try:
        steps.run(
            title,
            training_command(ROOT, out),
            "mend the file that Rasa names above and run `make setup` again",
            environment=RASA_ENVIRONMENT,
            cwd=ROOT,
        )
        adopt(ROOT, folder, out)
    except SetupFailed as failure:
        if model is None:
            raise
        # A mistake in a domain file must not take the telephone line down: the last good dialogue goes on.
        steps.warn(f"{failure}\n  The last good dialogue stays in use: {model.path.name}")

# SPDX-License-Identifier: GPL-3.0-or-later
"""A house of two rooms, a Redis and a web server, run by the real supervision: `python small_house.py CONFIG
WEB_PORT`.

What `tellerline run` does in the foreground, without the half minute that Rasa needs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from tellerline import health
from tellerline.configuration import Configuration, load_configuration
from tellerline.processes import Port, ProcessSpec, specify
from tellerline.run_command import ending_signals, run_processes

# A child that does not listen to SIGTERM: such ones exist, and the stop must not wait for them.
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def small_specs(configuration: Configuration, web_port: int, *, stubborn: bool = False) -> list[ProcessSpec]:
    """The private Redis of the configuration, a web server, and perhaps a process that ignores SIGTERM."""
    redis = next(spec for spec in specify(configuration, Path("none"), "") if spec.name == "redis")
    served = configuration.var_path / "redis"
    web = ProcessSpec(
        name="web",
        command=(sys.executable, "-m", "http.server", str(web_port), "-b", "127.0.0.1", "-d", str(served)),
        probe=health.http_probe(f"http://127.0.0.1:{web_port}", "/"),
        where=f"127.0.0.1:{web_port}",
        remedy="a remedy for web",
        ports=(Port("127.0.0.1", web_port, "tcp", "web.port"),),
        settle_s=1,
    )
    mule = ProcessSpec(
        name="mule",
        command=(sys.executable, "-c", STUBBORN),
        probe=lambda: health.Health(True),
        where="nowhere",
        remedy="none",
        settle_s=1,
    )
    return [redis, web, mule] if stubborn else [redis, web]


def main() -> int:
    """Run the small house in the foreground until a signal."""
    configuration = load_configuration(Path(sys.argv[1]))
    specs = small_specs(configuration, int(sys.argv[2]), stubborn="--stubborn" in sys.argv)
    with ending_signals() as ended:
        return run_processes(configuration, specs, 1, False, ended, Console(highlight=False, width=200))


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an installation keeps what changes at run time.

Linux limits the path of a Unix socket to 107 bytes, and a checkout or a temporary folder may lie deeper than
that; then the sockets go into a short private folder, named after the installation so that two of them never
meet.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tellerline.configuration import Configuration

# supervisord binds to "<path>.<pid>" before it renames, hence the room below Linux's 107.
MAX_SOCKET_BYTES = 90
_LONGEST_SOCKET_NAME = "supervisor.sock"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one installation."""

    var: Path
    sockets: Path

    @property
    def run(self) -> Path:
        """Rendered configurations and state of the running instance (mode 0700: it may hold secrets)."""
        return self.var / "run"

    @property
    def log(self) -> Path:
        """One log file a process."""
        return self.var / "log"

    @property
    def redis(self) -> Path:
        """The private Redis' append-only file."""
        return self.var / "redis"

    @property
    def supervisor_config(self) -> Path:
        """What supervisord reads (mode 0600)."""
        return self.run / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """Where supervisord listens."""
        return self.sockets / _LONGEST_SOCKET_NAME

    @property
    def supervisor_pid(self) -> Path:
        """supervisord's pid file."""
        return self.run / "supervisord.pid"

    @property
    def state(self) -> Path:
        """What `tellerline run` started, for `status` and `stop`."""
        return self.run / "instance.json"

    def create(self) -> None:
        """Make the folders, with the rights that they need. Raises OSError, and PermissionError for a foreign
        socket folder.
        """
        self.var.mkdir(parents=True, exist_ok=True)
        for private in (self.run, self.sockets, self.log, self.redis):
            private.mkdir(parents=True, exist_ok=True, mode=0o700)
            state = private.lstat()
            if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid():
                raise PermissionError(f"{private} belongs to somebody else: remove it or set another `var`")
            private.chmod(0o700)


def layout_of(configuration: Configuration) -> Layout:
    """The folders of the installation."""
    var = configuration.var_path
    sockets = var / "run"
    if len(os.fsencode(sockets / _LONGEST_SOCKET_NAME)) > MAX_SOCKET_BYTES:
        sockets = Path(tempfile.gettempdir()) / f"tellerline-{os.getuid()}-{configuration.instance}"
    return Layout(var=var, sockets=sockets)

"""The programs of PostgreSQL's client: which one fits, and running it.

Names of servers and passwords are given in the environment, which other users of the
machine do not see as they see arguments.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

from .encryption import CHUNK, Writer
from .errors import BackupError

__all__ = ["PgProgram"]

_INSTALLED = Path("/usr/lib/postgresql")
_VARIABLES = {
    **{"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"},
    **{"password": "PGPASSWORD", "sslmode": "PGSSLMODE", "sslcert": "PGSSLCERT"},
    **{"sslkey": "PGSSLKEY", "sslrootcert": "PGSSLROOTCERT", "passfile": "PGPASSFILE"},
    **{"service": "PGSERVICE", "connect_timeout": "PGCONNECT_TIMEOUT"},
    **{"target_session_attrs": "PGTARGETSESSIONATTRS", "hostaddr": "PGHOSTADDR"},
    **{"options": "PGOPTIONS", "channel_binding": "PGCHANNELBINDING"},
}
_INHERITED = ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR", "KRB5CCNAME")
"""Not the secrets of the server."""
_QUIET = re.compile(r"warning: (there are circular|You may|Consider)|detail:|hint:")


@dataclass(frozen=True, slots=True)
class PgProgram:
    path: Path
    version: int

    @classmethod
    def found(cls, name: str, server: int, folder: str = "") -> PgProgram:
        """The oldest installed one that is not older than the server.

        Raises BackupError.
        """
        programs = [
            cls(path, version)
            for path in _paths(name, folder)
            if (version := _version(path)) is not None
        ]
        fitting = [one for one in programs if one.version >= server]
        if fitting:
            return min(fitting, key=lambda one: one.version)
        had = ", ".join(str(one.version) for one in programs)
        raise BackupError(
            f"{name} of PostgreSQL {server} or newer not found"
            f"{f' (only of {had})' if had else ''}: install postgresql-client-{server}"
            " or name its folder in HAYSTACK['BACKUP']['PROGRAMS']"
        )

    def read(
        self, words: Mapping[str, str], arguments: Sequence[str], output: Writer
    ) -> None:
        """Pass what the program writes on. Raises BackupError."""
        self.run(words, arguments, output, None)

    def write(
        self, words: Mapping[str, str], arguments: Sequence[str], file: IO[bytes]
    ) -> None:
        """Have the program read a file. Raises BackupError."""
        self.run(words, arguments, None, file)

    def run(
        self,
        words: Mapping[str, str],
        arguments: Sequence[str],
        output: Writer | None,
        file: IO[bytes] | None,
    ) -> None:
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL if file is None else subprocess.PIPE,
                stdout=subprocess.DEVNULL if output is None else subprocess.PIPE,
                stderr=errors,
                env=_environment(words),
            )
            try:
                feeding = _Feeding(process, file)
                if output is not None and process.stdout is not None:
                    while data := process.stdout.read(CHUNK):
                        output.write(data)
                feeding.end()
                status = process.wait()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            errors.seek(0)
            text = errors.read().decode(errors="replace")
        if status:
            raise BackupError(f"{self.path.name}: {_reason(text, status)}")


class _Feeding:
    """A thread that writes a file to a program, and what it failed by."""

    def __init__(
        self, process: subprocess.Popen[bytes], file: IO[bytes] | None
    ) -> None:
        self._process, self._file = process, file
        self._error: BaseException | None = None
        self._thread = Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        if self._file is None or self._process.stdin is None:
            return
        try:
            with self._process.stdin as pipe:
                while data := self._file.read(CHUNK):
                    pipe.write(data)
        except BrokenPipeError:
            pass  # its status says why
        except BaseException as error:
            self._error = error
            self._process.kill()

    def end(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error


def _paths(name: str, folder: str) -> list[Path]:
    """Those of the given folder, of Debian's packages, and on the PATH."""
    on_path = shutil.which(name)
    return [
        *([Path(folder) / name] if folder else []),
        *sorted(_INSTALLED.glob(f"*/bin/{name}")),
        *([Path(on_path)] if on_path else []),
    ]


def _version(path: Path) -> int | None:
    try:
        found = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"\) (\d+)", found.stdout)
    return int(number[1]) if number else None


def _environment(words: Mapping[str, str]) -> dict[str, str]:
    named = {
        _VARIABLES[name]: value for name, value in words.items() if name in _VARIABLES
    }
    ours = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return ours | {"LC_ALL": "C.UTF-8"} | named


def _reason(text: str, status: int) -> str:
    lines = [line for line in text.splitlines() if line and not _QUIET.search(line)]
    return " ".join(lines[:3]) if lines else f"it ended with status {status}"

"""Python processes that are forked from one that has imported Django and the rest.

    process = Forked(["-m", "uvicorn", ..], environ, folder / "server.log")
    done = run(["manage.py", "check"], environ)

Importing takes 0.6 s of CPU, most of what a server or a command needs to start. The
settings are read after the fork. Tests of processes as such start them by
``subprocess``.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings
from django.db import connections

from tests.patience import PATIENCE

__all__ = ["ROOT", "Forked", "run"]

ROOT = Path(__file__).resolve().parents[1]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.preloaded"])


class Forked:
    """``subprocess.Popen`` of python with ``words``, as far as tests need it.

    They are ``-m module``, ``-c code`` or a file, and its arguments.
    """

    def __init__(
        self, words: Sequence[str], environ: Mapping[str, str], out: Path, err: Path
    ) -> None:
        self._process = _CONTEXT.Process(
            target=_main, args=(list(words), dict(environ), out, err), daemon=True
        )
        self._process.start()
        assert self._process.pid
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float = PATIENCE) -> int:
        self._process.join(timeout)
        code = self.poll()
        assert code is not None, f"the process did not end in {timeout} s"
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    words: Sequence[str], environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """``subprocess.run`` with captured texts."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        code = Forked(words, environ, out, err).wait()
        return subprocess.CompletedProcess(
            list(words), code, out.read_text(), err.read_text()
        )


def _main(words: list[str], environ: dict[str, str], out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    try:
        _run(words)
    finally:
        if settings.configured:
            connections.close_all()  # as ends of processes do, not those of forks


def _run(words: list[str]) -> None:
    first, *rest = words
    if first == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "-c", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = words
        runpy.run_path(first, run_name="__main__")

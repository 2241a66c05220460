"""Servers in processes of their own, on one of the databases of the tests."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from django.conf import settings
from django.db import connections

from tests.forks import ROOT, Forked
from tests.patience import PATIENCE

__all__ = ["ROOT", "UVICORN", "Server", "Servers", "url_of"]


def url_of(alias: str) -> str:
    """``DATABASE_URL`` of the database that the tests use now."""
    at = connections[alias].settings_dict
    if connections[alias].vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    login = ":".join(quote(at[key]) for key in ("USER", "PASSWORD") if at[key])
    return f"postgresql://{login}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


UVICORN = [
    *("-m", "uvicorn", "project.asgi:application"),
    *("--port", "{port}", "--lifespan", "off", "--no-access-log"),
    *("--ws-per-message-deflate", "true"),
]


class Server:
    """One uvicorn process; leaving the context ends it.

    ``environ`` is more of its environment. Without a ``command`` it is forked, which
    is faster. ``{port}`` in the command is its port.
    """

    def __init__(self, url: str, folder: Path, **environ: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.root = f"http://127.0.0.1:{self.port}"
        self.command: list[str] | None = None
        self.cwd = ROOT
        self.log = folder / f"server-{self.port}.log"
        self.environ = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": url,
            "SECRET_KEY": settings.SECRET_KEY,  # tokens of the tests are valid there
            "VAR_DIR": str(folder),
            "HAYSTACK_THROTTLE": "off",
            "HAYSTACK_TICK_SECONDS": "0",
            "HAYSTACK_SCRAM_ITERATIONS": "4096",
            "HAYSTACK_WORKER": "external",
            **environ,
        }

    def __enter__(self) -> Self:
        self.process = self._started()
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self

    def _started(self) -> Forked | subprocess.Popen[bytes]:
        words = [word.format(port=self.port) for word in self.command or UVICORN]
        if self.command is None:
            return Forked(words, self.environ, self.log, self.log)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                words, cwd=self.cwd, env=self.environ, stdout=log, stderr=log
            )

    def __exit__(self, *_: Any) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def answers(self) -> bool:
        with socket.socket() as tried:
            tried.settimeout(1)
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def runs(self) -> bool:
        return hasattr(self, "process") and self.process.poll() is None


class Servers:
    """Servers that tests share: one for each database, environment and number.

    Starting one takes more CPU than most tests that ask it. A test may stop its
    server: the next that wants it starts it again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: dict[tuple[Any, ...], Server] = {}

    def running(self, url: str, number: int = 0, **environ: str) -> Server:
        key = (url, number, *sorted(environ.items()))
        if key not in self.made:
            self.made[key] = Server(url, self.folder, **environ)
        server = self.made[key]
        return server if server.runs() else server.__enter__()

    def stop(self) -> None:
        for server in self.made.values():
            if server.runs():
                server.__exit__()

"""Workers in processes of their own, on the database of the tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings as project

from tests.api.servers import url_of
from tests.forks import Forked

__all__ = ["Workers", "workers"]


@dataclass
class Workers:
    """Starts workers on the database ``alias``, with a lease of 2 s and ``environ``.

    All of them write to ``log``.
    """

    alias: str
    folder: Path
    environ: dict[str, str]
    started: list[Forked] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "worker.log"

    def __call__(self, *words: str) -> Forked:
        """Another worker, with arguments of its command."""
        environ = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": url_of(self.alias),
            "SECRET_KEY": project.SECRET_KEY,
            "VAR_DIR": str(self.folder),
            "HAYSTACK_JOB_LEASE_SECONDS": "2",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            **self.environ,
        }
        command = ["manage.py", "haystack_worker", *words]
        self.started.append(Forked(command, environ, self.log, self.log))
        return self.started[-1]

    def end(self) -> None:
        """Kill all of them, also those that stand still."""
        for process in self.started:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        self.started.clear()


@contextmanager
def workers(alias: str, folder: Path, **environ: str) -> Iterator[Workers]:
    """Workers that end with the block."""
    found = Workers(alias, folder, environ)
    try:
        yield found
    finally:
        found.end()

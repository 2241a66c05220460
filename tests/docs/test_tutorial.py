"""docs/tutorial.md: all of it is done, as it is written, on a server of its own.

``UPDATE_PICTURES=1`` writes its pictures anew.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.walks import Shell, begins, follow, steps
from tests.explorer.conftest import browser
from tests.forks import ROOT
from tests.patience import PATIENCE

__all__ = ["browser"]

pytest.importorskip("playwright.sync_api")

FILE = ROOT / "docs" / "tutorial.md"
TEXT = FILE.read_text("utf-8")
SITE = "http://127.0.0.1:8000"
RUN = "make run\n"
# what is installed is that of the tests
MAKE = 'make() { command make -o .venv/.stamp-runtime -o .venv/.stamp-venv "$@"; }\n'
TAKEN = {
    "Chart these": "chart",
    "too warm": "override",
    "Click **Save**": "dashboard",
}
"""Pictures by words of the step that they come after."""
PICTURES = bool(os.environ.get("UPDATE_PICTURES"))


class Reader:
    """The reader's machine: a folder for the data, a port, two terminals."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.root = f"http://127.0.0.1:{self.port}"
        names = ("PATH", "HOME", "LANG")
        self.environ = {name: os.environ[name] for name in names if name in os.environ}
        self.environ |= {"VAR_DIR": str(folder), "PORT": str(self.port)}
        self.log = folder / "server.log"
        self.server: subprocess.Popen[bytes] | None = None
        self.shell = Shell(self.environ)

    def start(self, block: str) -> None:
        """Run what serves until it is stopped."""
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                ["bash", "-c", MAKE + block],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.server.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.shell.close()
        if self.server is not None:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait(PATIENCE)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path)
    yield made
    made.stop()


def test_the_tutorial(reader: Reader, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE * 1_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    files = iter(re.findall(r"^`(docs/tutorial/[\w.]+)`", TEXT, re.M))
    printed, done = "", {"sh": 0, "text": 0, "csv": 0, "walk": 0}
    for kind, text, title in steps(TEXT):
        done[kind] += 1
        text = text.replace(SITE, reader.root)
        if kind == "sh" and text == RUN:
            reader.start(text)
        elif kind == "sh":
            printed = reader.shell.run(text)
        elif kind == "text":
            missing = set(text.splitlines()) - set(printed.splitlines())
            assert not missing, f"{title} printed\n{printed}"
        elif kind == "csv":
            assert begins(ROOT / next(files), text)
        else:
            assert follow(page, text, reader.root, reader.root), text
            picture(page, text)
    context.close()
    assert errors == []
    assert min(done.values()) >= 2 and done["walk"] >= 9


def picture(page: Any, text: str) -> None:
    """Take the picture that comes after a step."""
    for words, name in TAKEN.items():
        if PICTURES and words in text:
            page.wait_for_timeout(1_000)
            page.screenshot(path=FILE.parent / "tutorial" / f"{name}.png")

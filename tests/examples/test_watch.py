"""The example of docs/live.md, as a process beside a server that stops and starts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from queue import Queue
from typing import Any

import pytest

from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.api.servers import ROOT, Servers
from tests.live.conftest import fill
from tests.live.processes import Restartable, restartable
from tests.patience import PATIENCE

SCRIPT = ROOT / "examples" / "watch.py"


class Example:
    """The process; ``line()`` is the next one it prints, without the time."""

    def __init__(self, url: str, filter: str, token: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(SCRIPT), url, filter],
            env={"PATH": os.environ["PATH"], "HAYSTACK_TOKEN": token},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: Queue[str] = Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.startswith("no connection ("):  # as often as it is tried
                self.lines.put(line.strip())

    def line(self) -> str:
        found = self.lines.get(timeout=PATIENCE)
        return found.partition(" ")[2] if "@" in found else found

    def end(self) -> int:
        self.process.kill()
        return self.process.wait(PATIENCE)


@pytest.fixture
def server(transactional_db: None, servers: Servers, settings: Any) -> Restartable:
    fill(storages["default"])
    user("alice")
    return restartable(servers, settings, "alice")


def test_it_prints_what_changes_and_survives_a_restart(server: Restartable) -> None:
    server.write("@a,1,", "@b,2,")
    example = Example(server.url, "point and curVal", server.token)
    try:
        assert sorted([example.line(), example.line()]) == ["@a 1 ok", "@b 2 ok"]
        server.write("@b,3,", "@c,4,")
        assert sorted([example.line(), example.line()]) == ["@b 3 ok", "@c 4 ok"]
        server.stop()
        assert example.line() == "the connection broke; trying again"
        server.start()
        server.write("@a,,", "@b,5,")
        # what did not change is not printed again
        assert sorted([example.line(), example.line()]) == ["@a gone", "@b 5 ok"]
        server.write("@c,6,")
        assert example.line() == "@c 6 ok"
    finally:
        example.end()


@pytest.mark.parametrize(
    ("filter", "token", "reason"),
    [
        ("point and", None, "cut short"),
        ("point", "nonsense", "login failed"),
    ],
)
def test_it_says_why_it_ends(
    server: Restartable, filter: str, token: str | None, reason: str
) -> None:
    example = Example(server.url, filter, token or server.token)
    line = example.line()
    assert line.startswith("the server refuses: ") and reason in line
    assert example.process.wait(PATIENCE) == 1


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/nosuch", "HTTP 403"), ("http", "isn't a valid URI")],
)
def test_a_wrong_url_is_named(server: Restartable, path: str, reason: str) -> None:
    url = server.url.replace("ws://", "http://")
    if path != "http":
        url = server.url.removesuffix("/ws/") + path
    line = Example(url, "point", server.token).line()
    assert line.startswith("no connection: ") and reason in line

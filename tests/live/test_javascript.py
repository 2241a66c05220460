"""live.js in node against a server that stops and starts, and answers ops."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.api.servers import ROOT, Servers
from tests.live.conftest import fill
from tests.live.processes import Restartable, restartable
from tests.patience import PATIENCE

NODE = shutil.which("node")
SCRIPT = ROOT / "tests" / "javascript" / "against_server.mjs"

pytestmark = pytest.mark.skipif(
    not (NODE or os.environ.get("CI")), reason="node (20 or newer) is not installed"
)


class Watching:
    """A node with one watch of a filter."""

    def __init__(self, server: Restartable, filter: str, token: str = "") -> None:
        assert NODE, "node is not installed"
        self.process = subprocess.Popen(
            [
                NODE,
                "--experimental-websocket",
                str(SCRIPT),
                server.url,
                token or server.token,
                filter,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def receive(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def held(self) -> Any:
        """Its records after the next update."""
        while "held" not in (said := self.receive()):
            assert "state" in said, said
        return said["held"]

    def until(self, state: str) -> None:
        while self.receive() != {"state": state}:
            pass

    def ask(self, op: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{op}\n")
        self.process.stdin.flush()
        return self.receive()


@pytest.fixture
def server(transactional_db: None, servers: Servers, settings: Any) -> Restartable:
    fill(storages["default"])
    user("alice")
    return restartable(servers, settings, "alice")


@pytest.fixture
def watching(server: Restartable) -> Iterator[Any]:
    opened: list[Watching] = []

    def watch(filter: str, token: str = "") -> Watching:
        opened.append(Watching(server, filter, token))
        return opened[-1]

    yield watch
    for one in opened:
        one.process.kill()
        one.process.communicate(timeout=PATIENCE)


def test_a_watch_goes_on_over_a_restart(server: Restartable, watching: Any) -> None:
    server.write("@a,1,", "@b,2,")
    node = watching("point and curVal")
    assert node.held() == {"a": 1, "b": 2}
    server.write("@c,3,")
    assert node.held() == {"a": 1, "b": 2, "c": 3}
    server.stop()
    node.until("waiting")
    server.start()
    server.write("@a,,", "@b,5,")
    held = node.held()
    while held != {"b": 5, "c": 3}:
        held = node.held()
    server.write("@c,6,")
    assert node.held() == {"b": 5, "c": 6}


def test_ops_and_refusals(server: Restartable, watching: Any) -> None:
    node = watching("point and curVal")
    assert node.held() == {}
    assert node.ask("about")["answer"][0]["whoami"] == "alice"
    assert node.ask("read") == {"error": "missing filter or ids"}
    assert node.ask("nosuch")["status"] == 404


def test_a_wrong_filter_ends_the_watch(watching: Any) -> None:
    node = watching("point and")
    node.until("open")
    assert "cut short" in node.receive()["reason"]


def test_a_wrong_token_ends_everything(watching: Any) -> None:
    node = watching("point", "nonsense")
    node.until("closed")
    assert node.receive()["reason"]

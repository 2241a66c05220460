"""A server that shuts down does not wait for followers of the change log."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import pytest

from tests.api.conftest import user
from tests.api.servers import UVICORN, Server, url_of
from tests.live.following import get, stream
from tests.patience import PATIENCE


@pytest.mark.usefixtures("scram_passwords")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_followers_are_disconnected(tmp_path: Path, number: signal.Signals) -> None:
    user("alice")
    server = Server(url_of("default"), tmp_path)
    server.command = [sys.executable, *UVICORN]
    with server:
        assert get(server.port)[0] == 200
        followers = [stream(server.port) for _ in range(3)]
        begins = {one.begin() for one in followers}
        server.process.send_signal(number)
        late = threading.Timer(PATIENCE, server.process.kill)  # and no `end` comes
        late.start()
        for one in followers:
            [end] = list(one)
            assert (end.name, end.data["status"]) == ("end", 503)
            assert "shutting down" in end.data["dis"]
            assert one.last_id in begins
        server.process.wait(PATIENCE)
        late.cancel()
        assert "Traceback" not in server.log.read_text()

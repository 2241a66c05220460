"""Large answers do not make a process larger for ever."""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, active_count
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Ref
from haystack_app.serving.memory import Trimmer
from haystack_app.storage.orm import OrmAdapter
from tests.api.callers import databases, make_user, token_of
from tests.api.servers import Server, url_of
from tests.patience import PATIENCE, eventually

THREADS = 8
ROWS = 10_000
DIS = "d" * 800
GROWTH = 60_000
"""KB. Without giving back, a process grows by 110,000 and more; with it, by 20,000."""


def test_trims_once_after_many_requests() -> None:
    trimmed = Event()
    calls: list[int] = []

    def trim() -> None:
        calls.append(1)
        trimmed.set()

    trimmer = Trimmer(trim, seconds=0.2)
    for round in (1, 2):
        trimmed.clear()
        before = active_count()
        for _ in range(50):
            trimmer.trim_soon()
        assert active_count() <= before + 1
        assert trimmed.wait(PATIENCE)
        assert len(calls) == round


class Reader:
    """Reads of one server, in any number of threads."""

    def __init__(self, server: Server, token: str) -> None:
        self.server = server
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
        }

    def read(self, filter: str) -> int:
        """The bytes of the answer."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.server.port, timeout=PATIENCE
        )
        connection.request("GET", f"/api/read?filter={filter}", headers=self.headers)
        answer = connection.getresponse()
        size = len(answer.read())
        assert answer.status == 200
        connection.close()
        return size

    def in_threads(self, filter: str) -> int:
        with ThreadPoolExecutor(THREADS) as pool:
            return min(pool.map(self.read, [filter] * 2 * THREADS))

    @property
    def resident(self) -> int:
        """KB of memory of the process."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])


@pytest.fixture(params=databases("postgres"))
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reader]:
    request.getfixturevalue("transactional_db")
    alias: Any = request.param
    OrmAdapter(using=alias).load_entities(
        {"id": Ref(f"e{n}"), "x": MARKER, "dis": DIS} for n in range(ROWS)
    )
    token = token_of(make_user(alias, "alice", "secret", "operator"), "read")
    with Server(url_of(alias), tmp_path) as server:
        yield Reader(server, token)


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_the_memory_of_large_answers_is_given_back(reader: Reader) -> None:
    assert reader.in_threads("none") < 1_000  # all threads and connections exist
    idle = reader.resident
    assert reader.in_threads("x") > ROWS * len(DIS)
    eventually(lambda: reader.resident < idle + GROWTH, f"{idle} KB")

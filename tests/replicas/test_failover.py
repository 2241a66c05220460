"""The primary is lost and its standby promoted; later the old primary comes back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.outages.site import Load, Site
from tests.patience import eventually
from tests.replicas.conftest import Pair, running

SECONDS = 10
"""From the loss of the primary until writes are stored again, by issue."""


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Commits wait until the standby has them."""
    with running() as made:
        made.primary.wait_for("standby")
        yield made


def both(pair: Pair) -> str:
    """The URL of a database on two hosts, the first of which is the old primary."""
    hosts = ",".join(urlsplit(one.url).netloc for one in (pair.primary, pair.standby))
    hosts = hosts.replace(",postgres@", ",")
    return f"postgresql://{hosts}/site?target_session_attrs=read-write"


def kill(pair: Pair) -> None:
    for process in pair.primary.processes():
        os.kill(process, signal.SIGKILL)
    assert pair.primary.process
    pair.primary.process.wait()
    pair.primary.process = None


def stored(url: str) -> set[int]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT val FROM history WHERE point_id = 'n'")
        return {int(val) for (val,) in rows}


def writes_again(at: Site, number: int) -> float:
    begun = time.monotonic()
    eventually(lambda: at.write(number).status == 200, "writes are stored")
    return time.monotonic() - begun


def test_failover_and_the_old_primary(pair: Pair, tmp_path: Path) -> None:
    url = both(pair)
    with pair.site(tmp_path, url) as at:
        with Load(at, threads=3) as load:
            eventually(lambda: load.answered(200) > 60, "requests are answered")
            begun = time.monotonic()
            kill(pair)
            pair.standby.promote()
            before = len(load.written)
            eventually(lambda: len(load.written) > before + 5, "writes are stored")
            assert time.monotonic() - begun < SECONDS
        assert load.odd == []
        assert load.written <= stored(pair.replica_url)

        # it is the first host, and accepts writes, but not those of the server
        pair.primary.start()
        held = stored(pair.url)
        for number in range(100_000, 100_010):
            assert at.write(number).status == 200
        assert stored(pair.url) == held
        assert set(range(100_000, 100_010)) <= stored(pair.replica_url)

    # neither to a process that has just started, when only the old one is there
    pair.standby.stop()
    with pair.server(tmp_path, url, DB_POOL="false") as server:
        at = Site(server, pair.headers("alice"))
        assert [at.write(200_000 + n).status for n in range(3)] == [503] * 3
        assert at.ask("/api/read?filter=site").status == 503
        assert stored(pair.url) == held
        assert "is not the primary any more" in server.log.read_text()
        pair.standby.start()
        assert writes_again(at, 200_010) < SECONDS
    # nor to one whose cache knows nothing, when both are there
    pair.redis.stop()
    pair.redis.start()
    with pair.server(tmp_path, url) as server:
        at = Site(server, pair.headers("alice"))
        assert at.write(300_000).status == 200
    assert stored(pair.url) == held


def test_a_primary_that_hangs(pair: Pair, tmp_path: Path) -> None:
    with pair.site(tmp_path, both(pair)) as at:
        assert at.write(1).status == 200
        with pair.primary.hung():
            threading.Thread(target=at.write, args=(2,), daemon=True).start()
            time.sleep(0.2)
            pair.standby.promote()
            assert writes_again(at, 3) < SECONDS
        # connections that were open before are not used again
        for number in range(4, 20):
            assert at.write(number).status == 200
        held = stored(pair.replica_url)
        assert {1, 3, *range(4, 20)} <= held
        assert not set(range(3, 20)) & stored(pair.url)

"""SIGTERM: what has begun is finished, and nothing that is broken off was done."""

from __future__ import annotations

import http.client
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.docker.production import serving
from tests.live.conftest import ids_of
from tests.outages.services import Postgres, running
from tests.outages.site import Answer, Site, connected, site
from tests.patience import PATIENCE, eventually

SAMPLES = 60_000


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Postgres) as service:
        assert isinstance(service, Postgres)
        yield service.url


@pytest.fixture
def fresh(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS site WITH (FORCE)")
        connection.execute("CREATE DATABASE site")
    return url.rpartition("/")[0] + "/site"


def stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM history").fetchone()
        assert row
        return int(row[0])


@contextmanager
def held(url: str) -> Iterator[Callable[[], None]]:
    """Writes of the point wait until the context ends or the yielded function is called."""
    with psycopg.connect(url) as holder:
        holder.execute("SELECT id FROM entities WHERE id = 'n' FOR UPDATE")
        yield holder.rollback


def begin(at: Site) -> tuple[threading.Thread, list[Answer | Exception]]:
    """A write, in a thread; what became of it."""
    ends: list[Answer | Exception] = []

    def write() -> None:
        try:
            ends.append(at.write(1))
        except Exception as error:
            ends.append(error)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread, ends


def waits_for_the_lock(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone()
        return row is not None


def terminate(at: Site) -> None:
    at.server.process.send_signal(signal.SIGTERM)
    log = at.server.log
    eventually(lambda: "Shutting down" in log.read_text(), "it has begun to end")


def status(at: Site) -> int:
    return at.server.process.wait(PATIENCE)


@pytest.mark.parametrize(
    ("workers", "ends_as"),
    # uvicorn's one process ends by the signal itself, its supervisor in order
    [("2", 0), ("1", -signal.SIGTERM)],
)
def test_a_request_that_runs_is_finished(
    fresh: str, tmp_path: Path, workers: str, ends_as: int
) -> None:
    with site(fresh, tmp_path, serving(), WEB_CONCURRENCY=workers) as at:
        idle = http.client.HTTPConnection("127.0.0.1", at.server.port)
        idle.request("GET", "/healthz")
        assert idle.getresponse().read()
        with held(fresh) as let_go:
            thread, ends = begin(at)
            eventually(lambda: waits_for_the_lock(fresh), "the write waits")
            terminate(at)
            assert ends == []
            let_go()
            thread.join(PATIENCE)
        [answer] = ends
        assert isinstance(answer, Answer)
        assert (answer.status, answer.text) == (200, 'ver:"3.0"\nempty\n\n')
        assert status(at) == ends_as
        idle.close()
    assert stored(fresh) == 1


def test_a_long_answer_is_finished(fresh: str, tmp_path: Path) -> None:
    with site(fresh, tmp_path, serving(), WEB_CONCURRENCY="2") as at:
        times = (f"2024-01-{n // 3600 // 24 + 1:02}T{clock(n)}" for n in range(SAMPLES))
        rows = "\n".join(f"{time}Z UTC,{n}" for n, time in enumerate(times))
        written = at.ask("/api/hisWrite", f'ver:"3.0" id:@n\nts,val\n{rows}\n')
        assert written.status == 200
        slow = http.client.HTTPConnection("127.0.0.1", at.server.port, timeout=PATIENCE)
        path = "/api/hisRead?id=@n&range=2024-01-01,2024-01-31"
        slow.request("GET", path, headers={**at.headers, "Accept": "text/zinc"})
        answer = slow.getresponse()
        begun = answer.read(100)
        terminate(at)
        body = (begun + answer.read()).decode()
        assert body.count("\n") == SAMPLES + 3
        assert body.endswith(f"{SAMPLES - 1}\n\n")
        slow.close()
        assert status(at) == 0


def clock(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours % 24:02}:{minute:02}:{second:02}"


def test_websockets_are_closed(fresh: str, tmp_path: Path) -> None:
    with site(fresh, tmp_path, serving(), WEB_CONCURRENCY="2") as at:
        with connected(at) as socket:
            assert ids_of(socket.sub("n")) == ["n"]
            terminate(at)
            assert socket.close_code() == 1012  # the service restarts
        assert status(at) == 0


def test_a_request_that_does_not_end_is_broken_off(fresh: str, tmp_path: Path) -> None:
    command = serving(timeout_graceful_shutdown="1")
    with site(fresh, tmp_path, command, WEB_CONCURRENCY="2") as at, held(fresh):
        thread, ends = begin(at)
        eventually(lambda: waits_for_the_lock(fresh), "the write waits")
        terminate(at)
        assert status(at) == 0
        thread.join(PATIENCE)
        [answer] = ends
        assert isinstance(answer, Exception) or answer.status >= 500
    assert stored(fresh) == 0

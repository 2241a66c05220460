"""A database that is down is not waited for, and is used again when it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from haystack_app import breaker as breakers
from haystack_app.breaker import ALIVE, DOWN, SILENT, Breaker
from haystack_app.postgresql.probe import probe
from tests import forks
from tests.api.servers import Server
from tests.outages.services import PgBouncer, Postgres, Redis, folder, running
from tests.outages.site import PREPARE, Answer, Load, Site, site
from tests.patience import PATIENCE, eventually

BACK_SECONDS = 5.0
"""Two on a machine that is not busy; once it was twice the length of the outage."""
POOLED, PLAIN = {"DB_POOL_TIMEOUT": "10"}, {"DB_POOL": "false"}


@pytest.fixture(scope="module")
def own() -> Iterator[Postgres]:
    with running(Postgres) as service:
        assert isinstance(service, Postgres)
        yield service


@pytest.fixture
def postgres(own: Postgres) -> Iterator[Postgres]:
    yield own
    own.start()


@pytest.fixture
def fresh(postgres: Postgres) -> str:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS site WITH (FORCE)")
        connection.execute("CREATE DATABASE site")
    return postgres.url.rpartition("/")[0] + "/site"


def read(at: Site) -> Answer:
    return at.ask("/api/read?filter=site")


def took(act: object) -> tuple[Answer, float]:
    begun = time.monotonic()
    answer = act()  # type: ignore[operator]
    return answer, time.monotonic() - begun


def check_refusals(at: Site) -> None:
    """Once one request was refused, no other waits."""
    eventually(lambda: read(at).status == 503, "the outage is noticed")
    for _ in range(5):
        answer, seconds = took(lambda: read(at))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert seconds < 1


def check_it_is_back(at: Site) -> None:
    begun = time.monotonic()
    eventually(lambda: read(at).status == 200, "the database is used again")
    assert time.monotonic() - begun < BACK_SECONDS


@pytest.mark.parametrize("pool", [POOLED, PLAIN], ids=["pooled", "plain"])
@pytest.mark.parametrize("seconds", [0, 5])
def test_it_is_used_when_it_is_back(
    postgres: Postgres, fresh: str, tmp_path: Path, pool: dict[str, str], seconds: int
) -> None:
    with site(fresh, tmp_path, **pool) as at, Load(at) as load:
        eventually(lambda: load.answered(200) > 20, "requests are answered")
        postgres.stop()
        check_refusals(at)
        time.sleep(seconds)
        postgres.start()
        check_it_is_back(at)
    assert load.odd == []


@pytest.mark.parametrize("pool", [POOLED, PLAIN], ids=["pooled", "plain"])
def test_a_database_that_hangs_takes_no_thread(
    postgres: Postgres, fresh: str, tmp_path: Path, pool: dict[str, str]
) -> None:
    with site(fresh, tmp_path, HAYSTACK_THREADS="2", **pool) as at:
        assert read(at).status == 200
        answers: list[Answer] = []
        stuck = [
            threading.Thread(target=lambda: answers.append(read(at)), daemon=True)
            for _ in range(4)
        ]
        with postgres.hung():
            for thread in stuck:
                thread.start()
            for thread in stuck:
                thread.join(PATIENCE)
            assert [one.status for one in answers] == [503] * 4
            check_refusals(at)
        check_it_is_back(at)


def test_no_connection_is_left_on_the_server(
    postgres: Postgres, fresh: str, tmp_path: Path
) -> None:
    """Those that the pool has go on, and the others are refused."""
    at_server = address(fresh)
    with site(fresh, tmp_path, DB_POOL_MIN="2") as at, ExitStack() as others:
        assert read(at).status == 200
        with pytest.raises(psycopg.OperationalError):
            while True:
                others.enter_context(psycopg.connect(fresh))
        with Load(at, threads=8) as load:
            eventually(lambda: load.answered(200) > 50, "requests are answered")
        assert load.odd == []
        assert "is down" not in at.server.log.read_text()
        assert probe({"conninfo": fresh}, at_server) == ALIVE


def address(url: str) -> tuple[str, int]:
    with psycopg.connect(url.rpartition("/")[0] + "/postgres") as raw:
        return raw.info.hostaddr, raw.info.port


def test_no_connection_is_left_for_a_site_without_a_pool(
    postgres: Postgres, fresh: str, tmp_path: Path
) -> None:
    with site(fresh, tmp_path, **PLAIN) as at:
        assert read(at).status == 200
        with ExitStack() as others:
            with pytest.raises(psycopg.OperationalError):
                while True:
                    others.enter_context(psycopg.connect(fresh))
            answer = read(at)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        check_it_is_back(at)


def test_through_a_pooler(postgres: Postgres, tmp_path: Path) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS pooled WITH (FORCE)")
        connection.execute("CREATE DATABASE pooled")
    direct = f"{postgres.url.rpartition('/')[0]}/pooled"
    with folder() as path, ExitStack() as services:
        pooler = PgBouncer(path, postgres)
        services.callback(pooler.stop)
        pooler.start()
        server = Server(f"{pooler.root}/pooled", tmp_path, DATABASE_DIRECT_URL=direct)
        environ = {**server.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
        done = forks.run(["-c", PREPARE], environ)
        assert done.returncode == 0, done.stderr
        at = Site(server, {"Authorization": f"Bearer {done.stdout.strip()}"})
        services.enter_context(server)
        assert read(at).status == 200
        pooler.stop()
        check_refusals(at)
        pooler.start()
        check_it_is_back(at)
        with postgres.hung():
            assert read(at).status == 503
        check_it_is_back(at)


def test_a_store_in_redis(tmp_path: Path) -> None:
    with running(Redis) as redis, ExitStack() as sites:
        at = sites.enter_context(
            site(
                f"sqlite:///{tmp_path / 'site.sqlite3'}",
                tmp_path,
                HAYSTACK_STORAGE="redis",
                HAYSTACK_THREADS="2",
                REDIS_URL=redis.url,
            )
        )
        assert read(at).status == 200
        redis.stop()
        check_refusals(at)
        redis.start()
        check_it_is_back(at)
        with redis.hung():
            assert read(at).status == 503
            check_refusals(at)
        check_it_is_back(at)


# -- the breaker alone --------------------------------------------------------


class Asked:
    """A server that answers probes."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.threads: set[int] = set()

    def __call__(self) -> str:
        self.asked += 1
        self.threads.add(threading.get_ident())
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Breaker]]:
    monkeypatch.setattr(breakers, "PROBE_SECONDS", 0.01)
    known: list[Breaker] = []
    monkeypatch.setattr(breakers, "_breakers", known)
    monkeypatch.setattr(breakers, "_is_watching", True)
    yield known


@pytest.mark.usefixtures("made")
def test_one_probe_at_a_time_opens_and_closes_it() -> None:
    server, opened = Asked(DOWN, DOWN, DOWN, ALIVE), []
    breaker = Breaker("b", server, lambda: opened.append(breaker.is_open))
    for _ in range(20):
        breaker.suspect()
    eventually(lambda: opened, "it is open")
    eventually(lambda: not breaker.is_open, "it is closed again")
    assert opened == [True] * 3
    assert server.asked == 4
    assert len(server.threads) == 1
    assert threading.get_ident() not in server.threads


@pytest.mark.usefixtures("made")
def test_one_lost_connection_opens_nothing() -> None:
    server, opened = Asked(ALIVE), []
    breaker = Breaker("b", server, lambda: opened.append(1))
    breaker.suspect()
    eventually(lambda: server.asked == 1 and not breaker._is_probing, "it was asked")
    assert not opened


@pytest.mark.usefixtures("made")
def test_a_slow_server_opens_nothing() -> None:
    server, opened = Asked(SILENT, SILENT, ALIVE), []
    breaker = Breaker("b", server, lambda: opened.append(1))
    breaker.suspect()
    eventually(lambda: server.asked == 3 and not breaker._is_probing, "it was asked")
    assert not opened


@pytest.mark.usefixtures("made")
def test_only_what_takes_long_is_a_reason_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Asked(ALIVE)
    breaker = Breaker("b", server, lambda: None)
    for key in range(100):
        breaker.begin(key)
        breaker.lend(key, object())
        breaker.look()
        breaker.end(key)
    assert server.asked == 0
    monkeypatch.setattr(breakers, "SUSPICIOUS_SECONDS", 0.0)
    breaker.begin(1)
    breaker.lend(1, object())
    breaker.look()
    eventually(lambda: server.asked == 1, "the server is asked")

"""A PostgreSQL that goes and comes back while the server is busy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from haystack_app.kinds import Grid, Number
from tests.live.conftest import ids_of
from tests.outages.services import Postgres, running
from tests.outages.site import Load, Site, connected, site
from tests.patience import PATIENCE, eventually

HELLO = "HELLO username=YWxpY2U"


@pytest.fixture(scope="module")
def own() -> Iterator[Postgres]:
    with running(Postgres) as service:
        assert isinstance(service, Postgres)
        yield service


@pytest.fixture
def postgres(own: Postgres) -> Iterator[Postgres]:
    """It runs before each test and after it, however that ends."""
    yield own
    own.start()


@pytest.fixture
def fresh(postgres: Postgres) -> str:
    """The URL of an empty database."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS site WITH (FORCE)")
        connection.execute("CREATE DATABASE site")
    return postgres.url.rpartition("/")[0] + "/site"


def stored(url: str) -> set[int]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT val FROM history WHERE point_id = 'n'")
        return {int(val) for (val,) in rows}


def test_down_and_up_again_under_load(
    postgres: Postgres, fresh: str, tmp_path: Path
) -> None:
    with site(fresh, tmp_path) as at, Load(at) as load:
        for round in (1, 2):
            done, refused = load.answered(200) + 20, load.answered(503) + 8
            eventually(lambda done=done: load.answered(200) > done, "writes are done")
            eventually(lambda: at.ready().status == 200, "ready")
            postgres.stop()
            eventually(lambda refused=refused: load.answered(503) > refused, "503")
            assert at.ask("/healthz", Host="x").status == 200
            if round == 1:
                check_all_say_so(at)
            postgres.start()
            done = load.answered(200) + 20
            eventually(
                lambda done=done: load.answered(200) > done, "writes are done again"
            )
    assert load.odd == []
    assert load.written
    assert load.written <= stored(fresh)


def test_a_websocket_outlives_it(
    postgres: Postgres, fresh: str, tmp_path: Path
) -> None:
    with site(fresh, tmp_path) as at, connected(at) as socket:
        assert ids_of(socket.sub("n")) == ["n"]
        postgres.stop()
        refusal = socket.ask("read", grid=Grid.of([{"filter": "site"}]))
        assert refusal["error"]["status"] == 503
        assert "try again" in refusal["error"]["dis"]
        with connected(at) as other:
            assert other.close_code() == 1013
        postgres.start()
        eventually(lambda: at.write(1).status == 200, "a write is done")
        assert [row["curVal"] for row in socket.pushed()] == [Number(1)]
        found = socket.grid("read", grid=Grid.of([{"filter": "site"}]))
        assert sorted(ids_of(found)) == ["s1", "s2"]


def check_all_say_so(at: Site) -> None:
    grids = {
        "text/zinc": 'ver:"3.0" err dis:"service temporarily unavailable',
        "application/json": '{"_kind":"grid","meta":{"ver":"3.0","err":',
        "text/csv": "dis,err\nservice temporarily unavailable",
    }
    for accept, begin in grids.items():
        answer = at.ask("/api/read?filter=site", Accept=accept, **at.headers)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.headers["Content-Type"].startswith(accept)
        assert answer.text.startswith(begin)
    session = {"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"}
    for path, headers in {
        "/api/entities/s1/": at.headers,
        "/api/users/": at.headers,
        "/api/about": {"Authorization": HELLO},
        "/ui": {"Authorization": HELLO},
        "/admin/": session,
        "/": session,
    }.items():
        answer = at.ask(path, **headers)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5"), path
        assert answer.json["status"] == 503
        assert "try again" in answer.json["dis"]
    check_readiness(at)


def check_readiness(at: Site) -> None:
    # what was true a second ago is over
    eventually(lambda: at.ready().json["checks"]["migrations"] != "ok", "it is seen")
    eventually(lambda: at.ready().json["checks"]["database"] != "ok", "it is seen")
    answer = at.ready()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    checks = answer.json["checks"]
    assert checks.keys() == {"database", "migrations", "channelLayer"}
    assert checks["channelLayer"] == "ok"
    assert checks["database"] != "ok"
    assert checks["migrations"] != "ok"
    for secret in ("127.0.0.1", "postgres", "site"):
        assert secret not in answer.text


def test_a_database_that_hangs_holds_no_health_check(
    postgres: Postgres, fresh: str, tmp_path: Path
) -> None:
    with site(fresh, tmp_path, HAYSTACK_THREADS="2") as at:
        stuck = [
            threading.Thread(target=at.ask, args=("/api/about",), daemon=True)
            for _ in range(4)
        ]
        with postgres.hung():
            for thread in stuck:
                thread.start()
            for _ in range(3):
                assert at.ask("/healthz", Host="x").status == 200
            checks = at.ready().json["checks"]
            assert checks["database"].startswith("no answer")
            assert checks["migrations"].startswith("no answer")
        for thread in stuck:
            thread.join(PATIENCE)
        eventually(lambda: at.ready().status == 200, "ready again")


def test_no_connection_is_left(fresh: str, tmp_path: Path) -> None:
    few = {"DB_POOL_MIN": "1", "DB_POOL_MAX": "2"}
    with site(fresh, tmp_path, **few) as at, psycopg.connect(fresh) as holder:
        holder.execute("SELECT id FROM entities WHERE id = 'n' FOR UPDATE")
        waiting = [
            threading.Thread(target=at.write, args=(n,), daemon=True) for n in (1, 2)
        ]
        for thread in waiting:
            thread.start()
        eventually(lambda: at.ask("/api/about").status == 503, "the pool is empty")
        answer = at.write(3)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        holder.rollback()
        for thread in waiting:
            thread.join(PATIENCE)
        assert at.write(4).status == 200
        assert stored(fresh) == {1, 2, 4}


def test_tables_that_are_not_there_yet(fresh: str, tmp_path: Path) -> None:
    with site(fresh, tmp_path) as at:
        with psycopg.connect(fresh) as connection:
            connection.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
        eventually(lambda: at.ready().status == 503, "it is seen")
        checks = at.ready().json["checks"]
        assert checks["database"] == "ok"
        assert checks["migrations"] == "1 not applied"

"""PgBouncer in transaction mode, with Debian's defaults, before PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections, transaction
from psycopg import AsyncConnection

from haystack_app import checks, databases
from haystack_app.kinds import MARKER, DateTime, Number
from haystack_app.live.notify import Deaf, NotifyLayer
from haystack_app.sql.sessions import is_pooled
from haystack_app.storage.errors import StatementTimeout
from haystack_app.storage.orm import OrmAdapter
from haystack_app.transfer.haystack_py.tables import read_samples
from haystack_app.transfer.stores import connected
from tests import forks
from tests.api.servers import Server
from tests.defects.building import building, point
from tests.live.conftest import ids_of
from tests.outages.services import PgBouncer, Postgres, folder, running
from tests.outages.site import PREPARE, Load, Site
from tests.outages.site import connected as opened
from tests.patience import eventually
from tests.storage.building import entity, numbers
from tests.storage.test_unusual_databases import check_answers

DEFAULTS = (
    "statement_timeout",
    "lock_timeout",
    "jit",
    "work_mem",
    "extra_float_digits",
    "transaction_isolation",
    "TimeZone",
    "DateStyle",
    "IntervalStyle",
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres) as service:
        assert isinstance(service, Postgres)
        yield service


@pytest.fixture(scope="module")
def pooler(postgres: Postgres) -> Iterator[PgBouncer]:
    with folder() as path:
        service = PgBouncer(path, postgres)
        try:
            service.start()
            yield service
        finally:
            service.stop()


def new_database(postgres: Postgres, name: str, *settings: str) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        for setting in settings:
            connection.execute(f"ALTER DATABASE {name} SET {setting}")


@pytest.fixture
def pooled(postgres: Postgres, pooler: PgBouncer, by_url: None) -> Iterator[OrmAdapter]:
    """A migrated store, reached through the pooler."""
    new_database(postgres, "pooled")
    using = connected(databases.from_url(f"{pooler.root}/pooled"))
    call_command("migrate", database=using, verbosity=0)
    yield OrmAdapter(using=using)


def leftovers(pooler: PgBouncer, name: str) -> dict[str, str]:
    """The settings that another client of the same connection finds."""
    with psycopg.connect(f"{pooler.root}/{name}", autocommit=True) as other:
        return {
            setting: other.execute(f"SHOW {setting}").fetchone()[0]  # type: ignore[index]
            for setting in DEFAULTS
        }


def scalar(store: OrmAdapter, sql: str) -> Any:
    with connections[store.using].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_a_store(pooled: OrmAdapter, pooler: PgBouncer) -> None:
    before = leftovers(pooler, "pooled")
    pooled.load_entities([*building(), point("n", tz="UTC")])
    times = [DateTime.parse(f"2024-01-01T00:00:0{n}Z", "UTC") for n in range(3)]
    third = 0.1 + 0.2
    pooled.his_write("n", [(at, Number(third * n)) for n, at in enumerate(times)])
    read = list(pooled.his_read("n"))
    assert [row["val"].val for row in read] == [0, third, third * 2]
    assert len(list(pooled.scan())) == len(building()) + 1
    assert pooled.existing("n")["point"] is MARKER
    with pooled.time_limit(7):
        assert scalar(pooled, "SELECT current_setting('statement_timeout')") == "7s"
        assert scalar(pooled, "SELECT current_setting('lock_timeout')") == "10s"
        for sql in ("SELECT current_setting('{}')", " ( SELECT current_setting('{}'))"):
            assert scalar(pooled, sql.format("jit")) == "off"
            assert scalar(pooled, sql.format("work_mem")) == "32MB"
            assert scalar(pooled, sql.format("extra_float_digits")) == "1"
        with pooled.locked():
            assert scalar(pooled, "SELECT current_setting('jit')") == "off"
    assert leftovers(pooler, "pooled") == before


def test_long_results_without_cursors_of_the_server(pooled: OrmAdapter) -> None:
    pooled.load_entities(
        [entity(f"e{n}") for n in range(5_000)] + [point("n", tz="UTC")]
    )
    assert len(list(pooled.scan())) == 5_001
    start = DateTime.parse("2024-01-01T00:00:00Z", "UTC")
    pooled.his_write("n", numbers(3_000, start))
    layout: Any = SimpleNamespace(history="history", key="point_id")
    found = list(read_samples(connections[pooled.using], layout, "n"))
    assert len(found) == 3_000


@pytest.mark.parametrize(
    "settings",
    [
        ["DateStyle = 'SQL, DMY'"],
        ["extra_float_digits = -15", "jit = on"],
        ["default_transaction_isolation = 'serializable'"],
        ["IntervalStyle = 'iso_8601'", "TimeZone = 'America/New_York'"],
    ],
)
def test_an_unusual_database(
    postgres: Postgres, pooler: PgBouncer, by_url: None, settings: list[str]
) -> None:
    name = f"unusual_{secrets.token_hex(4)}"
    new_database(postgres, name, *settings)
    before = leftovers(pooler, name)
    using = connected(databases.from_url(f"{pooler.root}/{name}"))
    call_command("migrate", database=using, verbosity=0)
    store = OrmAdapter(using=using)
    check_answers(store)
    isolation = "SELECT current_setting('transaction_isolation')"
    assert scalar(store, isolation) == "read committed"
    with store.locked():
        assert scalar(store, isolation) == "read committed"
    assert leftovers(pooler, name) == before


def test_time_limits(pooled: OrmAdapter, pooler: PgBouncer) -> None:
    before = leftovers(pooler, "pooled")
    with pytest.raises(StatementTimeout), pooled.time_limit(1):
        scalar(pooled, "SELECT pg_sleep(30)")
    with pytest.raises(StatementTimeout), pooled.time_limit(1), pooled.locked():
        scalar(pooled, "WITH a AS (SELECT pg_sleep(30)) SELECT * FROM a")
    assert leftovers(pooler, "pooled") == before


def test_a_failed_statement_in_a_transaction(pooled: OrmAdapter) -> None:
    with transaction.atomic(using=pooled.using):
        with pytest.raises(DatabaseError), transaction.atomic(using=pooled.using):
            scalar(pooled, "SELECT 1 / 0")
        assert scalar(pooled, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["rows", "%", "'"])
def test_statements_keep_their_rows_and_parameters(
    pooled: OrmAdapter, name: str
) -> None:
    with connections[pooled.using].cursor() as cursor:
        cursor.execute("SELECT n, %s FROM generate_series(1, 3) AS n", [name])
        assert cursor.fetchall() == [(1, name), (2, name), (3, name)]
        cursor.execute("SELECT '100%', ';'")
        assert cursor.fetchone() == ("100%", ";")
        cursor.execute("UPDATE entities SET version = version WHERE id = %s", [name])
        assert cursor.rowcount == 0


def test_it_is_recognised(
    pooled: OrmAdapter, postgres: Postgres, settings: Any
) -> None:
    connection = connections[pooled.using]
    connection.ensure_connection()
    assert is_pooled(connection)
    settings.HAYSTACK = {**settings.HAYSTACK, "NOTIFY": True}
    found = [one.id for one in checks.check_databases(databases=[pooled.using])]
    assert "haystack.W002" not in found
    assert "haystack.W011" in found
    direct = connected(databases.from_url(postgres.url))
    connections[direct].ensure_connection()
    assert not is_pooled(connections[direct])
    found = [one.id for one in checks.check_databases(databases=[direct])]
    assert "haystack.W011" not in found


async def test_nothing_listens_through_it(
    pooler: PgBouncer, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = NotifyLayer(["default"])
    real = AsyncConnection.connect

    async def connect(*_: Any, **words: Any) -> Any:
        return await real(f"{pooler.root}/postgres", autocommit=True)

    monkeypatch.setattr(AsyncConnection, "connect", connect)
    with pytest.raises(Deaf, match="DATABASE_DIRECT_URL"):
        await layer.group_add("group", "channel")
    with psycopg.connect(f"{pooler.root}/postgres") as other:
        row = other.execute("SELECT count(*) FROM pg_listening_channels()").fetchone()
    assert row == (0,)


@pytest.mark.parametrize("direct", [False, True])
def test_a_site(
    postgres: Postgres, pooler: PgBouncer, tmp_path: Path, direct: bool
) -> None:
    """``migrate``, requests of several threads, and pushes of what a command does."""
    name = f"site_{direct}".lower()
    new_database(postgres, name)
    more = {"HAYSTACK_CHECK_SECONDS": "3000"} if direct else {}
    if direct:
        more["DATABASE_DIRECT_URL"] = f"{postgres.url.rpartition('/')[0]}/{name}"
    server = Server(f"{pooler.root}/{name}", tmp_path, **more)
    environ = {**server.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    done = forks.run(["-c", PREPARE], environ)
    assert done.returncode == 0, done.stderr
    headers = {"Authorization": f"Bearer {done.stdout.strip()}"}
    with server:
        at = Site(server, headers)
        eventually(lambda: at.ready().status == 200, "ready")
        with Load(at) as load:
            eventually(lambda: load.answered(200) > 60, "requests are answered")
        assert load.odd == []
        answer = at.ask("/api/hisRead?id=@n&range=2024-01-01")
        assert answer.text.count("\n2024-") == len(load.written)
        with opened(at) as socket:
            assert ids_of(socket.sub("n")) == ["n"]
            at.ask("/api/curWrite", 'ver:"3.0"\nid,val\n@n,5\n')
            [changed] = socket.pushed()
            assert changed["curVal"] == Number(5)
        text = server.log.read_text()
    assert ("through a pooler" in text) == (not direct)
    assert "Traceback" not in text

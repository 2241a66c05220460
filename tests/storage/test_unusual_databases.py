"""Databases whose administrators changed what sessions begin with: right answers."""

from __future__ import annotations

import datetime as dt
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg.conninfo import make_conninfo

from haystack_app import databases
from haystack_app.filters import parse
from haystack_app.kinds import MARKER, NA, DateTime, Number
from haystack_app.storage.orm import OrmAdapter
from haystack_app.transfer.stores import connected
from tests.storage.building import at, entity, point

SERVERS = [alias for alias in ("postgres", "timescale") if alias in settings.DATABASES]
UNUSUAL = [
    "DateStyle = 'SQL, DMY'",
    "DateStyle = 'German, DMY'",
    "DateStyle = 'Postgres, MDY'",
    "IntervalStyle = 'iso_8601'",
    "IntervalStyle = 'sql_standard'",
    "TimeZone = 'America/New_York'",
    "TimeZone = 'Asia/Kathmandu'",
    "extra_float_digits = -15",
    "extra_float_digits = 0",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_isolation = 'repeatable read'",
    "lc_messages = 'C'",
    "search_path = public, haystack",
    "bytea_output = 'escape'",
    "standard_conforming_strings = off",
    "array_nulls = off",
    "gin_fuzzy_search_limit = 3",
    "jit = on",
]
FLOATS = [0.1 + 0.2, 1e300 / 3, -1 / 3, 123456.789012345, 5e-324, 2.0**53 - 1]


@dataclass
class Own:
    """A migrated database of a server."""

    admin: psycopg.Connection[Any]
    name: str
    config: dict[str, Any]

    @contextmanager
    def store(self, *given: str) -> Iterator[OrmAdapter]:
        """A store whose connections begin with other settings."""
        for one in given:
            self.admin.execute(f"ALTER DATABASE {self.name} SET {one}")
        using = connected(self.config)
        try:
            store = OrmAdapter(using=using)
            store.load_entities([], replace=True)
            yield store
        finally:
            connections[using].close()
            for one in given:
                setting = one.split(" ")[0]
                self.admin.execute(f"ALTER DATABASE {self.name} RESET {setting}")


@contextmanager
def own_database(server: str, *given: str) -> Iterator[Own]:
    """An empty database with a schema ``haystack``, and settings for good."""
    config = connections[server].settings_dict
    name = f"{config['TEST']['NAME']}_odd_{secrets.token_hex(4)}"
    dsn = make_conninfo(
        host=config["HOST"],
        port=config["PORT"],
        user=config["USER"],
        password=config["PASSWORD"] or None,
    )
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        with psycopg.connect(dsn, dbname=name, autocommit=True) as inside:
            inside.execute("CREATE SCHEMA haystack")
            if server == "timescale":
                inside.execute("CREATE EXTENSION timescaledb SCHEMA public")
        for one in given:
            admin.execute(f"ALTER DATABASE {name} SET {one}")
        config = databases.postgres(make_conninfo(dsn, dbname=name))
        try:
            yield Own(admin, name, config)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=SERVERS)
def made(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[Own]:
    with own_database(request.param) as own:
        yield own


@pytest.fixture
def own(made: Own, by_url: None) -> Own:
    call_command("migrate", database=connected(made.config), verbosity=0)
    return made


def check_answers(store: OrmAdapter) -> None:
    """Numbers, times, the change log and priority arrays, written and read back."""
    store.load_entities(
        [
            entity("a", num=Number(FLOATS[0]), when=at("2024-03-10 01:30")),
            entity("b", num=Number(2), dis="x'\\y%"),
            point(),
        ]
    )
    times = [at(f"2024-03-01 12:00:0{n}") for n in range(len(FLOATS))]
    rows = [(ts, Number(val)) for ts, val in zip(times, FLOATS, strict=True)]
    store.his_write("p", [*rows, (at("2024-03-02 00:00"), NA)])
    found = list(store.his_read("p", times[0].utc))
    assert [row["ts"] for row in found] == [*times, at("2024-03-02 00:00")]
    assert [row["val"] for row in found] == [*map(Number, FLOATS), NA]
    named = [record["id"].id for record in store.read(parse("num > 0.3 and when"))]
    assert named == ["a"]
    store.load_entities([entity(f"e{n}", many=MARKER) for n in range(300)])
    assert len(store.read(parse("many"))) == 300
    record = store.existing("a")
    age = dt.datetime.now(dt.UTC) - record["mod"].utc
    assert abs(age) < dt.timedelta(hours=1)
    [changed] = store.update_entities(
        [{**entity("b", num=Number(3)), "mod": store.existing("b")["mod"]}], who="me"
    )
    assert changed["num"] == Number(3)
    assert isinstance(changed["mod"], DateTime)
    page = store.changes_since(0, 10)
    ages = [abs(dt.datetime.now(dt.UTC) - change.at) for _, change in page.entries]
    assert ages
    assert max(ages) < dt.timedelta(hours=1)


@pytest.mark.parametrize("setting", UNUSUAL)
def test_right_answers(own: Own, setting: str) -> None:
    with own.store(setting) as store:
        check_answers(store)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("path", ["haystack", "haystack, public"])
def test_migrate_with_all_of_them(server: str, path: str, by_url: None) -> None:
    every = [*UNUSUAL[:1], UNUSUAL[3], UNUSUAL[5], UNUSUAL[7], UNUSUAL[9]]
    with own_database(server, *every, f"search_path = {path}") as own:
        call_command("migrate", database=connected(own.config), verbosity=0)
        with own.store() as store:
            check_answers(store)
            with connections[store.using].cursor() as cursor:
                for name, value in (
                    ("transaction_isolation", "read committed"),
                    ("extra_float_digits", "1"),
                    ("jit", "off"),
                    ("TimeZone", "UTC"),
                ):
                    cursor.execute("SELECT current_setting(%s)", [name])
                    assert cursor.fetchone() == (value,)


def test_writers_at_the_same_time(own: Own) -> None:
    """Under ``serializable`` one of two would fail."""
    failures: list[BaseException] = []
    with own.store("default_transaction_isolation = 'serializable'") as store:
        store.load_entities([entity("a", n=Number(0)), point()])

        def write(number: int) -> None:
            try:
                for n in range(10):
                    change = entity("a", n=Number(number * 100 + n))
                    store.update_entities([change], force=True)
                    time = at(f"2024-03-01 {number:02}:00:{n:02}")
                    store.his_write("p", [(time, Number(n))])
            except BaseException as error:
                failures.append(error)
            finally:
                connections[store.using].close()

        threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(list(store.his_read("p"))) == 30

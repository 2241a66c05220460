"""PostgreSQL as providers run it: the role is not a superuser, and may add nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from haystack_app import checks, databases
from haystack_app.database_features import features
from haystack_app.monitoring import status
from haystack_app.storage.orm import OrmAdapter
from haystack_app.transfer.stores import connected
from tests.defects.building import building, point
from tests.outages.services import PgBouncer, Postgres, folder, running
from tests.storage.building import at, ids, numbers
from tests.storage.test_unusual_databases import check_answers


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres) as service:
        assert isinstance(service, Postgres)
        with psycopg.connect(service.url, autocommit=True) as admin:
            admin.execute("CREATE ROLE plain LOGIN")
        yield service


def new_database(postgres: Postgres, name: str, *more: str) -> str:
    """Of another role; ``plain`` may make tables in it, and no extension."""
    root = postgres.url.rpartition("/")[0]
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(f"{root}/{name}", autocommit=True) as admin:
        for sql in ("GRANT ALL ON SCHEMA public TO plain", *more):
            admin.execute(sql)
    return f"{root.replace('postgres@', 'plain@')}/{name}"


def migrated(url: str) -> OrmAdapter:
    using = connected(databases.from_url(url))
    call_command("migrate", database=using, verbosity=0)
    return OrmAdapter(using=using)


def found(store: OrmAdapter) -> set[str]:
    return {str(one.id) for one in checks.check_databases(databases=[store.using])}


def test_a_plain_role_has_everything_but_the_index_of_words(
    postgres: Postgres, by_url: None
) -> None:
    store = migrated(new_database(postgres, "managed"))
    with connections[store.using].cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        assert cursor.fetchone() == ("off",)
    check_answers(store)
    store.load_entities([*building(), point("n", tz="UTC", dis="North fan")])
    assert ids(store.search("nort fan")) == ["n"]
    store.his_write("n", numbers(3, at("2024-01-01 00:00", "UTC")))
    store.fold_dirty()
    store.mend_marked()
    assert store.differences() == []
    assert found(store) >= {"haystack.W015"}
    text = str(features(connections[store.using]))
    assert text.startswith("PostgreSQL ")
    assert "no TimescaleDB" in text
    assert "no index of words" in text
    assert "through a pooler" not in text


def test_the_hint_of_the_check_is_right(postgres: Postgres, by_url: None) -> None:
    store = migrated(new_database(postgres, "mended"))
    [message] = [
        one
        for one in checks.check_databases(databases=[store.using])
        if one.id == "haystack.W015"
    ]
    assert message.hint
    extension, _, index = message.hint.removeprefix("Run ").partition(
        " as a role that may, then "
    )
    root = postgres.url.rpartition("/")[0]
    with psycopg.connect(f"{root}/mended", autocommit=True) as admin:
        admin.execute(extension)
        admin.execute(index.removesuffix("."))
    assert "haystack.W015" not in found(store)
    assert features(connections[store.using]).has_trigrams


def test_an_extension_that_the_provider_has_made_is_used(
    postgres: Postgres, by_url: None
) -> None:
    made = "CREATE EXTENSION pg_trgm"
    store = migrated(new_database(postgres, "provided", made))
    assert features(connections[store.using]).has_trigrams
    assert "haystack.W015" not in found(store)


def test_before_the_first_migration(postgres: Postgres, by_url: None) -> None:
    using = connected(databases.from_url(new_database(postgres, "fresh")))
    there = [one.id for one in checks.check_databases(databases=[using])]
    assert "haystack.W015" not in there


def test_the_status_page_names_the_pooler(postgres: Postgres, by_url: None) -> None:
    new_database(postgres, "behind")
    with folder() as path:
        pooler = PgBouncer(path, postgres)
        pooler.start()
        try:
            using = connected(databases.from_url(f"{pooler.root}/behind"))
            connections[using].ensure_connection()
            found: Any = status._version(using)
            assert "through a pooler" in found
        finally:
            connections[using].close()
            pooler.stop()

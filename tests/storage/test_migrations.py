"""Migrations go forwards and backwards on every database, rows and all."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.models import Field

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.migrations._operations import NamesOfField, RenameTable
from haystack_app.models import Entity, HisSample, PointWrite, PriorityLevel
from haystack_app.sql import tables
from haystack_app.storage.orm import OrmAdapter
from tests.storage.building import point

ALIASES = ["default", "postgres", "timescale"]
TABLES = {getattr(tables, name) for name in tables.__all__}


@pytest.fixture(params=ALIASES)
def alias(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: object
) -> Iterator[str]:
    alias = request.param
    if alias not in settings.DATABASES:
        pytest.skip(settings.MISSING_SERVICES[alias])
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        name = str(connections[alias].settings_dict["NAME"])
        # pytest-django makes those that tests of the run are marked with
        assert "test" in name, f"{name} is not a database of tests"
        yield alias
        call_command("migrate", "haystack_app", database=alias, verbosity=0)
        HisSample.objects.using(alias).all().delete()


@pytest.fixture
def lossy(settings: Any) -> None:
    """Other tests have left rows, such as those of the change log."""
    settings.HAYSTACK = {**settings.HAYSTACK, "ALLOW_DATA_LOSS": True}


def migrate(alias: str, name: str | None = None) -> None:
    names = ["haystack_app", name] if name else ["haystack_app"]
    call_command("migrate", *names, database=alias, verbosity=0)


def is_hypertable(alias: str) -> bool:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
        if not cursor.fetchone():
            return False
        cursor.execute(
            "SELECT 1 FROM timescaledb_information.hypertables"
            " WHERE hypertable_name = 'history'"
        )
        return cursor.fetchone() is not None


def indexes(alias: str) -> set[str]:
    with connections[alias].cursor() as cursor:
        introspection = connections[alias].introspection
        return set(introspection.get_constraints(cursor, "entities"))


@pytest.mark.usefixtures("lossy")
def test_there_and_back(alias: str) -> None:
    names = connections[alias].introspection.table_names
    migrate(alias, "zero")
    assert not TABLES & set(names())
    migrate(alias)
    assert set(names()) >= TABLES
    on_postgres = connections[alias].vendor == "postgresql"
    assert ("entities_tags_gin" in indexes(alias)) == on_postgres


@pytest.mark.usefixtures("lossy")
def test_history_keeps_its_rows_as_hypertable_and_as_plain_table(alias: str) -> None:
    times = [dt.datetime(2020 + year, 1, 1, tzinfo=dt.UTC) for year in range(5)]
    samples = HisSample.objects.using(alias)
    samples.bulk_create(HisSample(point_id="p", ts=ts, val=1.5) for ts in times)
    migrate(alias, "0002")
    if alias != "default":
        assert not is_hypertable(alias)
    assert list(samples.order_by("ts").values_list("ts", flat=True)) == times
    migrate(alias)
    if alias != "default":
        assert is_hypertable(alias) == (alias == "timescale")
    assert list(samples.order_by("ts").values_list("ts", flat=True)) == times


def test_entities_of_before_get_the_tag_mod(alias: str) -> None:
    """What reads show then is the same on every path: rows, columns, filters."""
    store = OrmAdapter(using=alias)
    store.load_entities([{"id": Ref(f"e{count}"), "n": MARKER} for count in range(3)])
    before = [record.tags for record in store.scan()]
    migrate(alias, "0004")
    # not by the store, which looks into tables of later names
    rows = Entity.rows.using(alias).values_list("tags", flat=True)
    assert [set(json.loads(tags)) for tags in rows] == [{"id", "n"}] * 3
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT names FROM tag_sets JOIN entities ON tag_set_id = tag_sets.id"
        )
        assert cursor.fetchall() == [("id n",)] * 3
    migrate(alias)
    assert [record.tags for record in store.scan()] == before
    assert store.read("mod").names == {"id", "mod", "n"}
    assert store.load_entities([{"id": Ref("e1"), "n": MARKER}]).unchanged == ["e1"]
    store.load_entities([], replace=True)


def applied(alias: str) -> set[str]:
    sql = "SELECT name FROM django_migrations WHERE app = 'haystack_app'"
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return {name for (name,) in cursor.fetchall()}


def test_going_back_deletes_nothing_unless_told(alias: str, settings: Any) -> None:
    """Nothing is undone either."""
    store = OrmAdapter(using=alias)
    now = dt.datetime.now(dt.UTC)
    store.load_entities([point("p", writable=MARKER)])
    store.point_write("p", 8, Number(1), "joe")
    store.watch_open("w", owner="joe", lease=600, now=now)
    before = applied(alias)
    told = (
        f"from database '{alias}': the rows of haystack_point_writes,"
        " the rows of haystack_watches. Nothing was changed."
    )
    with pytest.raises(CommandError, match=told):
        migrate(alias, "0008")
    assert applied(alias) == before
    migrate(alias, "0016")  # loses nothing
    migrate(alias)
    PointWrite.objects.using(alias).all().delete()
    PriorityLevel.objects.using(alias).update(user="joe")
    with pytest.raises(CommandError, match="the column user of haystack_priority"):
        migrate(alias, "0015")
    with pytest.raises(CommandError, match="the rows of entities"):
        migrate(alias, "zero")
    assert applied(alias) == before
    assert len(store.read("point")) == 1
    settings.HAYSTACK = {**settings.HAYSTACK, "ALLOW_DATA_LOSS": True}
    migrate(alias, "zero")
    assert not TABLES & set(connections[alias].introspection.table_names())


@pytest.mark.django_db(databases="__all__")
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.usefixtures("lossy")
@pytest.mark.parametrize("table", ["entities", "history"])
def test_foreign_tables_stop_it(alias: str, table: str) -> None:
    """Before anything is made, and with the way out."""
    migrate(alias, "zero")
    with connections[alias].cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, note TEXT)")
        cursor.execute(f"INSERT INTO {table} VALUES ('a', 'mine')")
    try:
        told = f"not of this app: {table}. .*manage.py haystack_adopt --in-place"
        with pytest.raises(CommandError, match=told):
            migrate(alias)
        there = set(connections[alias].introspection.table_names())
        assert TABLES & there == {table}
        with connections[alias].cursor() as cursor:
            cursor.execute(f"SELECT note FROM {table}")
            assert cursor.fetchone() == ("mine",)
    finally:
        with connections[alias].cursor() as cursor:
            cursor.execute(f"DROP TABLE {table}")


def test_a_rename_that_is_done_already_does_nothing(alias: str) -> None:
    loader = MigrationLoader(connections[alias], replace_migrations=False)
    before, after = (
        loader.project_state(("haystack_app", name))
        for name in ("0012_tasks", "0013_haystack_prefix")
    )
    renames = loader.get_migration("haystack_app", "0013_haystack_prefix").operations
    with connections[alias].schema_editor() as editor:
        for operation in renames:
            if isinstance(operation, RenameTable):
                operation.database_forwards("haystack_app", editor, before, after)
    assert set(connections[alias].introspection.table_names()) >= TABLES


def test_the_sql_of_migrations_is_shown(alias: str) -> None:
    def shown(name: str) -> str:
        out = StringIO()
        call_command("sqlmigrate", "haystack_app", name, database=alias, stdout=out)
        return out.getvalue()

    new = shown("0001_squashed")
    assert 'CREATE TABLE "entities"' in new and 'CREATE TABLE "haystack_tokens"' in new
    assert "THIS OPERATION CANNOT BE WRITTEN AS SQL" in new  # hypertables and the guard
    renames = 'ALTER TABLE "tokens" RENAME TO "haystack_tokens";'
    assert renames in shown("0013")
    migrate(alias, "0012")
    upgrade = shown("0013")
    assert renames in upgrade
    if connections[alias].vendor == "postgresql":
        assert 'ALTER SEQUENCE "tokens_id_seq" RENAME TO' in upgrade
    else:
        assert 'CREATE INDEX "haystack_tokens_expires_' in upgrade


def test_names_of_fields_change_no_database() -> None:
    loader = MigrationLoader(None)
    for app, name in loader.graph.nodes:
        operations = loader.graph.nodes[app, name].operations
        if not any(isinstance(one, NamesOfField) for one in operations):
            continue
        state = loader.project_state((app, name), at_end=False)
        for one in operations:
            if isinstance(one, NamesOfField):
                before = state.models[app, one.model_name_lower].fields[one.name]
                assert in_database(before) == in_database(one.field), one.describe()
            one.state_forwards(app, state)


def in_database(field: Field[Any, Any]) -> tuple[Any, ...]:
    _, path, args, kwargs = field.deconstruct()
    kept = {key: kwargs[key] for key in kwargs.keys() - {*field.non_db_attrs}}
    return path, args, kept

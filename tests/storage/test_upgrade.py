"""A database of the release before goes forwards, back and forwards with all it has.

``data/0012.*.sql`` are such databases: what that release's ``migrate`` made, and rows of
every table.
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connections, transaction

import haystack_app
from haystack_app import databases
from haystack_app.models import AuditEntry, Change, Token
from haystack_app.sql import tables
from haystack_app.storage.orm import OrmAdapter
from haystack_app.transfer.stores import connected
from tests.transfer.old_databases import old_database

pytestmark = [
    pytest.mark.django_db(databases="__all__"),
    pytest.mark.usefixtures("by_url"),
]
DATA = Path(__file__).parent / "data"
RELEASED = "0012"
MIGRATIONS = Path(haystack_app.__file__).parent / "migrations"
PREFIX = "haystack_"
_DJANGO = ("auth_", "django_", "sqlite_")
_PREFIXES = {"haystack", "entities", "history"}
_CREATED = re.findall(
    r'CREATE TABLE "(\w+)"', (DATA / "0012.sqlite.sql").read_text("utf-8")
)
ADDED = {
    name
    for name in (getattr(tables, one) for one in tables.__all__)
    if name.removeprefix(PREFIX) not in _CREATED
}
"""Tables that the release before did not have."""
RIGHTS_ADDED = {
    *("view_job", "change_job", "manage_connectors"),
    *("write_emergency", "empty_trash"),
    *("acknowledge_alarms", "change_rules"),
    *(
        f"{verb}_{model}"
        for verb in ("add", "change", "delete", "view")
        for model in ("dashboard", "webhook")
    ),
}
"""Django leaves the permissions of models that go."""
WITH_USER = tables.PRIORITY_LEVELS
"""Has the login as a last column since."""
TABLES = [getattr(tables, name) for name in tables.__all__]


@contextmanager
def empty(server: str, folder: Path) -> Iterator[str]:
    """The alias of a new database."""
    if server == "sqlite":
        yield connected(databases.sqlite(folder / "upgrade.sqlite3"))
        return
    if server not in settings.DATABASES:
        pytest.skip(settings.MISSING_SERVICES[server])
    with old_database(server) as database:
        alias = connected(databases.postgres(database.dsn))
        try:
            yield alias
        finally:
            connections[alias].close()


@contextmanager
def released(server: str, folder: Path) -> Iterator[str]:
    """The alias of a database as the release left it."""
    with empty(server, folder) as alias:
        connection = connections[alias]
        text = (DATA / f"0012.{connection.vendor}.sql").read_text("utf-8")
        connection.ensure_connection()
        if server == "sqlite":
            with connection.constraint_checks_disabled():
                connection.connection.executescript(text)
        else:
            if server == "timescale":
                query(alias, "CREATE EXTENSION IF NOT EXISTS timescaledb")
            connection.connection.execute(text)
        if server == "timescale":  # as the release's migration did it
            query(
                alias,
                "SELECT create_hypertable('history', by_range('ts', interval '7 days'),"
                " create_default_indexes => false, migrate_data => true)",
            )
        yield alias


@pytest.fixture(params=["sqlite", "postgres", "timescale"])
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def migrate(alias: str, name: str | None = None) -> None:
    names = ["haystack_app", name] if name else []
    call_command("migrate", *names, database=alias, verbosity=0)


def query(alias: str, sql: str, params: Any = None) -> list[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def undone(alias: str) -> Iterator[None]:
    with transaction.atomic(using=alias):
        yield
        transaction.set_rollback(True, using=alias)


# -- what there is ------------------------------------------------------------


def contents(alias: str, *, prefixed: bool) -> dict[str, list[Any]]:
    """The rows of all tables of the app, and of users, by the name of today."""
    names = [
        model._meta.db_table
        for model in apps.get_app_config("haystack_app").get_models()
    ]
    found = {}
    for name in [*names, "auth_user", "auth_group", "auth_user_groups"]:
        if name in ADDED:
            continue
        table = name if prefixed else name.removeprefix(PREFIX)
        rows = query(alias, f"SELECT * FROM {table}")
        if prefixed and name == WITH_USER:
            assert all(row[-1] == "" for row in rows)
            rows = [row[:-1] for row in rows]
        if prefixed and name == tables.ENTITIES:
            assert all(row[-2:] == (0, "") for row in rows)  # until the worker comes
            rows = [row[:-2] for row in rows]
        found[name] = sorted(rows, key=repr)
    return found


def rights(alias: str) -> dict[str, set[str]]:
    """Codenames of this app's permissions by group and user."""
    ours = Permission.objects.using(alias).filter(
        content_type__app_label="haystack_app"
    )
    names = {one.pk: one.codename for one in ours}
    found = {}
    for group in Group.objects.using(alias):
        held = group.permissions.values_list("pk", flat=True)
        found[group.name] = {names[pk] for pk in held if pk in names}
    for user in User.objects.using(alias):
        held = user.user_permissions.values_list("pk", flat=True)
        found[f"user {user.username}"] = {names[pk] for pk in held if pk in names}
    return found


def permissions(alias: str) -> set[str]:
    ours = Permission.objects.using(alias).filter(
        content_type__app_label="haystack_app"
    )
    return set(ours.values_list("codename", flat=True))


def schema(alias: str) -> set[tuple[Any, ...]]:
    """All of the database: tables, columns, indexes, constraints, triggers, ..."""
    if connections[alias].vendor == "sqlite":
        sql = "SELECT type, name, tbl_name, sql FROM sqlite_master"
        return set(query(alias, sql))
    return {(kind, *row) for kind, sql in _CATALOG.items() for row in query(alias, sql)}


_OURS = "relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.objid = {} AND x.deptype = 'e')"
_CATALOG = {
    "relation": (
        "SELECT relname, relkind, reloptions::text FROM pg_class c"
        f" WHERE {_OURS.format('c.oid')}"
    ),
    "column": (
        "SELECT relname, attname, row_number() OVER (PARTITION BY c.oid ORDER BY attnum),"
        " format_type(atttypid, atttypmod), attnotnull,"
        " attidentity, pg_get_expr(adbin, adrelid)"
        " FROM pg_class c JOIN pg_attribute ON attrelid = c.oid"
        " LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum"
        f" WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped AND {_OURS.format('c.oid')}"
    ),
    "index": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraint": (
        "SELECT relname, conname, pg_get_constraintdef(o.oid)"
        " FROM pg_constraint o JOIN pg_class c ON c.oid = conrelid"
        f" WHERE {_OURS.format('c.oid')}"
    ),
    "trigger": (
        "SELECT relname, tgname, pg_get_triggerdef(t.oid)"
        " FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid"
        f" WHERE NOT tgisinternal AND {_OURS.format('c.oid')}"
    ),
    "function": (
        "SELECT proname, pg_get_functiondef(p.oid) FROM pg_proc p"
        " WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND NOT EXISTS"
        " (SELECT 1 FROM pg_depend x WHERE x.objid = p.oid AND x.deptype = 'e')"
    ),
    "sequence": (
        "SELECT s.relname, t.relname, attname FROM pg_class s"
        " JOIN pg_depend d ON d.objid = s.oid AND deptype IN ('a', 'i')"
        " JOIN pg_class t ON t.oid = refobjid"
        " JOIN pg_attribute ON attrelid = t.oid AND attnum = refobjsubid"
        f" WHERE s.relkind = 'S' AND s.{_OURS.format('s.oid')}"
    ),
}


def files(alias: str) -> set[int]:
    """Of the tables and indexes of the app: a copied or rebuilt one has a new file."""
    names = TABLES + [name.removeprefix(PREFIX) for name in TABLES]
    sql = (
        "SELECT pg_relation_filenode(c.oid) FROM pg_class c WHERE relname = ANY(%s)"
        " UNION SELECT pg_relation_filenode(indexrelid) FROM pg_index"
        " JOIN pg_class c ON c.oid = indrelid WHERE relname = ANY(%s)"
    )
    return {file for (file,) in query(alias, sql, [names, names])}


def chunks(alias: str) -> list[str]:
    """Of the hypertable, none where it is a plain table."""
    sql = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"
    if connections[alias].vendor != "postgresql" or not query(alias, sql):
        return []
    return [chunk for (chunk,) in query(alias, "SELECT show_chunks('history')::text")]


def version_rises(alias: str) -> bool:
    """What the trigger is for."""
    sql = "SELECT version FROM entities WHERE id = 'hq'"
    (before,) = query(alias, sql)[0]
    with undone(alias):
        query(alias, "UPDATE entities SET tags = '{\"id\":1}' WHERE id = 'hq'")
        (after,) = query(alias, sql)[0]
    return bool(after == before + 1)


# -- there, back, and there ---------------------------------------------------


def test_there_and_back_and_there(
    server: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with released(server, tmp_path) as alias:
        rows, held, known = (
            contents(alias, prefixed=False),
            rights(alias),
            permissions(alias),
        )
        layout, pieces = schema(alias), chunks(alias)
        assert all(rows.values()), "a table of the dump has no rows"
        assert (len(pieces) > 1) == (server == "timescale")
        assert version_rises(alias)

        caplog.set_level(logging.WARNING, "haystack_app.migrations")
        migrate(alias)
        assert "change_tagset" not in caplog.text  # no user or group had it
        lost = "haystack_app.view_change allowed nothing and goes; it was given to group 'headquarters'"
        assert lost in caplog.text

        kept = {who: names & permissions(alias) for who, names in held.items()}
        kept["headquarters"].add("view_token")
        kept["lookers"].add("view_groupscope")
        for names in kept.values():
            if names >= {"write_points", "change_entity"}:
                names.add("write_emergency")
            if "delete_entity" in names:
                names.add("empty_trash")
        assert {"write_emergency", "empty_trash"} <= kept["admin"]
        assert "write_emergency" not in kept["operator"]
        first = schema(alias)
        check_upgraded(alias, rows, pieces)
        assert rights(alias) == kept

        migrate(alias, RELEASED)
        assert contents(alias, prefixed=False) == rows
        assert schema(alias) == layout
        assert chunks(alias) == pieces
        assert version_rises(alias)
        assert permissions(alias) - RIGHTS_ADDED == known
        assert rights(alias) == kept

        migrate(alias)
        check_upgraded(alias, rows, pieces)
        assert schema(alias) == first
        assert rights(alias) == kept


def check_upgraded(alias: str, rows: dict[str, list[Any]], pieces: list[str]) -> None:
    assert contents(alias, prefixed=True) == rows
    assert chunks(alias) == pieces
    assert version_rises(alias)
    assert len(permissions(alias)) == 30
    store = OrmAdapter(using=alias)
    assert len(store.read("siteRef->site")) == 4
    assert len(list(store.his_read("temp"))) == 4
    with undone(alias):  # identities go on where they were
        last = max(row[0] for row in rows[tables.CHANGES])
        store.commit([], remove=["branch"])
        assert Change.objects.using(alias).latest("id").id > last
        token = Token.objects.using(alias).get(name="meter", scope="write")
        token.pk, token.digest, token.name = None, "d", "other"
        token.save(using=alias)
        assert token.pk > len(rows[tables.TOKENS])
        assert AuditEntry.objects.using(alias).latest("id").detail.startswith("token")


@pytest.mark.parametrize("server", ["sqlite", "postgres"])
def test_indexes_of_an_administrator_stay(server: str, tmp_path: Path) -> None:
    with released(server, tmp_path) as alias:
        query(alias, "CREATE INDEX changes_mine ON changes (lower(who))")
        migrate(alias)
        named = {row[1] for row in schema(alias)}
        assert {"changes_mine", "haystack_changes_entity"} <= named
        migrate(alias, RELEASED)
        assert "changes_mine" in {row[1] for row in schema(alias)}


def test_nothing_is_copied(tmp_path: Path) -> None:
    """Tables and indexes are renamed, but for one partial index of few rows."""
    with released("postgres", tmp_path) as alias:
        before = files(alias)
        migrate(alias)
        assert len(before - files(alias)) == 1


def test_a_new_database_is_as_an_upgraded_one(server: str, tmp_path: Path) -> None:
    with released(server, tmp_path) as alias:
        old = schema(alias)
        migrate(alias)
        upgraded = schema(alias)
    (tmp_path / "new").mkdir()
    with empty(server, tmp_path / "new") as alias:
        migrate(alias)
        assert schema(alias) == upgraded
        named = {name for _, name, *_ in upgraded if not name.startswith(_DJANGO)}
        assert {name.split("_")[0] for name in named} <= _PREFIXES
        migrate(alias, RELEASED)
        assert schema(alias) == old


# -- the migrations themselves ------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "_operations",
        "0001_squashed_0014_permissions",
        "0013_haystack_prefix",
        "0014_permissions",
    ],
)
def test_migrations_import_no_code_of_the_app(name: str) -> None:
    tree = ast.parse((MIGRATIONS / f"{name}.py").read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert (node.level, node.module) == (1, "_operations") or not node.level
            assert not (node.module or "").startswith("haystack_app")
        elif isinstance(node, ast.Import):
            assert not any(one.name.startswith("haystack_app") for one in node.names)


def test_names_of_tables_stand_in_one_place() -> None:
    """In no SQL in text, and in no model."""
    models = apps.get_app_config("haystack_app").get_models(include_auto_created=True)
    assert {model._meta.db_table for model in models} == set(TABLES)
    every = "|".join(name.removeprefix(PREFIX) for name in TABLES)
    words = "FROM|JOIN|INTO|UPDATE|TABLE|TRIGGER|ON|WITH"
    literal = re.compile(rf'\b({words}) "?(haystack_)?({every})\b|db_table = "')
    root = Path(haystack_app.__file__).parent
    found = {
        path.relative_to(root).as_posix(): said[0]
        for path in root.rglob("*.py")
        if not path.is_relative_to(MIGRATIONS)
        and (said := literal.search(path.read_text("utf-8")))
    }
    assert not found

"""A back-up that is restored is what was backed up, on each kind of store."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connections

from haystack_app.backups import sources
from haystack_app.kinds import Number
from haystack_app.models import Token
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import CursorExpired
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.redis import RedisAdapter
from haystack_app.transfer.store_copy import copy_store
from haystack_app.transfer.verification import verify
from tests.backups.conftest import ORM, need_programs
from tests.conftest import missing_of_two
from tests.patience import eventually
from tests.storage.building import at, entity, numbers, point
from tests.transfer.stores import filled, later

committing = pytest.mark.django_db(transaction=True, databases="__all__")
Move = Callable[[str], None]


def said(*words: Any) -> str:
    output = StringIO()
    call_command(*map(str, words), stdout=output, stderr=StringIO())
    return output.getvalue()


def reference(store: StorageAdapter) -> InMemoryAdapter:
    """A copy of the content, to compare with."""
    copy = InMemoryAdapter()
    copy_store(store, copy)
    return copy


def feed_of(store: StorageAdapter) -> list[Any]:
    try:
        entries = store.changes_since(0, 100).entries
    except CursorExpired as error:  # Redis begins with the time
        entries = store.changes_since(error.oldest, 100).entries
    assert entries
    return [(cursor, change.id, change.kind) for cursor, change in entries]


@committing
def test_sql(
    sql_store: OrmAdapter, configured: Any, moved: Move, tmp_path: Path
) -> None:
    alias = sql_store.using
    need_programs(alias)
    configured({"default": {"BACKEND": ORM, "OPTIONS": {"using": alias}}})
    content = reference(filled(sql_store))
    changes = feed_of(sql_store)
    user = get_user_model().objects.create_user("ada", password="secret of ada")
    aliases = dict.fromkeys(["default", alias])
    said("haystack_backup", tmp_path / "kept")
    assert "restored and compared" in said(
        "haystack_verify_backup", tmp_path / "kept", "--restore"
    )
    for each in aliases:
        moved(each)
    assert "which is empty" in said("haystack_restore", tmp_path / "kept", "--dry-run")
    assert said("haystack_restore", tmp_path / "kept").endswith("restored\n")
    found = verify(content, OrmAdapter(using=alias))
    assert not found.differences
    assert found.target.samples
    assert feed_of(OrmAdapter(using=alias)) == changes
    assert get_user_model().objects.get(pk=user.pk).check_password("secret of ada")
    # it goes on as before: sequences, triggers, the hypertable
    call_command("migrate", database=alias, verbosity=0)
    OrmAdapter(using=alias).load_entities([entity("new")])

    with pytest.raises(CommandError, match="not empty: the rows of"):
        said("haystack_restore", tmp_path / "kept")
    for each in aliases:
        connections[each].close()
    said("haystack_restore", tmp_path / "kept", "--replace")
    assert not verify(content, OrmAdapter(using=alias)).differences


@pytest.mark.skipif(bool(missing_of_two()), reason=missing_of_two() or "both")
@committing
def test_two_databases_while_writing(
    configured: Any, moved: Move, tmp_path: Path
) -> None:
    """Samples are backed up before entities, which say what was restored of them."""
    two = {"using": "postgres", "history": "timescale"}
    for alias in two.values():
        need_programs(alias)
    configured({"default": {"BACKEND": ORM, "OPTIONS": two}})
    store = OrmAdapter(**two)
    store.load_entities([point(f"p{number}") for number in range(4)])
    stop, counts = threading.Event(), Counter[str]()
    writer = threading.Thread(target=_write, args=(store, stop, counts))
    writer.start()
    try:
        eventually(lambda: counts.total() > 20, "writes")
        before = dict(counts)
        said("haystack_backup", tmp_path / "kept")
    finally:
        stop.set()
        writer.join()
    [folder] = (tmp_path / "kept").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    aliases = [part["alias"] for part in manifest["parts"]]
    assert aliases == ["timescale", "default", "postgres"]
    assert manifest["storages"] == {"default": "database postgres timescale"}
    assert "restored and compared" in said(
        "haystack_verify_backup", tmp_path / "kept", "--restore"
    )
    for alias in aliases:
        moved(alias)
    assert said("haystack_restore", tmp_path / "kept").endswith("restored\n")
    restored = OrmAdapter(**two)
    assert restored.differences() == []
    for number in range(4):
        id = f"p{number}"
        size = restored.existing(id)["hisSize"].val
        assert before[id] <= size <= counts[id]
    restored.his_write("p0", [(at("2025-01-01 00:00"), Number(1))])
    assert restored.differences() == []


def _write(store: OrmAdapter, stop: threading.Event, counts: Counter[str]) -> None:
    try:
        while not stop.is_set():
            id = f"p{counts.total() % 4}"
            store.his_write(id, numbers(1, later(counts[id])))
            counts[id] += 1
    finally:
        connections.close_all()


@committing
def test_a_database_in_use_is_not_replaced(
    sql_store: OrmAdapter, configured: Any, moved: Move, tmp_path: Path
) -> None:
    alias = sql_store.using
    if connections[alias].vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: a transaction replaces it")
    need_programs(alias)
    configured({"default": {"BACKEND": ORM, "OPTIONS": {"using": alias}}})
    filled(sql_store)
    said("haystack_backup", tmp_path / "kept")
    moved("default")
    moved(alias)
    words = sources.connection_words(alias)
    with psycopg.connect(**words) as other:  # type: ignore[arg-type]
        before = _databases(other)
        with pytest.raises(CommandError, match="is in use; stop the server"):
            said("haystack_restore", tmp_path / "kept")
        assert _databases(other) == before


def _databases(database: Any) -> list[Any]:
    name = database.info.dbname
    rows = database.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [name]
    )
    return sorted(rows.fetchall())


@committing
def test_redis(redis_store: RedisAdapter, configured: Any, tmp_path: Path) -> None:
    options = {"url": redis_store.server.url, "prefix": redis_store.keys.prefix}
    backend = "haystack_app.storage.redis.RedisAdapter"
    redis = {"BACKEND": backend, "OPTIONS": {**options, "modules": False}}
    configured({"default": redis})
    content = reference(filled(redis_store))
    feed = feed_of(redis_store)
    said("haystack_backup", tmp_path)
    assert "restored and compared" in said(
        "haystack_verify_backup", tmp_path, "--restore"
    )
    assert not verify(content, redis_store).differences

    with pytest.raises(CommandError, match=r"not empty: .*the keys of"):
        said("haystack_restore", tmp_path)
    redis_store.load_entities([entity("new")])
    said("haystack_restore", tmp_path, "--replace")
    assert not verify(content, redis_store).differences
    assert feed_of(redis_store) == feed
    assert redis_store.differences() == []
    redis_store.load_entities([entity("new")])  # the log goes on
    redis_store.drop()
    assert redis_store.is_empty()
    assert list(redis_store.server.scan(f"{{{redis_store.keys.prefix}}}")) == []


@committing
def test_a_lost_lock_is_noticed(redis_store: RedisAdapter) -> None:
    filled(redis_store)
    keys = redis_store.export()
    next(keys)
    redis_store.server.unlink(redis_store.keys.locks)
    with pytest.raises(Exception, match="the lock of the store expired"):
        list(keys)


@committing
def test_tokens_are_restored_as_hashes(
    sqlite_only: None, moved: Move, tmp_path: Path
) -> None:
    user = get_user_model().objects.create_user("ada", password="secret of ada")
    call_command("haystack_token", "create", "ada", "grafana", stdout=StringIO())
    hashes = list(Token.objects.filter(user=user).values())
    said("haystack_backup", tmp_path / "kept")
    moved("default")
    said("haystack_restore", tmp_path / "kept")
    assert list(Token.objects.values()) == hashes
    assert hashes

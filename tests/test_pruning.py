"""The change log is kept as long as the settings say."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from haystack_app import checks, maintenance
from haystack_app.conf import app_settings
from haystack_app.kinds import Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.storage.building import entity

MEMORY = "haystack_app.storage.memory.InMemoryAdapter"
DAY = dt.timedelta(days=1)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def two(settings: Any) -> list[StorageAdapter]:
    """Two stores with five entries each."""
    settings.HAYSTACK = {
        "STORAGES": {"default": {"BACKEND": MEMORY}, "second": {"BACKEND": MEMORY}},
    }
    found = [storages["default"], storages["second"]]
    for store in found:
        store.load_entities([entity(f"e{number}") for number in range(5)])
    return found


def left(store: StorageAdapter) -> int:
    end = store.changes_since(None, 1).cursor
    for count in range(5, 0, -1):
        try:
            return len(store.changes_since(end - count, 10).entries)
        except ValueError:
            continue
    return 0


def keep(settings: Any, days: Any) -> None:
    """In place: another value of the setting would make the memory stores anew."""
    settings.HAYSTACK["CHANGES_DAYS"] = days
    app_settings.reload()


def test_old_entries_are_deleted(two: list[StorageAdapter], settings: Any) -> None:
    assert maintenance.prune_batch() == (0, {})
    assert maintenance.prune_batch(now() + 364 * DAY) == (0, {})
    assert maintenance.prune_batch(now() + 366 * DAY) == (5, {})
    assert [left(store) for store in two] == [0, 0]


def test_the_trash_of_a_store_in_memory(
    two: list[StorageAdapter], settings: Any
) -> None:
    """Another process cannot empty it."""
    for store in two:
        store.trash_entities([{"id": Ref("e1")}], force=True)
    keep(settings, 0)
    maintenance.prune_batch(now() + 29 * DAY)
    assert [store.count("id") for store in two] == [5, 5]
    maintenance.prune_batch(now() + 31 * DAY)
    assert [store.count("id") for store in two] == [4, 4]


@pytest.mark.parametrize("days", [0, None, 0.0])
def test_for_ever(two: list[StorageAdapter], settings: Any, days: Any) -> None:
    keep(settings, days)
    assert maintenance.prune_batch(now() + 9_999 * DAY) == (0, {})
    assert [left(store) for store in two] == [5, 5]


def test_failed_store_does_not_affect_others(
    two: list[StorageAdapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    down = ConnectionError("the database is down")

    def fail(*_: Any) -> int:
        raise down

    monkeypatch.setattr(two[0], "prune_changes", fail)
    assert maintenance.prune_batch(now() + 366 * DAY) == (5, {"default": down})


def test_ticker_prunes_in_batches(
    two: list[StorageAdapter], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 2)
    keep(settings, 1e-9)
    ticker = maintenance.Upkeep(1)
    counts = []
    for _ in range(4):
        ticker.tick()
        counts.append([left(store) for store in two])
    assert counts == [[3, 3], [1, 1], [0, 0], [0, 0]]
    two[0].load_entities([entity("late")])
    ticker.tick()
    assert left(two[0]) == 1  # it looks again in a while
    ticker.prune_at = 0.0
    ticker.tick()
    assert left(two[0]) == 0


def test_the_command(two: list[StorageAdapter], settings: Any) -> None:
    def run(*words: str) -> str:
        written = StringIO()
        call_command("haystack_prune_changes", *words, stdout=written)
        return written.getvalue()

    assert run().split("\n")[:2] == [
        "0 entries older than 365 days deleted",
        "0 writes older than 90 days deleted",
    ]
    assert run("--storage", "second", "--days", "1e-9").startswith("5 entries")
    assert [left(store) for store in two] == [5, 0]
    keep(settings, 0)
    assert "forever" in run()
    for wrong in ("-1", "nan", "inf"):
        with pytest.raises(CommandError, match="must be a number of days"):
            run("--days", wrong)
    with pytest.raises(CommandError, match="no storage 'third'"):
        run("--storage", "third", "--days", "1")


@pytest.mark.parametrize("days", [-1, "365", True, float("nan"), 1e9, [1]])
def test_invalid_days(two: list[StorageAdapter], settings: Any, days: Any) -> None:
    keep(settings, days)
    assert [one.id for one in checks.check_settings()] == ["haystack.E015"]
    assert maintenance.retention_days() == 365

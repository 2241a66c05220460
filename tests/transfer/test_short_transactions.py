"""Loads and imports store in short transactions, after all is checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage import short_transactions
from haystack_app.storage.errors import InvalidRecord
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.short_transactions import commit_in_parts
from haystack_app.storage.stored import Stored, stored_form
from haystack_app.transfer import his_import
from tests.storage.building import at, entity, ids, point

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def sqlite(monkeypatch: pytest.MonkeyPatch) -> Iterator[OrmAdapter]:
    monkeypatch.setattr(short_transactions, "BATCH", 10)
    monkeypatch.setattr(his_import, "_BATCH", 10)
    yield OrmAdapter(using="default")


@pytest.fixture
def commits() -> Iterator[list[int]]:
    """What another connection sees after each transaction, of entities and samples."""
    seen: list[int] = []
    connection = connections["default"]
    connection.ensure_connection()
    other = sqlite3.connect(connection.settings_dict["NAME"])

    def look() -> None:
        [(rows,)] = other.execute(
            "SELECT (SELECT count(*) FROM entities) + (SELECT count(*) FROM history)"
        )
        seen.append(rows)

    real = connection._commit

    def commit() -> None:
        real()
        look()

    connection._commit = commit
    yield seen
    del connection._commit
    other.close()


def records(count: int) -> list[Stored]:
    return [stored_form(entity(f"e{n:03}", dis=str(n))) for n in range(count)]


def test_a_load_of_many(sqlite: OrmAdapter, commits: list[int]) -> None:
    changes = commit_in_parts(sqlite, records(35), who="w")
    assert len(changes.created) == 35
    assert {10, 20, 30, 35} <= set(commits)
    commits.clear()
    changes = commit_in_parts(sqlite, records(40))
    assert (len(changes.created), len(changes.unchanged)) == (5, 35)
    changes = commit_in_parts(sqlite, records(5), replace=True)
    assert (len(changes.removed), len(changes.unchanged)) == (35, 5)
    assert len(list(sqlite.scan())) == 5


def test_nothing_is_stored_if_the_last_one_is_invalid(sqlite: OrmAdapter) -> None:
    sqlite.load_entities([point("p", unit="°C")])
    sqlite.his_write("p", [(at("2024-03-01"), Number(1, "°C"))])
    other = stored_form(point("p", unit="kW"))
    with pytest.raises(InvalidRecord, match="unit"):
        commit_in_parts(sqlite, [*records(35), other])
    assert ids(sqlite.scan()) == ["p"]


def test_an_import_of_many(
    sqlite: OrmAdapter, commits: list[int], tmp_path: Path
) -> None:
    sqlite.load_entities(
        [
            {
                "id": Ref("p"),
                "point": MARKER,
                "kind": "Number",
                "tz": "UTC",
                "his": MARKER,
            }
        ]
    )
    commits.clear()
    rows = [f"2024-01-01T{n // 60:02}:{n % 60:02}Z,{n}\n" for n in range(95)]
    path = tmp_path / "a.csv"
    path.write_text("ts,p\n" + "".join(rows))
    found = his_import.import_histories(sqlite, [path])
    assert found.samples == 95
    assert {11, 51, 96} <= set(commits)
    commits.clear()
    path.write_text("ts,p\n" + "".join(rows).replace("Z", ":01Z") + "2025,x\n")
    with pytest.raises(ValueError, match="line 97"):
        his_import.import_histories(sqlite, [path])
    assert commits == []

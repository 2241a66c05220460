"""How long statements wait for the lock of SQLite."""

from __future__ import annotations

import sqlite3

import pytest

from haystack_app.sql.sqlite_waiting import waiting


def seconds(raw: sqlite3.Connection) -> float:
    [(found,)] = raw.execute("PRAGMA busy_timeout")
    return float(found) / 1000


def test_a_wait_within_another_one_ends_with_the_outer_one() -> None:
    raw = sqlite3.connect(":memory:", timeout=7)
    with waiting(raw, 10):
        with pytest.raises(ValueError), waiting(raw, 0.2):
            assert seconds(raw) == 0.2
            raise ValueError
        assert seconds(raw) == 10
    assert seconds(raw) == 7


def test_a_connection_may_be_closed_meanwhile() -> None:
    raw = sqlite3.connect(":memory:")
    with waiting(raw, 1):
        raw.close()
    with pytest.raises(sqlite3.ProgrammingError):
        raw.execute("SELECT 1")

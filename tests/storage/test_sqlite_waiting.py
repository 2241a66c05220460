"""How long statements wait for the lock of SQLite."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest
from django.db import OperationalError, connections
from django.db.backends.utils import CursorWrapper

from haystack_app.kinds import Ref
from haystack_app.sql.sqlite_waiting import waiting
from haystack_app.storage.orm import OrmAdapter
from tests.patience import PATIENCE


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


@pytest.mark.django_db(transaction=True)
def test_many_transactions_let_others_in() -> None:
    """SQLite gives the lock to the one that asks first after it was released."""
    store = OrmAdapter(using="default")
    store.load_entities([{"id": Ref("a")}])
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        begun.set()
        OrmAdapter(using="default").load_entities([{"id": Ref("b")}])
        done.set()
        connections.close_all()

    thread = threading.Thread(target=write)
    with store.locked():
        thread.start()
        assert begun.wait(PATIENCE)
        time.sleep(0.3)  # it looks at the lock every 100 ms now
    count = 0
    while not done.is_set():
        store.let_others_write()
        with store.locked():
            time.sleep(0.1)
        count += 1
    thread.join()
    assert count < 10


@pytest.mark.django_db(transaction=True)
def test_garbage_of_a_vain_wait_holds_no_statement() -> None:
    """Collecting it in another thread would wait for this connection's next wait."""
    connection = connections["default"]
    connection.ensure_connection()
    with sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None) as raw:
        raw.execute("BEGIN IMMEDIATE")
        for sql in ("BEGIN IMMEDIATE", "DELETE FROM entities"):
            with waiting(connection.connection, 0):
                cursor = connection.cursor()
                with pytest.raises(OperationalError, match="locked"):
                    cursor.execute(sql)
            with pytest.raises(Exception, match="closed cursor"):
                CursorWrapper(cursor.cursor, connection).fetchone()
        raw.execute("ROLLBACK")
    raw.close()

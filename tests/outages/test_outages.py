"""Which errors are outages: a service that is not there, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
import pytest
import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.test import Client

from haystack_app import outages
from haystack_app.outages import is_outage
from haystack_app.storage.handler import storages
from tests.outages.services import free_port

DOWN = "postgresql://u:secret@127.0.0.1:{}/db"


def raised(act: Callable[[], Any]) -> Exception:
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def wrapped(kind: type[Exception], cause: BaseException) -> Exception:
    """As Django and django-redis raise them."""
    error = kind("it failed")
    error.__cause__ = cause
    return error


def no_server() -> Exception:
    return raised(lambda: psycopg.connect(DOWN.format(free_port()), connect_timeout=2))


def no_connection_left() -> Exception:
    with psycopg_pool.ConnectionPool(
        DOWN.format(free_port()), min_size=0, max_size=1, open=True
    ) as pool:
        return raised(lambda: pool.getconn(timeout=0.01))


def no_redis() -> Exception:
    client = redis.Redis(port=free_port())
    return raised(client.ping)


def locked(folder: Path) -> Exception:
    path = str(folder / "locked.sqlite3")
    with sqlite3.connect(path) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        other = sqlite3.connect(path, timeout=0)
        error = raised(lambda: other.execute("BEGIN IMMEDIATE"))
        other.close()
    holder.close()
    return error


def test_services_that_are_not_there(tmp_path: Path) -> None:
    for cause in (no_server(), no_connection_left(), locked(tmp_path), no_redis()):
        assert is_outage(cause), cause
        assert is_outage(wrapped(OperationalError, cause)), cause
        assert is_outage(wrapped(RuntimeError, wrapped(InterfaceError, cause))), cause
    missing = raised(lambda: sqlite3.connect("/nowhere/at.all"))
    assert is_outage(wrapped(OperationalError, missing))
    assert is_outage(redis.TimeoutError())
    assert is_outage(redis.exceptions.BusyLoadingError())


@pytest.mark.parametrize(
    "state", ["08006", "08P01", "53300", "55P03", "57P01", "57P03"]
)
def test_connections_that_a_server_ends(state: str) -> None:
    assert is_outage(wrapped(OperationalError, psycopg.errors.lookup(state)()))


@pytest.mark.parametrize(
    ("state", "status", "text"),
    [
        ("25006", 503, "the database cannot be written"),
        ("53100", 507, "the storage of the server is full"),
        ("53200", 503, "out of memory: try again"),
        ("55P03", 503, "another change takes too long"),
        ("58030", 503, "service temporarily unavailable"),
        ("57P01", 503, "service temporarily unavailable"),
    ],
)
def test_what_an_answer_says(state: str, status: int, text: str) -> None:
    outage = outages.outage_of(
        wrapped(OperationalError, psycopg.errors.lookup(state)())
    )
    assert outage is not None
    assert outage.status == outage.response.status_code == status
    assert outage.text.startswith(text)
    assert outage.response["Retry-After"] == "5"


def test_a_full_or_read_only_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    made = sqlite3.connect(file)
    made.execute("CREATE TABLE t (x)")
    made.execute("PRAGMA max_page_count = 3")
    full = raised(lambda: made.execute("INSERT INTO t VALUES (zeroblob(100000))"))
    assert outages.outage_of(full) == outages.FULL
    made.close()
    read_only = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    error = raised(lambda: read_only.execute("INSERT INTO t VALUES (1)"))
    assert outages.outage_of(error) == outages.READ_ONLY
    read_only.close()


@pytest.mark.parametrize(
    ("name", "outage"),
    [
        ("SQLITE_BUSY_RECOVERY", outages.LOCKED),
        ("SQLITE_BUSY_SNAPSHOT", outages.LOCKED),
        ("SQLITE_CANTOPEN_ISDIR", outages.UNAVAILABLE),
        ("SQLITE_IOERR_SHMSIZE", outages.UNAVAILABLE),
        ("SQLITE_READONLY_DIRECTORY", outages.READ_ONLY),
        ("SQLITE_CONSTRAINT_UNIQUE", None),
        ("SQLITE_ERROR", None),
    ],
)
def test_extended_codes_of_sqlite(name: str, outage: outages.Outage | None) -> None:
    error = sqlite3.OperationalError()
    error.sqlite_errorname, error.sqlite_errorcode = name, getattr(sqlite3, name)
    assert outages.outage_of(wrapped(OperationalError, error)) == outage


def test_a_snapshot_that_is_too_old(tmp_path: Path) -> None:
    """A real error with an extended code: another one has written in between."""
    one, other = (
        sqlite3.connect(tmp_path / "a.sqlite3", isolation_level=None) for _ in "ab"
    )
    one.execute("PRAGMA journal_mode = WAL")
    one.execute("CREATE TABLE t (x)")
    one.execute("BEGIN")
    one.execute("SELECT * FROM t").fetchall()
    other.execute("INSERT INTO t VALUES (1)")
    error = raised(lambda: one.execute("INSERT INTO t VALUES (2)"))
    assert outages.outage_of(error) == outages.LOCKED
    for connection in (one, other):
        connection.close()


def test_no_memory_in_this_process() -> None:
    assert outages.outage_of(wrapped(RuntimeError, MemoryError())) == outages.NO_MEMORY


def test_a_full_or_read_only_redis() -> None:
    full = redis.exceptions.OutOfMemoryError("OOM command not allowed")
    assert outages.outage_of(full) == outages.FULL
    replica = redis.exceptions.ReadOnlyError("READONLY You can't write")
    assert outages.outage_of(replica) == outages.READ_ONLY
    file = "MISCONF Errors writing to the AOF file: {}, on @user_script:19."
    for reason, outage in (
        ("No space left on device", outages.FULL),
        ("Input/output error", outages.READ_ONLY),
    ):
        error = redis.ResponseError(file.format(reason))
        assert outages.outage_of(error) == outage
    for error, outage in (
        (redis.ResponseError("NOREPLICAS Not enough good replicas"), outages.READ_ONLY),
        (redis.ResponseError("BUSY Redis is busy running a script"), outages.LOCKED),
        (redis.exceptions.MasterDownError("Link is down"), outages.UNAVAILABLE),
        (redis.exceptions.ClusterDownError("It is down"), outages.UNAVAILABLE),
    ):
        assert outages.outage_of(error) == outage


@pytest.mark.parametrize(
    "state",
    [
        "23505",  # the row already exists
        "40001",  # two transactions met
        "40P01",
        "42P01",  # no such table
        "57014",  # cancelled
    ],
)
def test_what_a_server_refuses(state: str) -> None:
    assert not is_outage(wrapped(DatabaseError, psycopg.errors.lookup(state)()))


def test_faults_of_our_own() -> None:
    wrong = sqlite3.connect(":memory:")
    assert not is_outage(raised(lambda: wrong.execute("SELECT * FROM nowhere")))
    wrong.close()
    assert not is_outage(redis.ResponseError("WRONGTYPE"))
    assert not is_outage(ConnectionResetError())
    assert not is_outage(OperationalError("without a cause"))
    assert not is_outage(None)


@pytest.mark.django_db(databases="__all__")
def test_cancelled_by_postgresql() -> None:
    if "postgres" in settings.MISSING_SERVICES:
        pytest.skip(settings.MISSING_SERVICES["postgres"])
    with connections["postgres"].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        error = raised(lambda: cursor.execute("SELECT pg_sleep(5)"))
    assert isinstance(error, OperationalError)
    assert not is_outage(error)


# -- answers ------------------------------------------------------------------


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default store is not there."""

    def read(*_: Any, **__: Any) -> Any:
        raise wrapped(OperationalError, no_server())

    monkeypatch.setattr(storages["default"], "read", read)
    monkeypatch.setattr(storages["default"], "count", read)


@pytest.fixture
def client(admin_client: Client) -> Client:
    admin_client.raise_request_exception = False
    return admin_client


@pytest.mark.usefixtures("down")
@pytest.mark.parametrize(
    ("accept", "begin"),
    [
        ("text/zinc", 'ver:"3.0" err dis:'),
        ("application/json", '{"_kind":"grid","meta":{"ver":"3.0","err":'),
        ("application/json;version=3", '{"meta":{"ver":"3.0","err":'),
        ("text/trio", "dis:"),
        ("text/csv", "dis,err"),
    ],
)
def test_an_op_answers_an_error_grid(client: Client, accept: str, begin: str) -> None:
    answer = client.get("/api/read?filter=site", headers={"Accept": accept})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith(accept.partition(";")[0])
    text = answer.content.decode()
    assert text.startswith(begin)
    assert "try again" in text
    assert "secret" not in text


@pytest.mark.usefixtures("down")
def test_a_page_answers_json(client: Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json() == {"status": 503, "dis": outages.UNAVAILABLE.text}
    assert answer["Cache-Control"] == "no-cache, no-store"


def test_another_fault_of_a_page_is_none(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: Any) -> Any:
        raise ValueError("a fault")

    monkeypatch.setattr(storages["default"], "count", read)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Retry-After" not in answer

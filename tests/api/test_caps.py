"""Caps of the settings over HTTP: each excess names its cap and the number."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from haystack_app.kinds import Grid, Number, Ref
from haystack_app.storage.errors import StatementTimeout
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm.time_limit import time_limit
from tests.api.conftest import Api, fill, grid_of, ids_of, logged_in
from tests.api.test_ops import ids_grid

DAY = "2024-03-02"


@pytest.fixture
def cap(settings: Any) -> Any:
    def set_(**limits: int) -> None:
        settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": limits}

    return set_


def test_ids(api: Api, cap: Any) -> None:
    cap(IDS=2)
    assert ids_of(api.post("read", ids_grid("s1", "s1"))) == ["s1", "s1"]
    assert not grid_of(api.post("hisRead", ids_grid("n", "n", range=DAY))).is_error
    why = "3 ids in one request, at most 2 (cap IDS)"
    assert api.error(api.post("read", ids_grid("s1", "no", "s1"))) == why
    request = ids_grid("n", "n", "n", range=DAY)
    assert api.error(api.post("hisRead", request)) == why


@pytest.mark.parametrize("accept", ["text/zinc", "application/json"])
def test_rows(api: Api, cap: Any, accept: str) -> None:
    cap(ROWS=3)
    grid = grid_of(api.get("read", accept, filter="point"))
    assert len(list(grid)) == 3
    assert grid.meta["incomplete"] == {
        "dis": "more than 3 rows match (cap ROWS)",
        "limit": Number(3),
    }
    grid = grid_of(api.get("read", accept, filter="point", limit="100"))
    assert len(list(grid)) == 3
    assert "incomplete" in grid.meta


@pytest.mark.parametrize("accept", ["text/csv", "text/trio"])
def test_rows_in_formats_without_meta(api: Api, cap: Any, accept: str) -> None:
    """The answer cannot express that there are more."""
    cap(ROWS=3)
    body = api.get("read", accept, filter="point").content.decode()
    assert (
        "more than 3 rows match (cap ROWS), which CSV, Trio and xlsx cannot express"
        in body
    )
    whole = api.get("read", accept, filter="point", limit="3").content.decode()
    assert "err" not in whole and "@" in whole


def test_complete_answers_are_not_marked(api: Api, cap: Any) -> None:
    points = len(api.ids(filter="point"))
    cap(ROWS=points)
    for limit in ("", "2", str(points), "0", "-1", "100"):
        grid = grid_of(api.get("read", filter="point", limit=limit))
        assert grid.meta == {}
    assert grid_of(api.get("read", filter="missing")).meta == {}


def test_filters_and_bodies(api: Api, cap: Any) -> None:
    cap(FILTER_LENGTH=10, FILTER_DEPTH=2, DEPTH=4, CELLS=5)
    assert "10 characters (cap FILTER_LENGTH)" in api.error(
        api.get("read", filter="site or dis")
    )
    assert "2 (cap FILTER_DEPTH)" in api.error(api.get("read", filter="(((a)))"))
    for body, why in (
        ('ver:"3.0"\na\n[[[[[]]]]]\n', "4 (cap DEPTH)"),
        ('ver:"3.0"\na,b\n1,2\n3,4\n', "5 values (cap CELLS)"),
    ):
        response = api.post("read", body)
        assert response.status_code == 400
        assert why in response.json()["dis"]


# -- time ---------------------------------------------------------------------

SLOW = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 1000000000) SELECT count(*) FROM n"
    ),
    "postgresql": "SELECT pg_sleep(60)",
}


def _store(alias: str) -> Any:
    missing = django_settings.MISSING_SERVICES.get(alias, "")
    databases = ["default"] if missing else ["default", alias]
    return pytest.param(
        alias,
        marks=[
            pytest.mark.skipif(bool(missing), reason=missing or "it is there"),
            pytest.mark.django_db(transaction=True, databases=databases),
        ],
    )


@pytest.fixture(params=[_store("default"), _store("postgres")])
def slow(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Api]:
    """A project whose store takes a minute for every filter."""
    alias = request.param
    fill(storages[alias])
    original = OrmAdapter.read

    def read(self: OrmAdapter, *args: Any) -> Any:
        run_slowly(alias)
        return original(self, *args)

    monkeypatch.setattr(OrmAdapter, "read", read)
    yield Api(logged_in("alice"), alias)
    storages[alias].load_entities([], replace=True)


def run_slowly(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(SLOW[connections[alias].vendor])


def test_a_statement_that_takes_too_long(slow: Api, cap: Any) -> None:
    cap(STATEMENT_SECONDS=1)
    why = slow.error(slow.get("read", filter="site"))
    assert why == "statement timeout after 1 s (cap STATEMENT_SECONDS)"
    assert ids_of(slow.post("read", ids_grid("s1"))) == ["s1"]


@pytest.mark.parametrize("slow", [_store("postgres")], indirect=True)
def test_what_waits_for_a_lock(slow: Api, cap: Any) -> None:
    """Another transaction holds the row, as a long load does."""
    alias = slow.root.split("/")[2]
    cap(LOCK_SECONDS=1)
    write = 'ver:"3.0" id:@n\nts,val\n2024-03-02T01:00:00-05:00 New_York,1\n'
    other = connections[alias].copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT FROM entities WHERE id = 'n' FOR UPDATE")
        answer = slow.post("hisWrite", write)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert ids_of(slow.post("read", ids_grid("n"))) == ["n"]
    finally:
        other.rollback()
        other.close()
    assert not grid_of(slow.post("hisWrite", write)).is_error


def test_long_write_is_rolled_back(slow: Api, cap: Any) -> None:
    alias = slow.root.split("/")[2]
    store = storages[alias]
    using = store.using  # type: ignore[attr-defined]
    with (
        pytest.raises(StatementTimeout),
        time_limit(connections[using], 1),
        transaction.atomic(using=using),
    ):
        store.load_entities([{"id": Ref("late")}])
        run_slowly(using)
    assert store.read_by_ids(["late"]) == [None]
    store.load_entities([{"id": Ref("later")}])
    assert store.read_by_ids(["later"]) != [None]


def test_a_connection_that_no_op_used_has_no_limit(slow: Api, cap: Any) -> None:
    """Management commands take their time."""
    alias = slow.root.split("/")[2]
    cap(STATEMENT_SECONDS=1)
    assert slow.get("about").status_code == 200
    connection = connections[alias].copy()
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(SLOW["sqlite"].replace("1000000000", "6000000"))
                assert cursor.fetchone() is not None
            else:
                cursor.execute("SHOW statement_timeout")
                assert cursor.fetchone() == ("0",)
    finally:
        connection.close()


@pytest.mark.django_db(databases="__all__")
def test_the_limit_of_a_connection_is_set_once(cap: Any) -> None:
    """And again when the cap is another one."""
    alias = "postgres" if "postgres" in connections else "timescale"
    if alias not in connections:
        pytest.skip("SQLite has no setting")
    connection = connections[alias].copy()
    try:
        told: list[str] = []
        for seconds in (7, 7, 7, 9):
            with (
                CaptureQueriesContext(connection) as queries,
                time_limit(connection, seconds),
            ):
                pass
            told += [query["sql"] for query in queries]
        assert len([sql for sql in told if "statement_timeout" in sql]) == 2
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("9s",)
    finally:
        connection.close()


def test_each_statement_has_its_own_time(slow: Api) -> None:
    alias = slow.root.split("/")[2]
    connection = connections[alias]
    with time_limit(connection, 3), connection.cursor() as cursor:
        for _ in range(4):
            if connection.vendor == "postgresql":
                cursor.execute("SELECT pg_sleep(1)")
            else:
                cursor.execute(SLOW["sqlite"].replace("1000000000", "100000"))
                time.sleep(1)


@pytest.mark.django_db
def test_other_failures_are_not_timeouts() -> None:
    error = ValueError("something else")
    with (
        pytest.raises(ValueError, match="something else"),
        time_limit(connections["default"], 1),
    ):
        raise error


def test_the_empty_grid_is_an_answer(api: Api, cap: Any) -> None:
    cap(IDS=1)
    assert list(grid_of(api.post("read", Grid.of([{"id": Ref("no")}])))) == []

"""Connections of the pool: checked without asking the server, never lent broken."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from haystack_app import pooled_connections
from haystack_app.pooled_connections import PooledConnection

DSN = os.environ.get("POSTGRES_DSN") or os.environ.get("TIMESCALE_DSN") or ""
pytestmark = pytest.mark.skipif(not DSN, reason="POSTGRES_DSN is not set")

Pool = ConnectionPool[PooledConnection]


class Counting(PooledConnection):
    asked = 0

    def _ask(self, query: object) -> object:
        type(self).asked += 1
        return super()._ask(query)


@pytest.fixture
def pool() -> Iterator[Pool]:
    Counting.asked = 0
    with ConnectionPool(
        DSN,
        connection_class=Counting,
        check=ConnectionPool.check_connection,
        kwargs={"autocommit": True},
        min_size=1,
        max_size=1,
        timeout=30,
    ) as pool:
        yield pool


def backend(pool: Pool) -> int:
    with pool.connection() as lent:
        return lent.info.backend_pid


def test_the_server_is_asked_at_intervals(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backend(pool)
    assert [backend(pool) for _ in range(5)] == [first] * 5
    assert Counting.asked == 1
    monkeypatch.setattr(pooled_connections, "CHECK_SECONDS", 0.0)
    assert backend(pool) == first
    assert Counting.asked == 2


def test_a_connection_that_the_server_ended_is_not_lent(pool: Pool) -> None:
    first = backend(pool)
    with psycopg.connect(DSN, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [first])
        while other.execute(
            "SELECT 1 FROM pg_stat_activity WHERE pid = %s", [first]
        ).fetchone():
            pass
    with pool.connection() as lent:
        assert lent.info.backend_pid != first
        assert lent.execute("SELECT 1").fetchone() == (1,)


def test_statements_of_others_are_executed(pool: Pool) -> None:
    with pool.connection() as lent:
        assert lent.execute("SELECT 2").fetchone() == (2,)

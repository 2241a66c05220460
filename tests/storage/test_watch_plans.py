"""The plans of what watches have to tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from haystack_app import filters
from haystack_app.kinds import Ref
from haystack_app.sql.tables import WATCH_ITEMS
from haystack_app.storage.orm import OrmAdapter
from tests.storage.building import point

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def plan_of(sql_store: OrmAdapter) -> Callable[..., str]:
    """The plan of an idle poll, of a watch of ids or by filter."""
    connection = connections[sql_store.using]
    sql_store.load_entities([point(f"p{i}", siteRef=Ref("s")) for i in range(300)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE entities")

    def plan(scope: str | None = None, filter: str | None = None) -> str:
        store = sql_store.visible_to(filters.parse(scope) if scope else None)
        watch = store.watch_open("t", owner="joe", lease=60, now=NOW, filter=filter)
        if filter is None:
            store.watch_sub(watch.id, [f"p{i}" for i in range(200)], now=NOW)
        asked: list[Any] = []

        def listen(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
            if f"FROM {WATCH_ITEMS}" in sql and "JOIN" in sql:
                asked.append((sql, params))
            return execute(sql, params, *rest)

        with connection.execute_wrapper(listen):
            store.watch_poll(watch.id, now=NOW)
        word = "QUERY PLAN " if connection.vendor == "sqlite" else ""
        with connection.cursor() as cursor:
            sql, params = asked[-1]
            cursor.execute(f"EXPLAIN {word}{sql}", params)
            return "\n".join(str(row[-1]) for row in cursor.fetchall())

    return plan


@pytest.mark.parametrize("scope", [None, "siteRef == @s"])
def test_a_watch_of_ids_looks_each_up(
    plan_of: Callable[..., str], scope: str | None
) -> None:
    plan = plan_of(scope)
    assert "Seq Scan on entities" not in plan
    assert "SCAN entities" not in plan
    assert "SCAN main.entities" not in plan


def test_a_watch_by_filter_compares_no_row_with_each_other_one(
    plan_of: Callable[..., str],
) -> None:
    plan = plan_of(filter="point")
    assert "RIGHT-JOIN" not in plan
    assert "Nested Loop" not in plan


def test_hints_without_a_watch_lock_nothing(
    sql_store: OrmAdapter, django_assert_num_queries: Any
) -> None:
    sql_store.load_entities([point("a"), point("b")])
    watch = sql_store.watch_open("t", owner="joe", lease=60, now=NOW)
    sql_store.watch_sub(watch.id, ["a"], now=NOW, subscriber="h")
    connection = connections[sql_store.using]
    with django_assert_num_queries(1, connection=connection):
        news = sql_store.watch_updates(
            {watch.id: 0}, subscriber="h", now=NOW, among={"b"}
        )
    assert news == {}

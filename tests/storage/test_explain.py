"""The plans that PostgreSQL makes for the filters of the bench."""

from __future__ import annotations

import pytest
from django.db import connections

from haystack_app.demo import entities
from haystack_app.sql.tables import ENTITIES, ENTITY_REF
from haystack_app.storage.orm import OrmAdapter
from tests.bench.explain import GIN, indexes_of, scanned_tables
from tests.bench.questions import Questions, questions_for

COPIES = 4


@pytest.fixture
def asked(sql_store: OrmAdapter) -> Questions:
    """The bench's filters, for some thousand entities that are stored."""
    connection = connections[sql_store.using]
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no GIN index")
    copies = [list(entities(copy=copy)) for copy in range(COPIES)]
    for records in copies:
        sql_store.load_entities(records)
    with connection.cursor() as cursor:
        # what VACUUM would do, which no transaction may
        cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [GIN])
        cursor.execute(f"ANALYZE {ENTITIES}, {ENTITY_REF}")
    return questions_for(copies[1], COPIES, rows=100 * COPIES)


def test_every_bench_filter_uses_the_index(
    sql_store: OrmAdapter, asked: Questions
) -> None:
    found = {
        filter: indexes_of(sql_store, filter) for filter in asked.filters().values()
    }
    assert [filter for filter, indexes in found.items() if GIN not in indexes] == []


def test_no_bench_filter_reads_every_entity(
    sql_store: OrmAdapter, asked: Questions
) -> None:
    found = {
        filter: scanned_tables(sql_store, filter) for filter in asked.filters().values()
    }
    assert {filter: tables for filter, tables in found.items() if tables} == {}

"""Chunks of TimescaleDB are created before they are written, so that no write waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections, transaction

from haystack_app import maintenance
from haystack_app.kinds import DateTime, Number
from haystack_app.storage.orm import OrmAdapter, chunk_creation
from haystack_app.storage.orm.hypertable import chunks_of
from tests.defects.building import point
from tests.storage.building import numbers

pytestmark = [
    pytest.mark.skipif(
        "timescale" in settings.MISSING_SERVICES,
        reason=settings.MISSING_SERVICES.get("timescale", ""),
    ),
    pytest.mark.django_db(transaction=True, databases="__all__"),
]


@pytest.fixture
def timescale() -> Iterator[OrmAdapter]:
    store = OrmAdapter(using="timescale")
    store.load_entities([point(id, tz="UTC") for id in ("a", "b", "c")])
    with connections["timescale"].cursor() as cursor:
        cursor.execute(
            "SELECT drop_chunks('history', newer_than => '-infinity'::timestamptz)"
        )
    chunk_creation.forget()
    yield store
    chunk_creation.forget()


def chunks(store: OrmAdapter) -> int:
    found = chunks_of(connections[store.using])
    assert found is not None
    return found.number


def at(text: str) -> DateTime:
    return DateTime.parse(f"{text}T00:00:00Z", "UTC")


def test_a_long_write_of_new_chunks_stops_no_other(timescale: OrmAdapter) -> None:
    """The same new chunk, and another new one, while an import is under way."""
    errors: list[Exception] = []

    def write() -> None:
        try:
            with timescale.time_limit(10):
                for id, day in (("b", "2021-03-05"), ("c", "2022-03-05")):
                    timescale.his_write(id, numbers(3, at(day)))
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    with transaction.atomic(using=timescale.using):
        timescale.his_write("a", numbers(3, at("2021-03-05")))
        other = threading.Thread(target=write)
        other.start()
        other.join()
    assert errors == []
    assert len(list(timescale.his_read("b"))) == 3


def test_only_the_samples_are_there(timescale: OrmAdapter) -> None:
    days = ["2020-01-01", "2020-06-01", "2021-01-01"]
    timescale.his_write("a", [(at(day), Number(1)) for day in days])
    assert chunks(timescale) == 3
    with connections["timescale"].cursor() as cursor:
        cursor.execute("SELECT DISTINCT point_id FROM history")
        assert cursor.fetchall() == [("a",)]


def test_what_exists_is_not_asked_for_again(
    timescale: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    timescale.his_write("a", numbers(3, at("2021-03-05")))
    monkeypatch.setattr(chunk_creation, "_create", None)
    learn = chunk_creation._Known.learn
    monkeypatch.setattr(chunk_creation._Known, "learn", None)
    timescale.his_write("a", numbers(3, at("2021-03-05")))
    monkeypatch.setattr(chunk_creation._Known, "learn", learn)


def test_a_dropped_chunk_is_written_all_the_same(timescale: OrmAdapter) -> None:
    timescale.his_write("a", numbers(3, at("2021-03-05")))
    with connections["timescale"].cursor() as cursor:
        cursor.execute(
            "SELECT drop_chunks('history', older_than => '2024-01-01'::timestamptz)"
        )
    timescale.his_write("b", numbers(3, at("2021-03-05")))
    assert len(list(timescale.his_read("b"))) == 3


def test_maintenance_creates_those_of_the_coming_day(timescale: OrmAdapter) -> None:
    assert maintenance.prepare_histories(at("2031-03-05").utc) == {}
    assert chunks(timescale) >= 1
    assert list(timescale.his_read("a")) == []

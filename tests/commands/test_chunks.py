"""``haystack_chunks``: the interval of new chunks on TimescaleDB."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from haystack_app.kinds import DateTime, Number
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm.hypertable import Chunks, chunks_of, set_days
from tests.storage.building import point

needs_timescale = pytest.mark.skipif(
    "timescale" not in settings.DATABASES, reason="TIMESCALE_DSN is not set"
)
PLAIN = [alias for alias in ("default", "postgres") if alias in settings.DATABASES]


def run(*words: str, database: str = "timescale") -> str:
    out = StringIO()
    call_command("haystack_chunks", *words, "--database", database, stdout=out)
    return out.getvalue()


def before_now(days: int) -> DateTime:
    return DateTime(dt.datetime.now(dt.UTC) - dt.timedelta(days=days), "New_York")


@pytest.mark.parametrize(
    ("megabytes", "days"), [(0, 90), (13, 90), (60, 30), (200, 7), (900, 2), (9000, 1)]
)
def test_recommended(megabytes: int, days: int) -> None:
    assert Chunks(7, 1, 0, megabytes * 1024**2).recommended == days


@needs_timescale
@pytest.mark.django_db(transaction=True, databases="__all__")
def test_new_chunks_cover_the_days() -> None:
    store = OrmAdapter(using="timescale")
    store.load_entities([point("p")])
    store.his_write("p", [(before_now(1), Number(1))])
    before = chunks_of(connections["timescale"])
    assert before is not None
    assert before.number >= 1
    assert before.bytes_per_day > 0
    assert f"new chunks cover {before.days:g} days" in run()
    assert "new chunks cover 11 days; the others stay" in run("--days", "11")
    after = chunks_of(connections["timescale"])
    assert after is not None
    assert (after.days, after.number) == (11, before.number)
    assert "new chunks cover 90 days; the others stay" in run("--days", "auto")
    for days in range(100, 100 + 3 * 90, 30):  # ten dates, 90 days to a chunk
        store.his_write("p", [(before_now(days), Number(1))])
    grown = chunks_of(connections["timescale"])
    assert grown is not None
    assert grown.number <= before.number + 4
    assert len(list(store.his_read("p"))) == 10
    set_days(connections["timescale"], int(before.days))


@pytest.mark.parametrize("database", PLAIN)
@pytest.mark.django_db(databases=PLAIN)
def test_other_databases_have_none(database: str) -> None:
    with pytest.raises(CommandError, match="chunks are a feature of TimescaleDB"):
        run(database=database)


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "9999"])
def test_unusable_days(days: str) -> None:
    with pytest.raises(CommandError, match="whole number from 1 to 3650 or auto"):
        run("--days", days)

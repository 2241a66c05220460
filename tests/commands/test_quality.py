"""haystack_quality: the table, CSV, JSON and Zinc, refused options."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from django.core.management.base import CommandError

from haystack_app.kinds import Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.wire import zinc_reader
from tests.storage.building import HOUR, at, numbers

from .conftest import Run

MARCH = "2024-03-01,2024-03-31"


@pytest.fixture
def filled(points: StorageAdapter) -> StorageAdapter:
    noon = at("2024-03-01 12:00")
    samples = [one for n, one in enumerate(numbers(100, noon)) if not 50 <= n < 60]
    points.his_write("num", [(ts, Number(val.val, "°F")) for ts, val in samples])
    return points


def test_the_table(run: Run, filled: StorageAdapter) -> None:
    header, *lines, count = run("haystack_quality", range=MARCH).splitlines()
    assert header.split()[0] == "score"
    assert [line.rpartition("@")[2] for line in lines] == ["flag", "text", "num"]
    assert "1 h" in lines[-1]
    assert "11 h from 2024-03-03 13:00" in lines[-1]
    assert count == "3 points"
    assert len({line.index("@") for line in lines}) == 1


def test_a_filter_and_an_empty_answer(run: Run, filled: StorageAdapter) -> None:
    assert "@num" in run("haystack_quality", 'kind == "Number"')
    _, count = run("haystack_quality", "nosuch").splitlines()
    assert count == "0 points"


def test_json(run: Run, filled: StorageAdapter) -> None:
    text = run("haystack_quality", format="json", range=MARCH, sort="-samples")
    first, *others = json.loads(text)
    assert first["id"] == "num"
    assert (first["samples"], first["gaps"], first["gap"]) == (
        90,
        1,
        11 * HOUR.total_seconds(),
    )
    assert first["gapStart"] == "2024-03-03T13:00:00-05:00"
    assert [row["score"] for row in others] == [0, 0]


def test_csv(run: Run, filled: StorageAdapter) -> None:
    text = run("haystack_quality", format="csv", range=MARCH, limit=2)
    table = list(csv.DictReader(StringIO(text)))
    assert [row["id"] for row in table] == ["@flag", "@text"]


def test_zinc(run: Run, filled: StorageAdapter) -> None:
    text = run("haystack_quality", format="zinc", range=MARCH, sort="-samples")
    first, *_ = zinc_reader.read_grid(text)
    assert (first["id"], first["samples"]) == (Ref("num"), Number(90))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"range": "soon"}, "invalid history range"),
        ({"flat": "long"}, "flat must be a number of hours"),
        ({"sort": "worst"}, "sort must be one of"),
        ({"limit": 0}, "--limit must be 1 or greater"),
        ({"storage": "nosuch"}, "nosuch"),
    ],
)
def test_bad_options(
    run: Run, filled: StorageAdapter, options: dict[str, object], expected: str
) -> None:
    with pytest.raises(CommandError, match=expected):
        run("haystack_quality", **options)


def test_a_bad_filter(run: Run, filled: StorageAdapter) -> None:
    with pytest.raises(CommandError, match="filter"):
        run("haystack_quality", "point and")

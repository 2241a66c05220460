"""Frames: blocks of points that are joined by time, and arrays of shifted times."""

from __future__ import annotations

import csv
import io
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from haystack_app.kinds import NA, Number
from haystack_app.kinds.series import Chunk, Series, ShiftedTimes
from haystack_app.transfer.frames import frame as frames
from haystack_app.transfer.frames.arrow import arrow_chunks, pyarrow
from haystack_app.transfer.frames.csv_text import csv_chunks
from haystack_app.transfer.frames.frame import Column, Frame

ORIGIN = 946_684_800_000_000
Samples = dict[int, Any]


def series(samples: Samples, random: Random, *, shifted: bool) -> Series:
    """In chunks of any sizes, of which some are empty."""

    def read() -> Iterator[Chunk]:
        left = list(samples.items())
        while left:
            size = random.randint(0, 5)
            part, left = left[:size], left[size:]
            times: Any = [time for time, _ in part]
            if shifted:
                times = ShiftedTimes(array("q", (it - ORIGIN for it in times)), ORIGIN)
            others = {
                at: value
                for at, (_, value) in enumerate(part)
                if type(value) is not float
            }
            vals = array("d", (it if type(it) is float else 0.0 for _, it in part))
            yield Chunk(times, vals, others)

    return Series("UTC", None, read)


def histories(random: Random) -> list[Samples]:
    """Of some points: the same times, times of their own, or none."""
    common = sorted(random.sample(range(-30, 60), random.randint(0, 20)))
    found = []
    for _ in range(random.randint(1, 5)):
        kind = random.random()
        times = common if kind < 0.5 else sorted(random.sample(range(-30, 60), 12))
        if kind > 0.9:
            times = []
        values: list[Any] = [float(random.randint(0, 9)), 0.5, NA, True]
        found.append(
            {it * 1_000_000: random.choice([*values[:2] * 3, *values]) for it in times}
        )
    return found


def framed(samples: list[Samples], random: Random) -> Frame:
    own = [series(it, random, shifted=random.random() < 0.5) for it in samples]
    columns = [
        Column(f"p{at}", f"p{at}", None, "Number", None, "UTC")
        for at in range(len(samples))
    ]
    return Frame("UTC", columns, own)


@pytest.mark.parametrize("seed", range(60))
def test_blocks_are_the_samples_joined_by_time(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    monkeypatch.setattr(frames, "_CELLS", random.choice((1, 7, 1_000)))
    samples = histories(random)
    rows: dict[int, dict[int, Any]] = {}
    before: int | None = None
    for block in framed(samples, random).blocks():
        assert list(block.times) == sorted(block.times)
        assert before is None or block.times[0] > before
        before = block.times[-1]
        assert len(block.cells) == len(samples)
        for place, cells in enumerate(block.cells):
            if cells is None:
                continue
            places = range(len(block.times)) if cells.places is None else cells.places
            for at, row in enumerate(places):
                value = cells.others.get(at, cells.vals[at])
                rows.setdefault(block.times[row], {})[place] = value
    expected: dict[int, dict[int, Any]] = {}
    for place, own in enumerate(samples):
        for time, value in own.items():
            expected.setdefault(time, {})[place] = value
    assert rows == expected


def text_of(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is float:
        return f"{value:g}"
    return "NA" if value is NA else "true"


@pytest.mark.parametrize("seed", range(20))
def test_texts_and_arrow_are_the_blocks(seed: int) -> None:
    random = Random(seed)
    samples = histories(random)
    frame = framed(samples, random)
    found = list(csv.reader(io.StringIO("".join(csv_chunks(frame, long=False)))))
    times = sorted({time for own in samples for time in own})
    expected = [[text_of(own.get(it)) for own in samples] for it in times]
    assert [row[1:] for row in found[1:]] == expected
    stream = b"".join(arrow_chunks(frame, long=False))
    table = pyarrow().ipc.open_stream(stream).read_all()
    for place, own in enumerate(samples):
        cells = [own.get(it) for it in times]
        numbers = [it if type(it) is float else None for it in cells]
        assert table[f"p{place}"].to_pylist() == numbers
    long = b"".join(arrow_chunks(frame, long=True))
    assert pyarrow().ipc.open_stream(long).read_all().num_rows == sum(map(len, samples))


def test_a_series_that_is_there_twice_is_read_once() -> None:
    count = []

    def read() -> Iterator[Chunk]:
        count.append(1)
        yield Chunk([0, 1], [1.0, 2.0], {1: Number(float("nan"))})

    one = Series("UTC", None, read)
    columns = [Column(it, it, None, "Number", None, "UTC") for it in "ab"]
    [block] = Frame("UTC", columns, [one, one]).blocks()
    assert block.cells[0] == block.cells[1]
    assert len(count) == 1


def test_shifted_times_are_a_sequence() -> None:
    times = ShiftedTimes(array("q", [-ORIGIN - 5, 0, 7]), ORIGIN)
    plain = [-5, ORIGIN, ORIGIN + 7]
    assert list(times) == plain
    assert times == plain
    assert (times[0], times[-1], len(times)) == (-5, ORIGIN + 7, 3)
    assert list(times[1:]) == plain[1:]
    assert times[1:] == ShiftedTimes(array("q", [0, 7]), ORIGIN)
    assert times != ShiftedTimes(array("q", [0, 7]), ORIGIN)
    assert bisect_right(times, ORIGIN) == 2
    assert not times[3:]

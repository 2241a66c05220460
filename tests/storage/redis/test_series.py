"""Histories in blocks and in time series, beside the memory store's."""

from __future__ import annotations

import math
from contextlib import closing
from random import Random
from typing import Any

import pytest

from haystack_app.kinds import NA, Coord, Number
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.redis import RedisAdapter
from haystack_app.storage.redis.history import blocks, series, timeseries
from haystack_app.storage.redis.history.blocks import Samples, hex_time, time_of
from haystack_app.storage.redis.history.merge import interleaved
from haystack_app.storage.redis.history.series import OutdatedReading
from haystack_app.storage.samples import Batch
from tests.storage.building import at, history, numbers, point

Store = RedisAdapter
NOON = at("2024-03-01 12:00")
VALUES: list[Any] = [
    *(0.0, -0.0, 1.5, 1e300, -1e-300, 5e-324, 0.1, 123456789.123456789, 2.0**53 + 2),
    *(1.7976931348623157e308, 1e16, 1e-7, -3.0),
    *(NA, True, False, "", "text", Coord(1, 2), Number(math.inf), Number(math.nan)),
]


def batch(dice: Random, spread: int) -> Batch:
    """Times from 1969 on, whole seconds, milliseconds and microseconds."""
    times: set[int] = set()
    for _ in range(dice.randrange(1, 40)):
        grain = dice.choice([1, 1_000, 1_000_000, 1_000_000])
        times.add(dice.randrange(-spread // 4, spread) // grain * grain)
    kept = sorted(times)
    gone = {time for time in kept if dice.random() < 0.2}
    written = {time: dice.choice(VALUES) for time in kept if time not in gone}
    return Batch(written, sorted(gone))


def samples(store: Any, start: int | None, end: int | None, size: int) -> list[Any]:
    found: list[Any] = []
    for chunk in store.his_chunks("p", start, end, size):
        assert 0 < len(chunk.times) <= size
        found += zip(chunk.times, map(repr, chunk.values(None)), strict=True)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_any_batches(
    redis_store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upserts, removals, ranges, growth and extent, also before they are applied."""
    dice = Random(seed)
    monkeypatch.setattr(blocks, "LARGEST", 7)
    monkeypatch.setattr(series, "LARGEST", 7)
    monkeypatch.setattr(timeseries, "LARGEST_CHUNK", 20)
    monkeypatch.setattr(timeseries, "_FILTERED", 5)
    memory = InMemoryAdapter()
    for store in (redis_store, memory):
        store.load_entities([point("p")])
    for _ in range(12):
        spread = dice.choice([30, 40_000, 60_000_000])
        one = batch(dice, spread)
        with redis_store.locked(["p"]):
            assert redis_store.his_store({"p": one}) == memory.his_store({"p": one})
            if dice.random() < 0.3:
                two = batch(dice, spread)
                assert redis_store.his_store({"p": two}) == memory.his_store({"p": two})
                inside = samples(redis_store, None, None, 9)
                assert inside == samples(memory, None, None, 9)
                assert repr(redis_store.his_extent("p")) == repr(memory.his_extent("p"))
        for _ in range(4):
            bounds = [
                None if dice.random() < 0.3 else dice.randrange(-spread // 4, spread)
                for _ in range(2)
            ]
            size = dice.choice([1, 3, 1_000])
            asked = bounds[0], bounds[1], size
            assert samples(redis_store, *asked) == samples(memory, *asked)
        assert repr(redis_store.his_extent("p")) == repr(memory.his_extent("p"))
    redis_store.his_recount(["p"])  # his_store leaves the facts to its caller
    assert redis_store.differences() == []


def test_every_float_comes_back(redis_store: Store) -> None:
    dice = Random(1)
    redis_store.load_entities([point("p")])
    floats = [
        dice.uniform(-1, 1) * 10.0 ** dice.randint(-300, 300) for _ in range(3_000)
    ]
    written = {1_000 * place: val for place, val in enumerate(floats)}
    redis_store.his_store({"p": Batch(written, [])})
    found = [val for chunk in redis_store.his_chunks("p") for val in chunk.vals]
    assert found == floats


def test_a_second_time_changes_nothing(redis_store: Store) -> None:
    redis_store.load_entities([point("p")])
    for _ in range(2):
        redis_store.his_write("p", numbers(3_000, NOON))
    assert redis_store.existing("p")["hisSize"] == Number(3_000)
    assert [value.val for _, value in history(redis_store)] == list(range(3_000))


def test_a_reading_that_lasts_too_long_fails_and_is_not_wrong(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if redis_store.server.modules:
        pytest.skip("a time series is read at once")
    monkeypatch.setattr(series, "KEPT_SECONDS", 0)
    redis_store.load_entities([point("p")])
    redis_store.his_write("p", numbers(40_000, NOON))
    changed = [(ts, Number(-1)) for ts, _ in numbers(40_000, NOON)]
    with closing(redis_store.his_chunks("p", size=1_000)) as chunks:  # type: ignore[type-var]
        assert next(chunks).vals == list(range(1_000))
        redis_store.his_write("p", changed)
        with pytest.raises(OutdatedReading):
            for chunk in chunks:
                assert -1 not in chunk.vals


def test_a_sample_that_moves_into_the_series_is_not_missed(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not redis_store.server.modules:
        pytest.skip("there are no series")
    redis_store.load_entities([point("p")])
    redis_store.his_write("p", [(NOON, NA)])
    found: Any = redis_store._series
    page = found._page

    def disturbed(*args: Any) -> Any:
        answer = page(*args)
        monkeypatch.setattr(found, "_page", page)
        redis_store.his_write("p", [(NOON, Number(1))])
        return answer

    monkeypatch.setattr(found, "_page", disturbed)
    [chunk] = redis_store.his_chunks("p")
    assert chunk.vals == [1]


def test_a_server_that_is_to_forget_samples_keeps_these(redis_store: Store) -> None:
    if not redis_store.server.modules:
        pytest.skip("there are no series")
    redis_store.load_entities([point("p")])
    redis_store.his_write("p", numbers(3, NOON))
    info = redis_store.server.command("TS.INFO", redis_store.keys.series("p"))
    assert info[info.index(b"retentionTime") + 1] == 0
    plan = redis_store._series.fresh("p", Batch({0: 1.0}, []))
    assert plan.commands[0][2:4] == ("RETENTION", "0")
    assert plan.commands[0][-3:] == ("IGNORE", "0", "0")


def test_a_series_that_changes_while_it_is_read_is_read_again(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not redis_store.server.modules:
        pytest.skip("there are no series")
    monkeypatch.setattr(timeseries, "LARGEST_CHUNK", 100)
    redis_store.load_entities([point("p")])
    redis_store.his_write("p", numbers(450, NOON))
    found: Any = redis_store._series
    page, turns = found._page, iter(range(5))

    def disturbed(id: str, first: int, last: int) -> Any:
        answer = page(id, first, last)
        if last >= 0 and (turn := next(turns, None)) is not None:
            # what comes later is left out, what changes the past starts it again
            later = at("2025-01-01 00:00") if turn % 2 else NOON
            monkeypatch.setattr(found, "_page", page)
            redis_store.his_write("p", [(later, Number(1_000 + turn))])
            monkeypatch.setattr(found, "_page", disturbed)
        return answer

    monkeypatch.setattr(found, "_page", disturbed)
    vals = [val for chunk in redis_store.his_chunks("p") for val in chunk.vals]
    assert vals[1:450] == list(range(1, 450))
    assert vals[0] == 1_004
    assert vals[450:] in ([], [1_001], [1_003])


def test_names_of_blocks_sort_as_their_times() -> None:
    times = [-(2**63), -631_152_000_000_000, -1, 0, 1, 253_370_764_800_000_000]
    assert sorted(map(hex_time, times)) == [hex_time(time) for time in times]
    assert [time_of(hex_time(time) + "block") for time in times] == times


def test_packing() -> None:
    given = Samples(list(range(len(VALUES))), VALUES)
    numbers, others = given.packed()
    assert len(numbers) == 16 * len(VALUES)
    assert repr(Samples.unpacked(numbers, others)) == repr(given)
    # values added after the size that a reader knows do not count
    more = Samples([100, 101], [NA, 1.0])
    grown = [
        a + b for a, b in zip((numbers, others), more.packed(len(given)), strict=True)
    ]
    assert repr(Samples.unpacked(*grown).first(len(given))) == repr(given)
    assert Samples.unpacked(*grown).values[-2:] == [NA, 1.0]
    assert repr(Samples.unpacked(numbers, grown[1])) == repr(given)


@pytest.mark.parametrize("seed", range(20))
def test_two_streams_become_one(seed: int) -> None:
    dice = Random(seed)
    times = dice.sample(range(100), 40)
    streams: list[list[Samples]] = []
    for part in (sorted(times[:15]), sorted(times[15:])):
        cuts = sorted(dice.sample(range(1, len(part)), 4))
        ends = zip([0, *cuts], [*cuts, len(part)], strict=True)
        streams.append(
            [Samples(part[a:b], [float(t) for t in part[a:b]]) for a, b in ends]
        )
    merged = list(interleaved(*streams))
    assert [time for part in merged for time in part.times] == sorted(times)
    assert all(part for part in merged)
    assert list(interleaved(streams[0], [])) == streams[0]

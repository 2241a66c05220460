"""The points of a roll-up, and what is looked up beside its range for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.accumulators import number_of
from ...folds.composition import Composition
from ...folds.parts import Sample
from ...folds.rollup import END, Rollup
from .dropped_samples import DroppedSamples
from .fold_statements import Key
from .history import extents
from .nearest_samples import Which, nearest_samples

__all__ = ["OF_NUMBERS", "FoldedPoint", "Keys", "begin", "followers", "limits"]

OF_NUMBERS = {"avg", "min", "max", "sum", "spread", "count"}
OF_ENDS = {"first", "last"}


@dataclass(frozen=True, slots=True)
class Keys:
    """Which statements have the parts of a roll-up, None for those without use."""

    numbers: Key | None
    ends: Key | None
    weighed: Key | None
    counted: Key | None

    @classmethod
    def of(cls, rollup: Rollup) -> Keys:
        meaning, folds = rollup.meaning, {*rollup.folds}
        side = 1 if meaning.ends_included else 0
        held = "linear" if meaning.is_linear else "held"
        has_ends = bool(folds & OF_ENDS)
        # the statement of ends counts, too
        numbers = folds & (OF_NUMBERS - {"count"} if has_ends else OF_NUMBERS)
        usual = "regular" if meaning.kind == "Number" else "numbers"
        return cls(
            Key(usual, side) if numbers else None,
            Key(held, side) if has_ends else None,
            Key(held, 0) if rollup.weighs_time else None,
            Key("counter", 1) if rollup.counts else None,
        )

    @property
    def used(self) -> set[Key]:
        keys = (self.numbers, self.ends, self.weighed, self.counted)
        return {key for key in keys if key is not None}


@dataclass(slots=True)
class FoldedPoint:
    """A point, and the state of its roll-up between two pages."""

    id: str
    rollup: Rollup
    dropped: DroppedSamples | None = None
    newest: int = -END
    keys: Keys = field(init=False)
    composition: Composition = field(init=False)

    def __post_init__(self) -> None:
        self.keys = Keys.of(self.rollup)

    @property
    def draws_lines(self) -> bool:
        return self.rollup.weighs_time and self.rollup.meaning.is_linear


def begin(connection: BaseDatabaseWrapper, points: Sequence[FoldedPoint]) -> None:
    """Look up what points that weigh time held, and what counters read, before it."""
    start = points[0].rollup.start
    weighing = [point for point in points if point.rollup.weighs_time]
    counting = [point for point in points if point.rollup.counts]
    held = _newest(connection, "before", weighing, start)
    read = _newest(connection, "number", counting, start + 1)
    for point in points:
        sample = read.get(point.id)
        number = None if sample is None else number_of(sample[1])
        point.composition = Composition(
            point.rollup, held.get(point.id), number, point.newest
        )


def _newest(
    connection: BaseDatabaseWrapper,
    which: Which,
    points: Sequence[FoldedPoint],
    before: int,
) -> dict[str, Sample]:
    """By id, the newest sample before an instant that is not NaN, or is a number.

    Of dropped samples only these two are known.
    """
    found: dict[str, Sample] = {}
    left = []
    for point in points:
        if point.dropped is None or before > point.dropped.end:
            left.append(point.id)
            continue
        for sample in point.dropped.before(before):
            if which == "before" or number_of(sample[1]) is not None:
                found[point.id] = sample
                break
    at = before if which == "before" else before - 1
    samples = nearest_samples(connection, which, left, at)
    return found | {left[place]: sample for place, sample in samples.items()}


def followers(
    connection: BaseDatabaseWrapper, points: Sequence[FoldedPoint], time: int
) -> list[Sample | None]:
    """The first sample of each point from a time on that is not NaN, for lines."""
    found: list[Sample | None] = [None] * len(points)
    asked: dict[int, list[int]] = {}
    for place, point in enumerate(points):
        if not point.draws_lines:
            continue
        at = time
        if point.dropped is not None and time < point.dropped.end:
            found[place] = point.dropped.after(time)
            at = point.dropped.end
        if found[place] is None:
            asked.setdefault(at, []).append(place)
    for at, places in asked.items():
        ids = [points[place].id for place in places]
        for n, sample in nearest_samples(connection, "after", ids, at).items():
            found[places[n]] = sample
    return found


def limits(
    connection: BaseDatabaseWrapper, points: Sequence[FoldedPoint], size: int
) -> tuple[int, int]:
    """From when to when rows are possible; the newest samples of points are found.

    They are looked up where time is weighed, or where the range is longer than ``size``
    buckets. What is held from before the range is not regarded.
    """
    rollup = points[0].rollup
    begin, stop = rollup.start, rollup.end
    is_long = (stop - begin) // rollup.interval.size > size
    is_weighed = any(point.rollup.weighs_time for point in points)
    if not is_long and not is_weighed:
        return begin, stop
    ids = [point.id for point in points]
    found = [
        (point.dropped.first if point.dropped else first, last)
        for point, (first, last) in zip(
            points, extents(connection, ids, begin if is_long else None), strict=True
        )
    ]
    last = -END
    for point, (_, newest) in zip(points, found, strict=True):
        point.newest = -END if newest is None else newest
        horizon = point.rollup.meaning.horizon if point.rollup.weighs_time else None
        last = max(last, point.newest + 1, -END if horizon is None else horizon)
    if is_long:
        # a sample at a boundary may belong to the bucket before it
        begin = max(
            begin, min((one - 1 for one, _ in found if one is not None), default=stop)
        )
    return begin, min(stop, last)

"""The rows of points whose stored parts are usual, without an object for each part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...folds.parts import FloatSum, Part, Sample
from ...folds.units import rate_of
from ...folds.usual import Bounds, counted, ended, is_usual, weighed
from .fold_points import OF_NUMBERS, FoldedPoint
from .fold_statements import Key
from .stored_parts import StoredParts

__all__ = ["UsualRows", "usual_keys"]

_Row = dict[str, Any]
"""Values by fold."""


class UsualRows:
    """Of buckets that consist of whole parts; ``is_single``: of one each.

    ``places`` are those of points whose parts have been read, and are usual.
    """

    def __init__(
        self, stored: StoredParts, buckets: Sequence[Bounds], *, is_single: bool
    ) -> None:
        self.stored, self.buckets, self.is_single = stored, buckets, is_single
        self.edges = [low for low, _ in buckets] + [buckets[-1][1]]
        self.places: set[int] = set()
        self._parts: dict[Key, dict[int, list[Any]]] = {}

    def read(self, points: Sequence[FoldedPoint], places: Iterable[int]) -> None:
        self.places = {place for place in places if _begins_usual(points[place])}
        wanted: dict[Key, list[int]] = {}
        for place in sorted(self.places):
            for key in usual_keys(points[place]):
                wanted.setdefault(key, []).append(place)
        for key, at in wanted.items():
            found = self._parts[key] = {place: [] for place in at}
            for row in self._rows(key, [points[place].id for place in at]):
                found[at[row[0]]].append(row)
                if row[-1]:
                    self.places.discard(at[row[0]])

    def add(self, key: Key, place: int, parts: list[Any]) -> None:
        """Parts of a point that have been read already."""
        self._parts.setdefault(key, {})[place] = parts

    def _rows(self, key: Key, ids: Sequence[str]) -> Iterable[Any]:
        low, high = self.edges[0], self.edges[-1]
        if key.statement != "numbers":
            # a part at the end has only its head in the range
            return self.stored.usual(key.statement, ids, low, high - 1 + key.side)
        if key.side or not self.is_single:
            return self.stored.numbers(ids, self.edges, key.side)
        return self.stored.usual("numbers", ids, low, high - 1)

    def of(
        self, point: FoldedPoint, place: int, following: Sample | None
    ) -> list[_Row]:
        """The values of each bucket, of a point in one of ``places``."""
        rows: list[_Row] = [{} for _ in self.buckets]
        for key in usual_keys(point):
            parts = self._parts[key][place]
            if key.statement == "numbers":
                by_start = dict(zip(self.edges, rows, strict=False))
                _add_numbers(by_start, point, parts)
            elif key.statement == "ends":
                _add_ends(rows, point, ended(parts, self.buckets, key.side))
            elif key.statement == "counter":
                counting = point.composition.counting
                _add(rows, "delta", counted(counting, parts, self.buckets))
            else:
                weighing = point.composition.weighing
                found = weighed(weighing, parts, self.buckets, following)
                _add_weighed(rows, point, found)
        return rows


def _begins_usual(point: FoldedPoint) -> bool:
    composition = point.composition
    held = composition.weighing.value
    number = None if held is None else held[1]
    return is_usual(composition.counting.before) and (
        not isinstance(number, float) or is_usual(number)
    )


def usual_keys(point: FoldedPoint) -> list[Key]:
    """Statements of ``sql.usual_parts``, and their sides."""
    keys = point.keys
    found = [Key("numbers", keys.numbers.side)] if keys.numbers else []
    found += [Key("ends", keys.ends.side)] if keys.ends else []
    return found + [key for key in (keys.weighed, keys.counted) if key is not None]


def _add_numbers(
    rows: Mapping[int, _Row], point: FoldedPoint, parts: Iterable[Sequence[Any]]
) -> None:
    folds = [fold for fold in point.rollup.folds if fold in OF_NUMBERS]
    for _, start, count, na, nan, numbers, small, huge, low, high, _ in parts:
        row = rows[start]
        if na or nan or huge or not numbers:
            part = Part(count, na, nan, numbers, FloatSum(small, huge), low, high)
            for fold in folds:
                if (value := part.result(fold)) is not None:
                    row[fold] = value
            continue
        for fold in folds:
            if fold == "avg":
                row[fold] = small / numbers
            elif fold == "min":
                row[fold] = low
            elif fold == "max":
                row[fold] = high
            elif fold == "sum":
                row[fold] = small
            elif fold == "count":
                row[fold] = float(count)
            else:
                row[fold] = high - low


def _add_ends(
    rows: Sequence[_Row],
    point: FoldedPoint,
    ends: Iterable[tuple[int, float, float]],
) -> None:
    folds = [fold for fold in point.rollup.folds if fold in ("first", "last", "count")]
    for row, (count, first, last) in zip(rows, ends, strict=True):
        if count:
            values = {"count": float(count), "first": first, "last": last}
            row.update((fold, values[fold]) for fold in folds)


def _add_weighed(
    rows: Sequence[_Row],
    point: FoldedPoint,
    weights: Iterable[tuple[float, float, Any]],
) -> None:
    rollup = point.rollup
    units = {
        fold: rate_of(rollup.meaning.unit)[1] if fold == "integral" else None
        for fold in rollup.folds
        if fold in ("twa", "integral")
    }
    for row, (area, known, instead) in zip(rows, weights, strict=True):
        for fold, unit in units.items():
            if known:
                row[fold] = area / (unit or known) + 0.0
            elif instead is not None:
                row[fold] = instead


def _add(rows: Sequence[_Row], fold: str, values: Iterator[Any]) -> None:
    for row, value in zip(rows, values, strict=True):
        if value is not None:
            row[fold] = value

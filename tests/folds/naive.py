"""Roll-ups by the definition, slowly: for each bucket, over lists of all samples.

An evaluator of its own, which the streaming one is compared with. Sums are fractions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from haystack_app.folds.rollup import Rollup
from haystack_app.kinds.scalars import NA

Sample = tuple[int, Any]
_RATES = {"kW": 3_600_000_000, "L/s": 1_000_000}


def naive(
    rollup: Rollup, samples: Sequence[Sample], spans: Sequence[tuple[int, int]]
) -> list[tuple[int, dict[str, Any]]]:
    """``samples`` are the whole history; ``spans`` the buckets that the range touches."""
    rows = []
    for start, end in spans:
        low, high = max(start, rollup.start), min(end, rollup.end)
        cells = {fold: _fold(rollup, fold, samples, low, high) for fold in rollup.folds}
        if row := {fold: value for fold, value in cells.items() if value is not None}:
            rows.append((start, row))
    return rows


def _fold(
    rollup: Rollup, fold: str, samples: Sequence[Sample], low: int, high: int
) -> Any:
    left = [value for time, value in samples if low <= time < high]
    right = [value for time, value in samples if low < time <= high]
    if fold in ("twa", "integral"):
        if NA in left:
            return NA
        pieces = _pieces(rollup, samples, low, high)
        known = sum(until - since for since, until, _ in pieces)
        if not known:
            return math.nan if left and all(map(_is_nan, left)) else None
        area = sum((until - since) * mean for since, until, mean in pieces)
        return float(
            area / (known if fold == "twa" else _RATES[rollup.meaning.unit or ""])
        )
    if fold == "delta":
        if NA in right or not right or all(map(_is_nan, right)):
            return NA if NA in right else math.nan if right else None
        readings = [
            value for time, value in samples if time <= low and _is_value(value)
        ][-1:]
        readings += [value for value in right if _is_value(value)]
        exact = [Fraction(value) for value in readings]
        steps = pairwise(exact)
        return float(sum((b - a if b >= a else b for a, b in steps), Fraction()))
    values = right if rollup.meaning.ends_included else left
    return _of_samples(fold, values)


def _of_samples(fold: str, values: list[Any]) -> Any:
    if not values:
        return None
    if fold == "count":
        return float(len(values))
    kept = [value for value in values if not _is_nan(value)]
    if fold in ("first", "last"):
        return kept[0 if fold == "first" else -1] if kept else math.nan
    if NA in kept:
        return NA
    if not kept:
        return math.nan
    total = sum(map(Fraction, kept))
    return {
        "avg": float(total / len(kept)),
        "sum": float(total),
        "min": float(min(kept)),
        "max": float(max(kept)),
        "spread": max(kept) - min(kept),
    }[fold]


def _pieces(
    rollup: Rollup, samples: Sequence[Sample], low: int, high: int
) -> list[tuple[int, int, Fraction]]:
    """Since, until and mean value of the times in a bucket at which a value is known."""
    found = []
    real = [one for one in samples if not _is_nan(one[1])]
    newest = max((time for time, _ in samples), default=0)
    for place, (time, value) in enumerate(real):
        following = real[place + 1] if place + 1 < len(real) else None
        if value is NA:
            continue
        if following:
            until = following[0]
        elif rollup.meaning.is_linear:
            continue
        else:
            until = max(newest, rollup.meaning.horizon or newest)
        since, until = max(low, time), min(high, until)
        if since >= until:
            continue
        mean = Fraction(value)
        if rollup.meaning.is_linear:
            assert following
            if following[1] is NA:
                continue
            slope = (Fraction(following[1]) - mean) / (following[0] - time)
            mean += slope * (Fraction(since + until, 2) - time)
        found.append((since, until, mean))
    return found


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_value(value: Any) -> bool:
    return value is not NA and not _is_nan(value)

"""Samples that a write replaced or removed, as they were before and after.

A write that only appends to a history leaves none, for nothing is lost by it, unless
its origin is whole.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ..kinds.scalars import Number
from ..wire import hayson_reader, hayson_writer
from .samples import Batch
from .stored import new_id

__all__ = [
    "EDIT",
    "IMPORT",
    "UNDO",
    "WRITE",
    "Edited",
    "Origin",
    "SampleChange",
    "SampleEdit",
    "Undone",
    "edited",
    "same_sample",
    "samples_from",
    "samples_text",
    "summaries",
]

WRITE, IMPORT, EDIT, UNDO = "hisWrite", "import", "edit", "undo"
Edited = tuple[int, Any, Any]
"""Time in microseconds, value before and after; None where there is no sample."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who writes samples, how and why; ``change`` is the same for all of one import.

    ``is_whole``: samples that are added are kept too, so that an undo removes them.
    """

    user: str = ""
    kind: str = WRITE
    change: str = field(default_factory=new_id)
    reason: str = ""
    is_whole: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class SampleEdit:
    """The samples of one point that one write changed, in time order."""

    at: dt.datetime
    origin: Origin
    id: str
    samples: Sequence[Edited]


@dataclass(frozen=True, slots=True)
class SampleChange:
    """A summary of all edits with the same ``origin.change``."""

    at: dt.datetime
    origin: Origin
    points: int
    samples: int


@dataclass(slots=True)
class Undone:
    """What an undo did: samples that are as before, and those that it left alone.

    ``conflicts`` are (point, microseconds) of samples that were changed since;
    ``dropped`` are those before which a policy dropped all samples, and refuses late
    ones; ``missing`` are points that do not exist any more.
    """

    restored: int = 0
    conflicts: list[tuple[str, int]] = field(default_factory=list)
    dropped: list[tuple[str, int]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def edited(
    batch: Batch, held: Mapping[int, Any], *, is_whole: bool = False
) -> list[Edited]:
    """The samples that a batch changes, with those that it adds among them.

    ``held`` are the stored samples at its times. Empty if it loses none of them and is
    not ``is_whole``.
    """
    removed = [(time, held[time], None) for time in batch.removed if time in held]
    found = [
        (time, held.get(time), value)
        for time, value in batch.written.items()
        if not same_sample(held.get(time), value)
    ]
    loses = bool(removed) or any(before is not None for _, before, _ in found)
    if not loses and not is_whole:
        return []
    return sorted([*removed, *found], key=lambda one: one[0])


def same_sample(one: Any, other: Any) -> bool:
    """Whether two stored values are the same; NaN is the same as NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Number) and math.isnan(one.val) and math.isnan(other.val):
        return True
    return bool(one == other)


def samples_text(samples: Iterable[Edited]) -> str:
    """As JSON."""
    rows = [
        (time, _encoded(before), _encoded(after)) for time, before, after in samples
    ]
    return orjson.dumps(rows).decode()


def samples_from(text: str | bytes) -> list[Edited]:
    """From JSON."""
    return [
        (time, _decoded(before), _decoded(after))
        for time, before, after in orjson.loads(text)
    ]


def _encoded(value: Any) -> Any:
    return (
        value if value is None or type(value) is float else hayson_writer.encode(value)
    )


def _decoded(value: Any) -> Any:
    if value is None:
        return None
    if type(value) in (int, float):
        return float(value)
    return hayson_reader.decode(value)


def summaries(edits: Iterable[SampleEdit], limit: int) -> list[SampleChange]:
    """The newest changes of edits, which are given the newest first."""
    found: dict[str, SampleChange] = {}
    points: dict[str, set[str]] = {}
    for edit in edits:
        change = edit.origin.change
        if change not in found and len(found) == limit:
            continue
        points.setdefault(change, set()).add(edit.id)
        before = found.get(change) or SampleChange(edit.at, edit.origin, 0, 0)
        found[change] = replace(
            before,
            points=len(points[change]),
            samples=before.samples + len(edit.samples),
        )
    return list(found.values())

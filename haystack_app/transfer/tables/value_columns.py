"""Columns of a table, and how they hold the samples of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .names import NamedPoint
from .shape import Shape

__all__ = [
    "EVERY",
    "Layout",
    "Rows",
    "ValueColumn",
    "cells_of",
    "unit_at",
]

Rows = Sequence[list[str]]
EVERY = "*"
"""Of ``--ignore``: all columns that are not those of points."""


@dataclass(slots=True)
class ValueColumn:
    """``point`` is None where another column names it."""

    place: int
    header: str
    point: NamedPoint | None
    unit: str | None = None
    status: int | None = None


@dataclass(slots=True)
class Layout:
    """``name``: wide, long or single, the table of one point.

    ``unnamed`` are columns without a header and, as far as is known, without values;
    ``constants`` are columns with one text, the unit of the column before.
    """

    name: str
    columns: list[ValueColumn]
    names: int | None = None
    units: int | None = None
    unnamed: list[int] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    constants: dict[int, str] = field(default_factory=dict)


def cells_of(at: int, sample: Sequence[list[str]]) -> list[str]:
    return [row[at].strip() for row in sample if len(row) > at]


def unit_at(shape: Shape, at: int) -> str | None:
    return (shape.units[at].strip() or None) if at < len(shape.units) else None

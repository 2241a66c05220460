"""Samples of a request, in columns.

Readers make them of grids that consist of times and numbers only, which most writes of
histories are: a dict and two objects a sample would cost more than everything else.
Code that does not know them iterates over the same rows and samples as otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .datetimes import DateTime, parse_instant
from .scalars import Number
from .series import instant_of, microseconds_of

__all__ = ["SampleColumn", "SampleRows", "times_of"]

_DATE = len("2000-01-01T")
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class SampleColumn:
    """Numbers of one point, in any order and with repeated times.

    ``times`` are microseconds since 1970 UTC, in the years 2 to 9998; ``tz`` is their
    zone. ``vals`` are finite, or None for missing cells; ``unit`` is that of all.
    """

    tz: str
    times: Sequence[int]
    vals: Sequence[float | None]
    unit: str | None

    def __len__(self) -> int:
        return len(self.times)

    def __iter__(self) -> Iterator[tuple[DateTime, Number | None]]:
        for time, val in zip(self.times, self.vals, strict=True):
            number = None if val is None else Number(val, self.unit)
            yield DateTime(instant_of(time), self.tz), number


@dataclass(frozen=True, slots=True)
class SampleRows:
    """Rows of ``ts`` and numbers: columns by name, at least one, of the same times."""

    columns: Mapping[str, SampleColumn]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for samples in zip(*self.columns.values(), strict=True):
            row: dict[str, Any] = {"ts": samples[0][0]}
            for name, (_, number) in zip(self.columns, samples, strict=True):
                if number is not None:
                    row[name] = number
            yield row


def times_of(texts: Iterable[str]) -> list[int]:
    """Microseconds since 1970 of the instants that ``parse_instant`` reads.

    Samples at regular times have few dates and few times of day, so a text mostly
    costs two lookups. Raises ValueError, but not for every year outside of 2 to 9998.
    """
    return [_midnight(text[:_DATE]) + _time(text[_DATE:]) for text in texts]


@lru_cache(maxsize=4_096)
def _midnight(date: str) -> int:
    """Of ``YYYY-MM-DDT``, in UTC."""
    return microseconds_of(parse_instant(f"{date}00:00:00Z"))


@lru_cache(maxsize=65_536)
def _time(text: str) -> int:
    """Of ``HH:MM:SS`` with an offset: microseconds since midnight in UTC."""
    return microseconds_of(parse_instant(f"1970-01-02T{text}")) - _DAY

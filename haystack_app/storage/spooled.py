"""Many records that are ready to be stored, in a temporary file.

A load is checked as a whole before any of it is stored, and a building has hundreds of
thousands of records.
"""

from __future__ import annotations

import datetime as dt
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import overload

from .stored import Stored, reread_form

__all__ = ["SpooledRecords", "ids_of"]

_AT_ONCE = 500
"""Records that an iteration reads together."""


class SpooledRecords(Sequence[Stored]):
    """Records in the order they were given in; only ids and positions are in memory."""

    def __init__(self, records: Iterable[Stored] = ()) -> None:
        self.ids: list[str] = []
        self._starts = array("q", [0])
        # without a name: it is gone with the process
        self._file = TemporaryFile()  # noqa: SIM115
        for one in records:
            text = f"{one.tags}\n{one.cur}\n{one.mod.isoformat() if one.mod else ''}\n"
            self.ids.append(one.id)
            self._starts.append(self._starts[-1] + self._file.write(text.encode()))
        self._file.flush()

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Stored: ...
    @overload
    def __getitem__(self, place: slice) -> list[Stored]: ...
    def __getitem__(self, place: int | slice) -> Stored | list[Stored]:
        if isinstance(place, int):
            at = range(len(self))[place]  # raises IndexError
            return self._between(at, at + 1)[0]
        first, after, step = place.indices(len(self))
        return self._between(first, after)[::step] if step > 0 else [*self][place]

    def __iter__(self) -> Iterator[Stored]:
        for at in range(0, len(self), _AT_ONCE):
            yield from self._between(at, min(at + _AT_ONCE, len(self)))

    def _between(self, first: int, after: int) -> list[Stored]:
        if first >= after:
            return []
        start, end = self._starts[first], self._starts[after]
        lines = os.pread(self._file.fileno(), end - start, start).decode().split("\n")
        rows = zip(lines[::3], lines[1::3], lines[2::3], strict=False)
        return [
            reread_form(id, tags, cur, dt.datetime.fromisoformat(mod) if mod else None)
            for id, (tags, cur, mod) in zip(self.ids[first:after], rows, strict=True)
        ]


def ids_of(records: Sequence[Stored]) -> list[str]:
    """The ids in order."""
    if isinstance(records, SpooledRecords):
        return records.ids
    return [one.id for one in records]

"""Writing points by their priority arrays, built on the primitives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ..filters import is_trash
from ..kinds.scalars import Number
from ..kinds.transient import SAMPLE_TS
from ..wire.record import Record
from .backend import StorageBackend
from .errors import InvalidWrite, NotWritable
from .priority_array import LEVELS, MANUAL, Level, WritablePoint, effective

__all__ = ["PointStore"]


class PointStore(StorageBackend):
    def point_array(self, id: str, now: dt.datetime) -> dict[int, Level]:
        """The levels that are set and not expired, by number.

        Raises UnknownEntity or NotWritable.
        """
        WritablePoint.of(self.existing(id))
        return _current(self.levels_of(id), now)

    def point_write(
        self,
        id: str,
        number: int,
        val: Any,
        who: str,
        expires: dt.datetime | None = None,
    ) -> None:
        """Set a level of a point's array, or release it if ``val`` is None.

        Updates ``writeVal`` and ``writeLevel``. Raises UnknownEntity, NotWritable or
        InvalidWrite.
        """
        if number not in LEVELS:
            raise InvalidWrite(f"level must be 1 to 17, not {number}")
        if "\0" in who:
            raise InvalidWrite("who: U+0000 cannot be stored")
        with self.locked([id]):
            record = self.existing(id)
            point = WritablePoint.of(record)
            if is_trash(record):
                raise NotWritable(f"@{id} is in the trash")
            level = None
            if val is not None:
                ends = expires if number == MANUAL else None
                level = Level(point.checked(val), who, ends)
            array = {n: one for n, one in self.levels_of(id).items() if n != number}
            self.level_store(id, number, level)
            self._update(record, array if level is None else {**array, number: level})

    def release_due(self, now: dt.datetime) -> list[str]:
        """Release the levels that expire at ``now`` or before; the ids of their points.

        Only one of several processes releases a level and returns its point.
        """
        released = []
        for id in self.due_points(now):
            with self.locked([id]):
                levels = self.levels_of(id)
                current = _current(levels, now)
                due = levels.keys() - current.keys()
                for number in due:
                    self.level_store(id, number, None)
                record = self.read_by_ids([id])[0]
                if due and record is not None:
                    self._update(record, current)
                    released.append(id)
        return released

    def _update(self, record: Record, array: Mapping[int, Level]) -> None:
        """Set the tags of a point that show its priority array."""
        id = record["id"].id
        number, val = effective(array)
        tags = {"writeVal": val, "writeLevel": Number(number)}
        if "curTracksWrite" in record:
            tags |= {"curVal": val, "curStatus": "ok", SAMPLE_TS: None}
        self.set_transient({id: tags})


def _current(levels: dict[int, Level], now: dt.datetime) -> dict[int, Level]:
    return {
        number: level
        for number, level in levels.items()
        if level.expires is None or level.expires > now
    }

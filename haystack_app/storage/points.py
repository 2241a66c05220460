"""Writing points by their priority arrays, over the primitives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ..filters import is_trash
from ..kinds.scalars import Number
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
        """Set a level of a point's array, or release it where ``val`` is None.

        ``writeVal`` and ``writeLevel`` follow what is effective then. Raises
        UnknownEntity, NotWritable or InvalidWrite.
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
            self._follow(record, array if level is None else {**array, number: level})

    def release_due(self, now: dt.datetime) -> list[str]:
        """Release the levels that expire at ``now`` or before; ids of their points.

        Whoever comes first does it: each expiry counts once among processes.
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
                    self._follow(record, current)
                    released.append(id)
        return released

    def _follow(self, record: Record, array: Mapping[int, Level]) -> None:
        """The point's tags say what its array says."""
        id = record["id"].id
        number, val = effective(array)
        tags = {"writeVal": val, "writeLevel": Number(number)}
        if "curTracksWrite" in record:
            tags |= {"curVal": val, "curStatus": "ok"}
        self.set_transient({id: tags})


def _current(levels: dict[int, Level], now: dt.datetime) -> dict[int, Level]:
    return {
        number: level
        for number, level in levels.items()
        if level.expires is None or level.expires > now
    }

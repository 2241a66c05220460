"""Writing points by their priority arrays, built on the primitives."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..filters import is_trash
from ..kinds.scalars import Number
from ..kinds.transient import SAMPLE_TS
from ..wire.record import Record
from . import signals
from .backend import StorageBackend
from .changes import ADD
from .collection import logs
from .errors import InvalidWrite, NotWritable
from .freshness import stamp
from .priority_array import LEVELS, MANUAL, Level, WritablePoint, effective
from .write_log import EXPIRE, RELEASE, SET, LevelWrite, WritePage

__all__ = ["PointStore"]

_ALWAYS = dt.datetime.min.replace(tzinfo=dt.UTC)


class PointStore(StorageBackend):
    def point_array(self, id: str, now: dt.datetime) -> dict[int, Level]:
        """The levels that are set and not expired, by number.

        Raises UnknownEntity or NotWritable.
        """
        return self.array_of(self.existing(id), now)

    def array_of(self, record: Record, now: dt.datetime) -> dict[int, Level]:
        """As ``point_array``, of a record. Raises NotWritable."""
        WritablePoint.of(record)
        return _current(self.levels_of(record["id"].id), now)

    def point_write(
        self,
        id: str,
        number: int,
        val: Any,
        who: str,
        expires: dt.datetime | None = None,
        *,
        user: str = "",
        now: dt.datetime | None = None,
    ) -> None:
        """Set a level of a point's array, or release it if ``val`` is None.

        ``who`` is the author that the array shows, ``user`` the login. Updates
        ``writeVal`` and ``writeLevel`` and adds to the log of writes, at ``now``.
        Raises UnknownEntity, NotWritable or InvalidWrite.
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
                level = Level(point.allowed(val), who, ends, user)
            array = {n: one for n, one in self.levels_of(id).items() if n != number}
            self.level_store(id, number, level)
            at = now or dt.datetime.now(dt.UTC)
            self._log_write(_write(at, id, number, level, who, user))
            after = array if level is None else {**array, number: level}
            self._update(record, after, now)

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
                    self._log_write(LevelWrite(now, id, number, EXPIRE))
                record = self.read_by_ids([id])[0]
                if due and record is not None:
                    self._update(record, current, now)
                    released.append(id)
        return released

    def writes_of(self, id: str, limit: int = 100) -> list[LevelWrite]:
        """Writes to a point's priority array, the newest first.

        With a scope, writes to earlier points with the same id are left out. Raises
        UnknownEntity.
        """
        self.existing(id)
        found = self.write_log(id, limit)
        if self.scope is None:
            return found
        begin = self._begin(id)
        return [write for write in found if write.at >= begin]

    def writes_before(self, cursor: str | None, limit: int) -> WritePage:
        """Entries of all points before a cursor, the newest first.

        With a scope, those that ``writes_of`` returns: a page may have fewer then, and
        even none. Raises InvalidWrite for what is not a cursor.
        """
        page = self.older_writes(cursor, limit)
        if self.scope is None:
            return page
        ids = {write.id for _, write in page.entries}
        begin = {id: self._begin(id) for id in self.visible_ids(ids)}
        shown = [
            (key, write)
            for key, write in page.entries
            if write.id in begin and write.at >= begin[write.id]
        ]
        return WritePage(shown, page.cursor)

    def _begin(self, id: str) -> dt.datetime:
        """When an entity was added, as far as the change log knows."""
        changes = self.changes_of(id, sys.maxsize)
        is_known = bool(changes) and changes[-1].kind == ADD
        return changes[-1].at if is_known else _ALWAYS

    def _log_write(self, write: LevelWrite) -> None:
        self.log_write(write)
        if signals.point_written.receivers:
            what = {"alias": self.alias, "write": write}
            self.after_commit(partial(signals.send, signals.point_written, **what))

    def _update(
        self, record: Record, array: Mapping[int, Level], now: dt.datetime | None
    ) -> None:
        """Set the tags of a point that show its priority array."""
        id = record["id"].id
        number, val = effective(array)
        tags = {"writeVal": val, "writeLevel": Number(number)}
        if "curTracksWrite" in record:
            tags |= {"curVal": val, "curStatus": "ok", SAMPLE_TS: None}
            tags |= stamp(record.json, now or dt.datetime.now(dt.UTC))
        self.set_transient({id: tags})
        if "curVal" in tags and logs(record):
            self.collect([id], now)


def _write(
    at: dt.datetime, id: str, number: int, level: Level | None, who: str, user: str
) -> LevelWrite:
    if level is None:
        return LevelWrite(at, id, number, RELEASE, None, who, user)
    return LevelWrite(at, id, number, SET, level.val, who, user, level.expires)


def _current(levels: dict[int, Level], now: dt.datetime) -> dict[int, Level]:
    return {
        number: level
        for number, level in levels.items()
        if level.expires is None or level.expires > now
    }

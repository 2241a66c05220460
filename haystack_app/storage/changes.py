"""Query results, the outcome of a commit, and entries of the change log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

import orjson

from ..wire.record import Record
from .errors import CursorExpired

__all__ = [
    "ADD",
    "REMOVE",
    "UPDATE",
    "Change",
    "ChangePage",
    "Changes",
    "Records",
    "check_cursor",
    "logged",
]


@dataclass(frozen=True, slots=True)
class Records(Sequence[Record]):
    """A result: records, and the names of all tags that occur in them.

    ``revisions`` has the text ``id version naming`` of each record, another one after
    each visible change of the entity, or of a name that its refs carry; None if the
    store does not know them, as of rows that plain SQL has changed and the worker has
    not checked yet, or for a caller with a scope.
    """

    rows: Sequence[Record]
    names: frozenset[str]
    revisions: Sequence[str] | None = None

    @classmethod
    def of(cls, rows: Iterable[Record]) -> Records:
        listed = list(rows)
        return cls(listed, frozenset(name for row in listed for name in row))

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Records: ...

    def __getitem__(self, index: int | slice) -> Record | Records:
        """A record, or a part of the result, with the names of all of it."""
        if isinstance(index, int):
            return self.rows[index]
        held = self.revisions
        return Records(
            self.rows[index], self.names, None if held is None else held[index]
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """The result of a commit, by ids. ``records`` has the stored records of all that
    was put, if the caller asked for them."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """Of all changed entities."""
        return [*self.created, *self.updated, *self.removed]


ADD, UPDATE, REMOVE = "add", "update", "remove"


class Change(NamedTuple):
    """One entry of the change log: an entity that was added, updated or removed.

    ``before`` has the old values of the changed persistent tags (all tags of a removed
    entity, none of an added one), ``after`` the new values of those that an update
    did not delete. Walking back from an entity's tags gives each earlier state.
    """

    at: dt.datetime
    who: str
    id: str
    kind: str
    before: Record
    after: Record
    cursor: int | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Consecutive entries of the change log, in the order of the commits.

    ``entries`` are (cursor, change); cursors grow, but not by one. ``cursor`` is that
    of the next page, ``more`` whether it has entries now.
    """

    entries: Sequence[tuple[int, Change]]
    cursor: int
    more: bool


_OPTION = orjson.OPT_SORT_KEYS
_NO_TAGS = Record("{}")


def logged(
    at: dt.datetime,
    who: str,
    id: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> Change:
    """The entry for persistent tags, as JSON, before and after; None: no entity."""
    if before is None:
        return Change(at, who, id, ADD, _NO_TAGS, _NO_TAGS)
    if after is None:
        return Change(at, who, id, REMOVE, _record(before), _NO_TAGS)
    moved = {
        name
        for name in {*before, *after} - {"mod"}
        if _text(before.get(name)) != _text(after.get(name))
    }
    was, became = (
        {name: tags[name] for name in sorted(moved & tags.keys())}
        for tags in (before, after)
    )
    return Change(at, who, id, UPDATE, _record(was), _record(became))


def _text(value: Any) -> bytes:
    return orjson.dumps(value, option=_OPTION)


def _record(tags: Mapping[str, Any]) -> Record:
    return Record(orjson.dumps(tags).decode())


def check_cursor(cursor: int, oldest: int, end: int) -> None:
    """Raises CursorExpired if entries after a cursor are missing."""
    if cursor < oldest:
        raise CursorExpired(cursor, oldest, "it is too old, later entries were pruned")
    if cursor > end:
        raise CursorExpired(
            cursor, oldest, "it is from another log, after the end of this one"
        )

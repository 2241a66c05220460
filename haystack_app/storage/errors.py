"""Errors of the storage layer; their texts are shown to clients."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AlreadyExists",
    "ArrayInUse",
    "ChangedSince",
    "Conflict",
    "CursorExpired",
    "EntityInUse",
    "GuardedTags",
    "HistoryInUse",
    "InvalidRecord",
    "InvalidSample",
    "InvalidSearch",
    "InvalidWatch",
    "InvalidWrite",
    "LargeCommit",
    "NotHistorized",
    "NotWritable",
    "OutOfScope",
    "RefsOutOfScope",
    "StaleRecord",
    "StatementTimeout",
    "StorageError",
    "TooCostly",
    "UnknownChange",
    "UnknownEntity",
    "UnknownLogEntry",
    "UnknownWatch",
]


_LISTED = 100
"""How many faults an error lists."""


class StorageError(ValueError):
    """A store rejected a request; nothing was stored."""


class InvalidRecord(StorageError):
    """A record is invalid."""


class InvalidSearch(StorageError):
    """The text of a search by words is invalid."""


class TooCostly(StorageError):
    """A filter was refused before it ran: its paths lead too far in this store."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"the filter is too expensive: paths such as '{path}' would be followed"
            " from too many entities; use fewer of them, or add a condition that few"
            " entities meet, such as siteRef == @id"
        )


class Conflict(InvalidRecord):
    """A valid record conflicts with stored data."""


class AlreadyExists(Conflict):
    """An entity with the id of a new one already exists."""

    def __init__(self, id: str) -> None:
        super().__init__(f"@{id} already exists")


class HistoryInUse(Conflict):
    """Stored samples depend on a changed tag."""

    def __init__(self, id: str, tag: str) -> None:
        why = "cannot become coarser" if tag == "hisTsPrecision" else "cannot change"
        super().__init__(f"@{id} has history: its tag {tag!r} {why}")


class ArrayInUse(Conflict):
    """Values of a priority array depend on a changed tag."""

    def __init__(self, id: str, tag: str) -> None:
        super().__init__(
            f"@{id} has values in its priority array: release them before its tag"
            f" {tag!r} changes"
        )


class UnknownChange(StorageError):
    """No change of samples has this id, or the caller may see none of its points."""

    def __init__(self, change: str) -> None:
        super().__init__(f"change of samples {change!r} not found")


class UnknownLogEntry(StorageError):
    """The change log has no such entry, or the caller may not see its entity."""

    def __init__(self, cursor: int) -> None:
        super().__init__(f"change {cursor} not found: it may have been pruned")


class LargeCommit(StorageError):
    """A commit has more entries than a request may undo."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"the commit changed more than {most:,} entities (cap IDS): undo it by the"
            " command haystack_revert"
        )


class ChangedSince(Conflict):
    """A commit cannot be undone as a whole; ``conflicts`` are texts, with the ids."""

    def __init__(self, conflicts: Sequence[str]) -> None:
        super().__init__("\n".join(conflicts))
        self.conflicts = list(conflicts)


class UnknownEntity(StorageError):
    """The entity does not exist, or is outside the caller's scope."""

    def __init__(self, id: str) -> None:
        super().__init__(f"unknown entity @{id}")
        self.id = id


class OutOfScope(StorageError):
    """A changed entity is outside the caller's scope, before or after the change."""

    def __init__(self, id: str) -> None:
        super().__init__(f"@{id} is outside of what you may change")
        self.id = id


class RefsOutOfScope(OutOfScope):
    """Added refs lead to entities that the caller does not see, or that do not exist.

    ``refs`` are (id, tag, id that the tag refers to).
    """

    def __init__(self, refs: Sequence[tuple[str, str, str]]) -> None:
        named = [f"@{id} {tag} @{to}" for id, tag, to in refs]
        StorageError.__init__(
            self,
            f"refs to unknown entities, or to some that you do not see: {_list(named)}",
        )
        self.id = refs[0][0]
        self.refs = refs


class GuardedTags(OutOfScope):
    """Tags that filters of other groups compare would change.

    ``tags`` are (id, tag, text of the refused value).
    """

    def __init__(self, tags: Sequence[tuple[str, str, str]]) -> None:
        named = [f"@{id} {tag} {value}" for id, tag, value in tags]
        StorageError.__init__(
            self,
            "filters of other groups compare these tags: keep their values, or set"
            f" values that a filter of your groups names: {_list(named)}",
        )
        self.id = tags[0][0]
        self.tags = tags


def _list(named: Sequence[str]) -> str:
    more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
    return ", ".join(named[:_LISTED]) + more


class StaleRecord(StorageError):
    """The entity has changed since its ``mod`` was read."""

    def __init__(self, id: str, given: str, held: str) -> None:
        super().__init__(
            f"@{id} was changed since it was read: mod is {held}, not {given}"
        )


class EntityInUse(StorageError):
    """Other entities refer to the entity; ``referrers`` has some of their ids."""

    def __init__(self, id: str, referrers: Sequence[str], *, more: bool) -> None:
        named = ", ".join(f"@{other}" for other in referrers)
        super().__init__(f"@{id} is still referenced by {named}{' ..' if more else ''}")
        self.referrers = list(referrers)


class NotHistorized(StorageError):
    """The entity is not a point with a history."""


class InvalidSample(StorageError):
    """A sample is invalid for its point."""


class NotWritable(StorageError):
    """The entity is not a point with a priority array, or with a current value."""


class InvalidWrite(StorageError):
    """A value, level, duration or status is invalid for its point."""


class UnknownWatch(StorageError):
    """The watch was never opened, was closed, or its lease has expired."""

    def __init__(self, id: str) -> None:
        super().__init__(f"watch {id!r} not found or expired: open a new one")


class InvalidWatch(StorageError):
    """An operation is invalid for a watch, or a limit of watches is exceeded."""


class CursorExpired(StorageError):
    """The change log cannot be read from a cursor.

    ``oldest`` is the first valid cursor.
    """

    def __init__(self, cursor: int, oldest: int, reason: str) -> None:
        super().__init__(
            f"invalid cursor {cursor}: {reason}; read all entities again, then"
            f" continue from the end of the log; the oldest cursor is {oldest}"
        )
        self.oldest = oldest


class StatementTimeout(StorageError):
    """A statement was cancelled; nothing was stored."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"statement timeout after {seconds} s (cap STATEMENT_SECONDS)")

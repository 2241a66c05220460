"""What a store refuses, in words for whoever asked."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AlreadyExists",
    "ArrayInUse",
    "Conflict",
    "CursorExpired",
    "EntityInUse",
    "HistoryInUse",
    "InvalidRecord",
    "InvalidSample",
    "InvalidWatch",
    "InvalidWrite",
    "NotHistorized",
    "NotWritable",
    "OutOfScope",
    "StaleRecord",
    "StatementTimeout",
    "StorageError",
    "UnknownEntity",
    "UnknownWatch",
]


class StorageError(ValueError):
    """A request that a store refuses; nothing of it was stored."""


class InvalidRecord(StorageError):
    """A record that cannot be stored as it is."""


class Conflict(InvalidRecord):
    """A record that is right in itself, but not beside what is stored."""


class AlreadyExists(Conflict):
    """A new entity whose id another one has."""

    def __init__(self, id: str) -> None:
        super().__init__(f"@{id} exists already")


class HistoryInUse(Conflict):
    """A change of a tag that the entity's stored samples depend on."""

    def __init__(self, id: str, tag: str) -> None:
        super().__init__(f"@{id} has history: its tag {tag!r} cannot change")


class ArrayInUse(Conflict):
    """A change of a tag that the values of a priority array depend on."""

    def __init__(self, id: str, tag: str) -> None:
        super().__init__(
            f"@{id} has values in its priority array: release them before its tag"
            f" {tag!r} changes"
        )


class UnknownEntity(StorageError):
    """No entity has the id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"unknown entity @{id}")
        self.id = id


class OutOfScope(StorageError):
    """A change of what the caller may not see, or that would hide it from them."""

    def __init__(self, id: str) -> None:
        super().__init__(f"@{id} is outside of what you may change")
        self.id = id


class StaleRecord(StorageError):
    """An entity that has changed since its ``mod`` was read."""

    def __init__(self, id: str, given: str, held: str) -> None:
        super().__init__(f"@{id} was changed meanwhile: mod is {held}, not {given}")


class EntityInUse(StorageError):
    """An entity that others refer to; ``referrers`` are some of them."""

    def __init__(self, id: str, referrers: Sequence[str], *, more: bool) -> None:
        named = ", ".join(f"@{other}" for other in referrers)
        super().__init__(f"@{id} is referred to by {named}{' ..' if more else ''}")
        self.referrers = list(referrers)


class NotHistorized(StorageError):
    """The entity is no point with a history."""


class InvalidSample(StorageError):
    """A sample that does not fit its point."""


class NotWritable(StorageError):
    """The entity is no point with a priority array, or none with a current value."""


class InvalidWrite(StorageError):
    """A value, level, duration or status that a point does not take."""


class UnknownWatch(StorageError):
    """A watch that was never opened, was closed, or whose lease has ended."""

    def __init__(self, id: str) -> None:
        super().__init__(f"watch {id!r} is unknown or has ended: open a new one")


class InvalidWatch(StorageError):
    """What a watch cannot do, or one too many."""


class CursorExpired(StorageError):
    """A place in the change log from which nobody can go on.

    ``oldest`` is the first from which one can.
    """

    def __init__(self, place: int, oldest: int, reason: str) -> None:
        super().__init__(
            f"cursor {place} {reason}: read all entities anew,"
            f" then go on from the end of the log; the oldest cursor is {oldest}"
        )
        self.oldest = oldest


class StatementTimeout(StorageError):
    """A statement was stopped; nothing of it was stored."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"took longer than {seconds} s (cap STATEMENT_SECONDS)")

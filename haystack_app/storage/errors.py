"""What a store refuses, in words for whoever asked."""

from __future__ import annotations

__all__ = [
    "HistoryInUse",
    "InvalidRecord",
    "InvalidSample",
    "NotHistorized",
    "StorageError",
    "UnknownEntity",
]


class StorageError(ValueError):
    """A request that a store refuses; nothing of it was stored."""


class InvalidRecord(StorageError):
    """A record that cannot be stored as it is."""


class HistoryInUse(InvalidRecord):
    """A change of a tag that the entity's stored samples depend on."""

    def __init__(self, id: str, tag: str) -> None:
        super().__init__(f"@{id} has history: its tag {tag!r} cannot change")


class UnknownEntity(StorageError):
    """No entity has the id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"unknown entity @{id}")


class NotHistorized(StorageError):
    """The entity is no point with a history."""


class InvalidSample(StorageError):
    """A sample that does not fit its point."""

"""What a store refuses, in words for whoever asked."""

from __future__ import annotations

__all__ = [
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


class UnknownEntity(StorageError):
    """No entity has the id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"unknown entity @{id}")


class NotHistorized(StorageError):
    """The entity is no point with a history."""


class InvalidSample(StorageError):
    """A sample that does not fit its point."""

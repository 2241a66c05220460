"""Errors of back-ups; their texts are shown to people."""

from __future__ import annotations

from ..storage.errors import StorageError

__all__ = ["BackupError"]


class BackupError(StorageError):
    """A back-up cannot be made, read or restored."""

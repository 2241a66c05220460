"""Errors of roll-ups; their texts are shown to clients."""

from __future__ import annotations

__all__ = ["FoldError"]


class FoldError(ValueError):
    """A fold or an interval that does not exist, or that a point cannot have."""

"""Points with history, of which some readers mean all, or those of a filter."""

from __future__ import annotations

from .ast import And, Filter, Has

__all__ = ["with_history"]

_HISTORIZED = (Has(("point",)), Has(("his",)))


def with_history(tree: Filter | None = None) -> Filter:
    """The filter, for points with history; of all of them without a filter."""
    return And(_HISTORIZED if tree is None else (tree, *_HISTORIZED))

"""The trash: entities with the marker ``trash``, which ops do not show.

Stores keep them until they are removed. All code that hides them uses this module.
"""

from __future__ import annotations

from collections.abc import Container

from .ast import And, Filter, Missing

__all__ = ["NOT_TRASH", "is_trash", "without_trash"]

_TAG = "trash"
NOT_TRASH = Missing((_TAG,))


def is_trash(tags: Container[str]) -> bool:
    """Whether a record, or the mapping of its tags, is in the trash."""
    return _TAG in tags


def without_trash(tree: Filter) -> Filter:
    """The filter, for entities that are not in the trash.

    The condition is added to the terms of the filter, so that they are planned
    together.
    """
    terms = tree.terms if isinstance(tree, And) else (tree,)
    return And((*terms, NOT_TRASH))

"""The trash: entities with the marker ``trash``, which ops do not show.

They do not collect, and are not written, synchronised, rolled up, counted, searched or
named in refs. ``storage.trash`` keeps them until it is emptied. All code that hides or
refuses them uses this module.
"""

from __future__ import annotations

from collections.abc import Container

from .ast import And, Filter, Has, Missing

__all__ = ["IN_TRASH", "NOT_TRASH", "is_trash", "without_trash"]

_TAG = "trash"
IN_TRASH = Has((_TAG,))
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

"""The op ``load``: import entities, compatible with haystack-py's endpoint."""

from __future__ import annotations

from ..kinds.grid import Grid
from ..kinds.scalars import Number
from .registry import Context, op

__all__: list[str] = []


@op("load", permission="add_entity", side_effects=True, accepts_list=True)
def load(context: Context, request: Grid) -> Grid:
    """Upsert the entities of a grid, or of a JSON list, all of them or none.

    An existing entity gets the new persistent tags and keeps its history. The
    answer contains the numbers of created, updated and unchanged entities.
    """
    changes = context.storage.load_entities(request.rows, who=context.username)
    counts = {
        "created": Number(len(changes.created)),
        "updated": Number(len(changes.updated)),
        "unchanged": Number(len(changes.unchanged)),
    }
    return Grid.of([counts], counts)

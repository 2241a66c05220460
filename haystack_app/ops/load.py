"""The op ``load``: import entities, compatible with haystack-py's endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..kinds.grid import Grid, Row
from ..kinds.scalars import Number
from ..storage.stored import with_id
from .registry import Context, op

__all__: list[str] = []


@op(
    "load",
    permission="add_entity",
    side_effects=True,
    accepts_list=True,
    as_job=True,
)
def load(context: Context, request: Grid) -> Grid:
    """Upsert the entities of a grid, or of a JSON list, all of them or none.

    An existing entity gets the new persistent tags and keeps its history; a record
    without an id gets a random one. The answer contains the numbers of created,
    updated and unchanged entities, and of new ids if there are some.
    """
    rows = list(request.rows)
    changes = context.storage.load_entities(_each(rows), who=context.username)
    new_ids = sum(row.get("id") is None for row in rows)
    counts = {
        "created": Number(len(changes.created)),
        "updated": Number(len(changes.updated)),
        "unchanged": Number(len(changes.unchanged)),
    }
    if new_ids:
        counts["newIds"] = Number(new_ids)
    return Grid.of([counts], counts)


def _each(rows: Iterable[Row]) -> Iterator[Row]:
    """An empty row stays one: the store names it among the invalid ones."""
    return (with_id(row) if row else row for row in rows)

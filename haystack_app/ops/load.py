"""The op ``load``: import entities, compatible with haystack-py's endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from ..conf import limit
from ..kinds.grid import Grid, Row
from ..kinds.scalars import Number
from ..storage.changes import Changes
from ..storage.short_transactions import commit_in_parts
from ..storage.stored import Stored, stored_forms, with_id
from .arguments import check_id_count
from .registry import Context, Step, op

__all__: list[str] = []


_BATCH = 1_000
_COUNTS = ("created", "updated", "unchanged")


def _steps(context: Context, request: Grid) -> list[Step] | None:
    """Batches, so that other writers wait for none of them long.

    A record without an id would get another one if it were repeated, and a caller with
    a scope may add refs only to what is stored in the same commit: None.
    """
    rows = list(request.rows)
    if context.storage.scope is not None or any(row.get("id") is None for row in rows):
        return None
    stored = stored_forms(rows)
    context.storage.changing(stored)  # raises as the commits would
    return [
        partial(_stored, part=stored[at : at + _BATCH])
        for at in range(0, len(stored), _BATCH)
    ]


def _stored(context: Context, part: Sequence[Stored]) -> dict[str, int]:
    changes = context.storage.commit(part, who=context.username)
    return {name: len(getattr(changes, name)) for name in _COUNTS}


@op(
    "load",
    permission="add_entity",
    side_effects=True,
    accepts_list=True,
    as_job=True,
    steps=_steps,
)
def load(context: Context, request: Grid) -> Grid:
    """Upsert the entities of a grid, or of a JSON list, none if one is invalid.

    An existing entity gets the new persistent tags and keeps its history; a record
    without an id gets a random one. The answer contains the numbers of created,
    updated and unchanged entities, and of new ids if there are some.
    """
    rows = list(request.rows)
    new_ids = sum(row.get("id") is None for row in rows)
    changes = _loaded(context, rows, has_new_ids=new_ids > 0)
    counts = {
        "created": Number(len(changes.created)),
        "updated": Number(len(changes.updated)),
        "unchanged": Number(len(changes.unchanged)),
    }
    if new_ids:
        counts["newIds"] = Number(new_ids)
    return Grid.of([counts], counts)


def _loaded(context: Context, rows: Sequence[Row], *, has_new_ids: bool) -> Changes:
    """Store a large request in parts, where others would wait for it.

    Records without an id would be added again if an interrupted request is repeated,
    so they are one transaction, unless there are more than one may have.
    """
    store, stored = context.storage, stored_forms(_each(rows))
    if store.scope is not None and store.splits_commits:
        check_id_count(len(rows))
    if has_new_ids and len(rows) <= limit("IDS"):
        return store.commit(stored, who=context.username)
    return commit_in_parts(store, stored, who=context.username)


def _each(rows: Iterable[Row]) -> Iterator[Row]:
    """An empty row stays one: the store names it among the invalid ones."""
    return (with_id(row) if row else row for row in rows)

"""Entities one by one, for the REST API, by the rules of ``commit``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..filters import without_trash
from ..filters.ast import Filter, Has
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Ref
from ..storage.errors import (
    Conflict,
    EntityInUse,
    StaleRecord,
    StorageError,
    UnknownEntity,
)
from ..storage.names import named_refs
from ..storage.trash import Removal
from ..storage.write_log import LevelWrite
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .arguments import require_filter
from .registry import Context, OpError

__all__ = [
    "Conflict",
    "EntityInUse",
    "StaleRecord",
    "StorageError",
    "UnknownEntity",
    "add",
    "move_to_trash",
    "names_in",
    "page",
    "page_revisions",
    "removal",
    "remove",
    "retrieve",
    "update",
    "writes",
]

Tags = Mapping[str, Any]


def page(
    context: Context,
    filter: str | None,
    *,
    after: str,
    size: int,
    trash: bool,
    search: str | None = None,
) -> Sequence[Record]:
    """Matching records in order of their ids, starting after the id ``after``.

    ``trash`` includes entities in the trash; ``search`` are words that they must have.
    Raises ParseError and InvalidSearch.
    """
    tree = _tree(filter, trash=trash)
    if search is not None:
        return context.storage.search(search, tree, limit=size, after=after)
    return context.storage.page(tree, after, size)


def page_revisions(
    context: Context,
    filter: str | None,
    *,
    after: str,
    size: int,
    trash: bool,
    search: str | None = None,
) -> Sequence[str] | None:
    """``Records.revisions`` of ``page``, if they cost less. Raises ParseError."""
    if search is not None:
        return None
    tree = _tree(filter, trash=trash)
    return context.storage.page_revisions(tree, after, size)


def _tree(filter: str | None, *, trash: bool) -> Filter:
    tree = Has(("id",)) if filter is None else require_filter(filter)
    return tree if trash else without_trash(tree)


def retrieve(context: Context, id: str) -> Record:
    """Raises UnknownEntity."""
    return context.storage.existing(id)


def names_in(record: Record) -> list[tuple[str, str]]:
    """Ids and names of what a record refers to, as far as its refs carry names."""
    return sorted({(id, dis) for id, dis in named_refs(record.raw) if dis})


def writes(context: Context, id: str, limit: int) -> list[LevelWrite]:
    """Writes to a point's priority array, the newest first. Raises UnknownEntity."""
    return context.storage.writes_of(id, limit)


def add(context: Context, records: Iterable[Tags]) -> list[Record]:
    """Store all records or none. Raises InvalidRecord."""
    return context.storage.add_entities(records, who=context.username)


def update(context: Context, id: str, tags: Tags, mod: DateTime | None) -> Record:
    """Set tags, or remove those with the value Remove.

    ``mod`` must be that of the stored record; None skips the comparison.

    Raises InvalidRecord, UnknownEntity or StaleRecord.
    """
    given = tags.get("id")
    if given is not None and given != Ref(id):
        raise OpError(f"id {display_text(given)} in the body differs from @{id}")
    row = {**tags, "id": Ref(id), "mod": mod}
    force = mod is None
    [record] = context.storage.update_entities([row], force=force, who=context.username)
    return record


def removal(context: Context, id: str) -> Removal:
    """What removing an entity concerns. Raises UnknownEntity."""
    return context.storage.removal(id)


def move_to_trash(context: Context, id: str, mod: DateTime | None) -> None:
    """Raises UnknownEntity and StaleRecord."""
    row = {"id": Ref(id), "mod": mod}
    context.storage.trash_entities([row], force=mod is None, who=context.username)


def remove(context: Context, id: str, mod: DateTime | None, *, force: bool) -> None:
    """Raises UnknownEntity, StaleRecord and, unless ``force``, EntityInUse."""
    context.storage.remove_entities(
        [{"id": Ref(id), "mod": mod}],
        force=mod is None,
        orphan=force,
        who=context.username,
    )

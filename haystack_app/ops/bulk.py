"""The op ``bulkUpdate``: change the tags of all entities that match a filter.

An extension. ``commit`` does the same for entities that the client names one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..conf import limit
from ..filters import without_trash
from ..kinds.display import Reasons, quoted
from ..kinds.grid import Grid, Row
from ..kinds.scalars import REMOVE, Number, Ref, is_tag_name
from ..kinds.transient import TRANSIENT
from ..storage.base import StorageAdapter
from ..wire.record import Record
from .arguments import require_filter
from .registry import Context, OpError, op

__all__: list[str] = []

_SHOWN = 100
"""Entities whose differences a dry run shows."""
_LATER = 100
"""Entries among which that of the commit is looked for."""
_OWN = TRANSIENT | {"id", "mod"}


@dataclass(frozen=True, slots=True)
class _Changes:
    """Tags to set, or to remove by the value Remove; and new names by old ones."""

    tags: Mapping[str, Any]
    names: Mapping[str, str]

    @classmethod
    def of(cls, request: Grid) -> _Changes:
        """Raises OpError."""
        rows: Sequence[Row] = list(request.rows)
        if len(rows) > 1:
            raise OpError(f"give one row with the tags to set, not {len(rows)}")
        tags = {
            name: tag for row in rows for name, tag in row.items() if tag is not None
        }
        names = request.meta.get("rename") or {}
        if not isinstance(names, Mapping):
            raise OpError("meta rename must be a dict of new names by old ones")
        for name in (*tags, *names, *names.values()):
            _check_name(name)
        if len(set(names.values())) < len(names):
            raise OpError("meta rename gives two tags the same new name")
        if both := tags.keys() & {*names, *names.values()}:
            raise OpError(
                f"tag {quoted(min(both))} is renamed, and set or removed, too"
            )
        if not (tags or names):
            raise OpError("give a row with the tags to set, or meta rename")
        return cls(tags, names)

    def patch(self, record: Record) -> dict[str, Any]:
        """What is different for an entity. Raises OpError."""
        patch = {
            name: tag
            for name, tag in self.tags.items()
            if (name in record if tag is REMOVE else record.get(name) != tag)
        }
        for old, new in self.names.items():
            if old not in record:
                continue
            if new in record:
                raise OpError(f"@{record['id'].id} has both {old} and {new}")
            patch |= {old: REMOVE, new: record[old]}
        return patch


@op("bulkUpdate", permission="change_entity", side_effects=True, as_job=True)
def bulk_update(context: Context, request: Grid) -> Grid:
    """Set the tags of the row on all entities that match meta ``filter``: one commit.

    The value R removes a tag; meta ``rename`` is a dict of new names by old ones.
    Entities in the trash are left out. With meta ``dryRun`` nothing is stored, and the
    rows are the first 100 entities that would change, each with the dicts ``before``
    and ``after``. Meta ``count`` and ``changed`` of the answer are the numbers of
    entities that match, and that change; ``cursor`` is that of the change log, for an
    undo.
    """
    changes = _Changes.of(request)
    tree = without_trash(require_filter(request.meta.get("filter")))
    store = context.storage
    if request.meta.get("dryRun") not in (None, False):
        found = _found(context, tree)
        return _preview(len(found), _patches(changes, found))
    with store.locked():
        found = _found(context, tree)
        patches = _patches(changes, found)
        rows = [{"id": Ref(record["id"].id), **patch} for record, patch in patches]
        meta = _numbers(len(found), patches)
        if not rows:
            return Grid(meta=meta)
        last = _last_change(store, rows[0]["id"].id)
        store.update_entities(rows, force=True, who=context.username)
    if (cursor := _next_change(store, rows[0]["id"].id, last)) is not None:
        meta["cursor"] = str(cursor)
    return Grid(meta=meta)


def _found(context: Context, tree: Any) -> Sequence[Record]:
    """Raises OpError if more entities match than one commit may change."""
    cap = limit("IDS")
    found = context.storage.read(tree, cap + 1)
    if len(found) > cap:
        raise OpError(
            f"the filter matches more than {cap:,} entities (cap IDS): add a condition"
        )
    return sorted(found, key=lambda record: str(record["id"].id))


def _patches(
    changes: _Changes, found: Sequence[Record]
) -> list[tuple[Record, dict[str, Any]]]:
    """The entities that change. Raises OpError that names all that cannot."""
    patches: list[tuple[Record, dict[str, Any]]] = []
    reasons = Reasons()
    for record in found:
        try:
            if patch := changes.patch(record):
                patches.append((record, patch))
        except OpError as error:
            reasons.add(str(error))
    if reasons:
        raise OpError(str(reasons))
    return patches


def _preview(count: int, patches: Sequence[tuple[Record, dict[str, Any]]]) -> Grid:
    rows = [
        {
            "id": record["id"],
            "before": {name: record[name] for name in patch if name in record},
            "after": {name: tag for name, tag in patch.items() if tag is not REMOVE},
        }
        for record, patch in patches[:_SHOWN]
    ]
    return Grid.of(rows, ["id", "before", "after"], _numbers(count, patches))


def _numbers(count: int, patches: Sequence[Any]) -> dict[str, Any]:
    return {"count": Number(count), "changed": Number(len(patches))}


def _last_change(store: StorageAdapter, id: str) -> int:
    """The cursor of the newest entry of an entity; 0 without one."""
    newest = store.changes_of(id, 1)
    return (newest[0].cursor or 0) if newest else 0


def _next_change(store: StorageAdapter, id: str, last: int) -> int | None:
    """The cursor of the first entry after another one.

    An entry has none before its commit, after which others may have changed the entity.
    """
    later = [change.cursor or 0 for change in store.changes_of(id, _LATER)]
    return min((cursor for cursor in later if cursor > last), default=None)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not is_tag_name(name):
        raise OpError(f"{quoted(str(name))} is not a tag name")
    if name in _OWN:
        raise OpError(f"tag {quoted(name)} cannot be changed")

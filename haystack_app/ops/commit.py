"""The op ``commit``: add, update and remove entities.

Source: docHaystack Ops, and the checks of the reference implementation.
"""

from __future__ import annotations

from ..kinds.display import quoted
from ..kinds.grid import Grid
from .arguments import check_id_count, require_str
from .registry import Context, OpError, op

__all__: list[str] = []


@op("commit", permission="change_entity", side_effects=True, flags=("trash",))
def commit(context: Context, request: Grid) -> Grid:
    """Add, update or remove entities as meta ``commit`` says, all rows or none.

    ``update`` and ``remove`` take rows with ``id`` and the ``mod`` that was read;
    meta ``force`` makes ``mod`` optional. The value R removes a tag. Meta
    ``transient`` updates transient tags. With meta ``trash``, ``remove`` moves entities
    to the trash. The answer contains the new records; that to ``remove`` is empty.
    """
    action = require_str(request.meta.get("commit"), "meta commit")
    force, transient, trash = (
        _is_set(request, name) for name in ("force", "transient", "trash")
    )
    store, rows, who = context.storage, list(request.rows), context.username
    check_id_count(len(rows))
    if transient and action != "update":
        raise OpError("meta transient requires meta commit to be update")
    if trash and action != "remove":
        raise OpError("meta trash requires meta commit to be remove")
    if action == "add":
        return Grid.of(store.add_entities(rows, who=who))
    if action == "update" and transient:
        return Grid.of(store.update_transient(rows, force=force))
    if action == "update":
        return Grid.of(store.update_entities(rows, force=force, who=who))
    if action == "remove" and trash:
        store.trash_entities(rows, force=force, who=who)
        return Grid()
    if action == "remove":
        store.remove_entities(rows, force=force, who=who)
        return Grid()
    raise OpError(f"meta commit must be add, update or remove, not {quoted(action)}")


def _is_set(request: Grid, name: str) -> bool:
    """A flag of the meta: usually a Marker; some clients send false."""
    return request.meta.get(name) not in (None, False)

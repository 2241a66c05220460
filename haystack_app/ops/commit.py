"""The op ``commit``: add, update and remove entities.

Source: docHaystack Ops, and the reference implementation's checks.
"""

from __future__ import annotations

from ..kinds.grid import Grid
from .arguments import capped_ids, text_of
from .registry import Context, OpError, op

__all__: list[str] = []


@op("commit", permission="change_entity", side_effects=True)
def commit(context: Context, request: Grid) -> Grid:
    """Add, update or remove entities as meta ``commit`` says, all rows or none.

    ``update`` and ``remove`` take rows with ``id`` and the ``mod`` that was read,
    unless meta has ``force``; the value R removes a tag. Meta ``transient``
    updates transient tags. The answer has the new records, none when removed.
    """
    action = text_of(request.meta.get("commit"), "meta commit")
    force, transient = (_is_set(request, name) for name in ("force", "transient"))
    store, rows, who = context.storage, list(request.rows), context.username
    capped_ids(len(rows))
    if transient and action != "update":
        raise OpError("meta transient is for updates")
    if action == "add":
        return Grid.of(store.add_entities(rows, who=who))
    if action == "update" and transient:
        return Grid.of(store.update_transient(rows, force=force))
    if action == "update":
        return Grid.of(store.update_entities(rows, force=force, who=who))
    if action == "remove":
        store.remove_entities(rows, force=force, who=who)
        return Grid()
    raise OpError(f"meta commit must be add, update or remove, not {action!r}")


def _is_set(request: Grid, name: str) -> bool:
    """A flag of the meta: a Marker as a rule, and false where a client says so."""
    return request.meta.get(name) not in (None, False)

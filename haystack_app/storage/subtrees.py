"""Sites, spaces and equipment with all that they contain: copied, or moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..filters import is_trash
from ..kinds.grid import Grid
from ..kinds.scalars import REMOVE, Ref
from ..kinds.transient import TRANSIENT
from ..wire.record import Record
from .entities import EntityStore
from .errors import InvalidRecord, UnknownEntity
from .stored import new_id

__all__ = ["CONTAINERS", "copied", "moved", "subtree"]

CONTAINERS = ("siteRef", "spaceRef", "equipRef")
"""The refs by which entities are contained in others."""
_LEFT_OUT = TRANSIENT | {"mod", "trash", "connectorOrigin"}
_STEP = 500


def subtree(store: EntityStore, id: str, most: int) -> list[Record]:
    """An entity and all that it contains, directly or not, without the trash.

    Raises UnknownEntity, and InvalidRecord if they are more than ``most``.
    """
    root = store.existing(id)
    if is_trash(root):
        raise UnknownEntity(id)
    found, new = {id: root}, [id]
    while new:
        others = store.referrers(new[:_STEP], most + 1)
        part, new = set(new[:_STEP]), new[_STEP:]
        wanted = [other for other in others if other not in found]
        for record in filter(None, store.read_by_ids(wanted)):
            if not is_trash(record) and part & set(_containers(record)):
                found[record["id"].id] = record
                new.append(record["id"].id)
        if len(found) > most:
            raise InvalidRecord(f"@{id} contains more than {most:,} entities (cap IDS)")
    return list(found.values())


def copied(
    records: Sequence[Record], *, dis: str | None = None, new_root: str | None = None
) -> list[dict[str, Any]]:
    """Records for copies, the first of which is the copy of the first.

    They have new ids, and refs among them lead to the copies. An id that begins with
    that of the first record begins with ``new_root`` in the copy, likewise a ``dis``
    with ``dis``; other ids are random. Transient tags are left out.
    """
    root = records[0]
    ids = {one["id"].id: _copied_id(one["id"].id, root, new_root) for one in records}
    old = root.get("dis")
    copies = []
    for record in records:
        tags = {
            name: _redirected(value, ids)
            for name, value in record.items()
            if name not in _LEFT_OUT
        }
        if dis is not None and isinstance(old, str):
            tags |= _renamed(tags.get("dis"), old, dis)
        copies.append(tags | {"id": Ref(ids[record["id"].id])})
    if dis is not None:
        copies[0]["dis"] = dis
    return copies


def _copied_id(id: str, root: Record, new_root: str | None) -> str:
    before = root["id"].id
    if new_root is not None and (id == before or id.startswith(f"{before}.")):
        return new_root + id[len(before) :]
    return new_id()


def _renamed(dis: Any, before: str, after: str) -> dict[str, str]:
    if isinstance(dis, str) and before and f"{dis} ".startswith(f"{before} "):
        return {"dis": after + dis[len(before) :]}
    return {}


def _redirected(value: Any, ids: Mapping[str, str]) -> Any:
    """The value with refs to the copies, at any depth."""
    if isinstance(value, Ref):
        return Ref(ids[value.id]) if value.id in ids else value
    if isinstance(value, list | tuple):
        return [_redirected(one, ids) for one in value]
    if isinstance(value, Mapping):
        return {name: _redirected(one, ids) for name, one in value.items()}
    if isinstance(value, Grid):
        rows = [_redirected(row, ids) for row in value.rows]
        return Grid(value.cols, rows, _redirected(value.meta, ids))
    return value


def moved(records: Sequence[Record], refs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows that move the first record, and with it the others, which it contains.

    ``refs`` has new values of ``CONTAINERS``, or Remove. All of the records get the
    new site; the others get another container only where theirs is that of the first.
    Raises InvalidRecord for a container that is among them.
    """
    root, own = records[0], {one["id"].id for one in records}
    for name, ref in refs.items():
        if isinstance(ref, Ref) and ref.id in own:
            raise InvalidRecord(f"{name}: @{ref.id} is in what is to be moved")
    rows = []
    for record in records:
        patch = {
            name: ref
            for name, ref in refs.items()
            if _differs(record.get(name), ref) and _follows(record, name, root)
        }
        if patch:
            rows.append({"id": Ref(record["id"].id), **patch})
    return rows


def _follows(record: Record, name: str, root: Record) -> bool:
    if record is root or name == "siteRef":
        return True
    return name in record and not _differs(record[name], root.get(name))


def _differs(held: Any, ref: Any) -> bool:
    if ref is REMOVE or ref is None:
        return held is not None
    return not (isinstance(held, Ref) and held.id == ref.id)


def _containers(record: Record) -> list[str]:
    refs = (record.get(name) for name in CONTAINERS)
    return [ref.id for ref in refs if isinstance(ref, Ref)]

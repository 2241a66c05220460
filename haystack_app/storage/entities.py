"""Finding, loading and editing entities, over the primitives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .. import filters
from ..filters import without_trash
from ..filters.ast import Compare, Filter, Has, Missing
from ..kinds.datetimes import DateTime
from ..kinds.scalars import REMOVE, Ref
from ..kinds.transient import HIS_FACTS, TRANSIENT
from ..wire.record import Record
from .changes import Changes, Records
from .errors import (
    AlreadyExists,
    EntityInUse,
    InvalidRecord,
    StaleRecord,
    StorageError,
    UnknownEntity,
)
from .namespaces import NamespaceStore
from .stored import new_id, stored_form, stored_forms

__all__ = ["EntityStore"]

Tags = Mapping[str, Any]
_T = TypeVar("_T")

_KEY = {"id", "mod"}
_ARRAY = {"writeLevel", "writeVal"}
_NAMED = 10
"""Entities that a refusal names."""


class EntityStore(NamespaceStore):
    def about(self) -> dict[str, Any]:
        """Facts about the store for the op of that name."""
        return {"storage": type(self).__name__}

    # -- finding --------------------------------------------------------------

    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        """Records that match, in no certain order; at most ``limit``."""
        tree = self.parsed(filter)
        everything = {record["id"].id: record.tags for record in self.scan()}
        found: list[Record] = []
        for id, tags in everything.items():
            if limit is not None and len(found) >= limit:
                break
            if filters.matches(tree, tags, everything.get):
                found.extend(row for row in self.read_by_ids([id]) if row)
        return Records.of(found)

    def page(self, filter: Filter | str, after: str, size: int) -> list[Record]:
        """The first ``size`` records that match, by ids behind ``after``."""
        found = (row for row in self.read(filter) if row["id"].id > after)
        return sorted(found, key=lambda row: str(row["id"].id))[:size]

    def nav(self, id: str | None = None) -> Records:
        """Children in the tree of sites, equips and points.

        The root has the sites, else the equips, else the points; a site its
        equips and the points that are in none of them; an equip its points.
        Raises UnknownEntity.
        """
        if id is None:
            for marker in ("site", "equip", "point"):
                found = self.read(without_trash(Has((marker,))))
                if len(found):
                    return found
            return Records.of([])
        parent = self.existing(id)
        if "site" in parent:
            at_site = Compare(("siteRef",), "==", Ref(id))
            equips = filters.And((Has(("equip",)), at_site))
            loose = filters.And((Has(("point",)), at_site, Missing(("equipRef",))))
            return self.read(without_trash(filters.Or((equips, loose))))
        if "equip" in parent:
            in_equip = Compare(("equipRef",), "==", Ref(id))
            return self.read(without_trash(filters.And((Has(("point",)), in_equip))))
        return Records.of([])

    # -- loading --------------------------------------------------------------

    def load_entities(
        self, records: Iterable[Tags], *, replace: bool = False, who: str = ""
    ) -> Changes:
        """Upsert a batch; see ``commit``. Raises InvalidRecord, stores nothing then."""
        return self.commit(stored_forms(records), replace=replace, who=who)

    def create(self, record: Tags, *, who: str = "") -> Record:
        """Upsert one record; without an id it gets a random one."""
        record = _with_id(record)
        self.load_entities([record], who=who)
        return self.existing(record["id"].id)

    # -- editing --------------------------------------------------------------

    def add_entities(self, records: Iterable[Tags], *, who: str = "") -> list[Record]:
        """Store new entities; those without an id get a random one.

        A tag that is Remove is left out, as for ``update_entities``. Raises
        InvalidRecord, also for an id that exists; all are stored or none.
        """
        rows = [_with_id(record) for record in records]
        _each(rows, _check_persistent)
        stored = stored_forms(_merged({}, row) for row in rows)
        ids = [one.id for one in stored]
        with self.locked():
            for id, held in zip(ids, self.read_by_ids(ids), strict=True):
                if held is not None:
                    raise AlreadyExists(id)
            self.commit(stored, who=who)
            return self._existing(ids)

    def update_entities(
        self, rows: Iterable[Tags], *, force: bool = False, who: str = ""
    ) -> list[Record]:
        """Set tags of entities; the value Remove takes one away.

        Each row has the ``id`` and, unless forced, the ``mod`` that it was read
        with. Raises InvalidRecord, UnknownEntity or StaleRecord; all rows are
        stored or none.
        """
        changes = _by_id(rows)
        _each(changes.values(), _check_persistent)
        with self.locked():
            held = self._held(changes, force=force)
            merged = [_merged(one, changes[id]) for id, one in held.items()]
            stored = list(_each(merged, stored_form))
            self.commit(stored, who=who)
            return self._existing(list(changes))

    def update_transient(
        self, rows: Iterable[Tags], *, force: bool = False
    ) -> list[Record]:
        """Set transient tags of entities, as ``update_entities`` does the others."""
        changes = _by_id(rows)
        _each(changes.values(), _check_transient)
        with self.locked(list(changes)):
            self._held(changes, force=force)
            self.set_transient(
                {
                    id: {
                        name: None if value is REMOVE else value
                        for name, value in row.items()
                        if name not in _KEY
                    }
                    for id, row in changes.items()
                }
            )
            return self._existing(list(changes))

    def remove_entities(
        self,
        rows: Iterable[Tags],
        *,
        force: bool = False,
        orphan: bool = True,
        who: str = "",
    ) -> None:
        """Remove entities with their histories; rows as for ``update_entities``.

        Without ``orphan`` raises EntityInUse where others refer to one of them.
        """
        changes = _by_id(rows)
        ids = list(changes)
        with self.locked():
            self._held(changes, force=force)
            if not orphan and (others := self.referrers(ids, _NAMED + 1)):
                raise EntityInUse(ids[0], others[:_NAMED], more=len(others) > _NAMED)
            self.commit([], remove=ids, who=who)

    def _existing(self, ids: Sequence[str]) -> list[Record]:
        return [row for row in self.read_by_ids(ids) if row is not None]

    def _held(self, changes: Mapping[str, Tags], *, force: bool) -> dict[str, Record]:
        """What the rows change, each as old as its row says."""
        held: dict[str, Record] = {}
        found = self.read_by_ids(list(changes))
        for number, (id, record) in enumerate(zip(changes, found, strict=True), 1):
            if record is None:
                raise UnknownEntity(id)
            if not force:
                _check_mod(number, id, changes[id].get("mod"), record["mod"])
            held[id] = record
        return held


def _with_id(record: Tags) -> Tags:
    if record.get("id") is not None:
        return record
    return {**record, "id": Ref(new_id())}


def _by_id(rows: Iterable[Tags]) -> dict[str, Tags]:
    found: dict[str, Tags] = {}
    for number, row in enumerate(rows, 1):
        id = row.get("id")
        if not isinstance(id, Ref):
            raise InvalidRecord(f"row {number}: id must be a Ref, not {id!r}")
        if id.id in found:
            raise InvalidRecord(f"row {number}: id @{id.id} is given twice")
        found[id.id] = row
    return found


def _each(rows: Iterable[Tags], act: Callable[[Tags], _T]) -> list[_T]:
    """Act on each row; a refusal names the row, counted from 1."""
    done = []
    for number, row in enumerate(rows, 1):
        try:
            done.append(act(row))
        except StorageError as err:
            raise InvalidRecord(f"row {number}: {err}") from None
    return done


def _check_persistent(row: Tags) -> None:
    for name in row:
        if name in TRANSIENT and row[name] is not None:
            raise InvalidRecord(f"tag {name!r} is the server's own")


def _check_transient(row: Tags) -> None:
    for name in row.keys() - _KEY:
        if name in HIS_FACTS | _ARRAY:
            raise InvalidRecord(f"tag {name!r} is the server's own")
        if name not in TRANSIENT:
            raise InvalidRecord(f"tag {name!r} is not transient")


def _check_mod(number: int, id: str, given: Any, held: DateTime) -> None:
    if not isinstance(given, DateTime):
        raise InvalidRecord(f"row {number}: mod must be a DateTime, not {given!r}")
    if given.utc != held.utc:
        raise StaleRecord(id, str(given), str(held))


def _merged(held: Tags, changes: Tags) -> Tags:
    """Persistent tags after the changes; transient ones stay as they are.

    An id says which entity it is, and what that is called only where it has a dis.
    """
    tags = {name: value for name, value in held.items() if name not in TRANSIENT}
    if "id" in held and "dis" not in changes and changes["id"].dis is None:
        changes = {**changes, "id": held["id"]}
    for name, value in changes.items():
        if value is REMOVE:
            tags.pop(name, None)
        elif value is not None:
            tags[name] = value
    return tags

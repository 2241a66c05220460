"""Reading, loading and editing entities, built on the primitives."""

from __future__ import annotations

import datetime as dt
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, TypeVar

import orjson

from .. import filters
from ..filters import is_trash, without_trash
from ..filters.ast import Compare, Filter, Has, Missing
from ..filters.ordering import By, first_in_order
from ..kinds.datetimes import DateTime
from ..kinds.display import Reasons
from ..kinds.scalars import REMOVE, Ref
from ..kinds.transient import (
    CUR_TS,
    DROPPED,
    HIS_FACTS,
    HIS_PERIOD,
    HIS_WRITE_TS,
    SAMPLE_TS,
    TRANSIENT,
)
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .changes import Changes, Records
from .changeset import BATCH, Changeset, putting, removing
from .collection import COV, logs
from .commit_names import Naming
from .errors import (
    AlreadyExists,
    ArrayInUse,
    EntityInUse,
    HistoryInUse,
    InvalidRecord,
    NotWritable,
    OutOfScope,
    StaleRecord,
    StorageError,
    UnknownEntity,
)
from .freshness import stamp
from .names import is_macro_named
from .occurrences import OccurrenceStore
from .samples import PRECISION, coarsened
from .scoped_writes import check_scoped_write, check_transient_refs
from .spooled import ids_of
from .stored import Stored, stored_form, stored_forms, transient_text, with_id

__all__ = ["EntityStore", "merged"]

Tags = Mapping[str, Any]
_T = TypeVar("_T")

_KEY = {"id", "mod"}
_COMPUTED = HIS_FACTS | {
    *(SAMPLE_TS, CUR_TS, DROPPED, HIS_PERIOD, HIS_WRITE_TS),
    *("writeLevel", "writeVal"),
}
_NAMED = 10
"""How many entities an error names."""


class EntityStore(OccurrenceStore):
    def about(self) -> dict[str, Any]:
        """Tags for the op ``about``."""
        return {"storage": type(self).__name__}

    # -- finding --------------------------------------------------------------

    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        """Records that match, in undefined order; at most ``limit``."""
        tree = self.parsed(filter)
        everything = {record["id"].id: record.tags for record in self.scan()}
        found: list[Record] = []
        for id, tags in everything.items():
            if limit is not None and len(found) >= limit:
                break
            if filters.matches(tree, tags, everything.get):
                found.extend(row for row in self.read_by_ids([id]) if row)
        return Records.of(found)

    def read_in_order(
        self, filter: Filter | str, order: Sequence[By], limit: int | None = None
    ) -> Records:
        """The first records that match, in an order; see ``filters.ordering``."""
        found = self.read(filter)
        held = found.revisions
        tags = [row.json for row in found]
        first = first_in_order(range(len(found)), order, limit, tags.__getitem__)
        rows = Records.of(found[place] for place in first)
        kept = None if held is None else [held[place] for place in first]
        return Records(rows.rows, rows.names, kept)

    def count(self, filter: Filter | str) -> int:
        """The number of records that match."""
        return len(self.read(filter))

    def page(self, filter: Filter | str, after: str, size: int) -> Sequence[Record]:
        """The first ``size`` matching records with ids after ``after``, by id."""
        found = (row for row in self.read(filter) if row["id"].id > after)
        return sorted(found, key=lambda row: str(row["id"].id))[:size]

    def nav(self, id: str | None = None) -> Records:
        """Children in the tree of sites, equips and points.

        The root has the sites, else the equips, else the points; a site has its
        equips and its points without an equip; an equip has its points. Raises
        UnknownEntity.
        """
        for children in self._children(id):
            if found := self.read(children):
                return found
        return Records([], frozenset(), [])

    def nav_revisions(self, id: str | None = None) -> Sequence[str] | None:
        """``revisions`` for ``nav``. Raises UnknownEntity."""
        for children in self._children(id):
            found = self.revisions(children)
            if found is None or found:
                return found
        return []

    def _children(self, id: str | None) -> Iterator[Filter]:
        """Filters of the children in the tree; the first that matches any counts."""
        if id is None:
            for marker in ("site", "equip", "point"):
                yield without_trash(Has((marker,)))
            return
        parent = self.existing(id).json
        if is_trash(parent):
            raise UnknownEntity(id)
        if "site" in parent:
            at_site = Compare(("siteRef",), "==", Ref(id))
            equips = filters.And((Has(("equip",)), at_site))
            loose = filters.And((Has(("point",)), at_site, Missing(("equipRef",))))
            yield without_trash(filters.Or((equips, loose)))
        elif "equip" in parent:
            in_equip = Compare(("equipRef",), "==", Ref(id))
            yield without_trash(filters.And((Has(("point",)), in_equip)))

    # -- committing -----------------------------------------------------------

    def commit(
        self,
        put: Sequence[Stored],
        *,
        remove: Sequence[str] = (),
        replace: bool = False,
        only_new: bool = False,
        who: str = "",
        returning: bool = False,
    ) -> Changes:
        """Store and remove entities, all of them or none, and log it.

        An existing entity gets the new persistent tags, and keeps its history and
        the transient tags that ``put`` does not name. ``replace`` also removes every
        entity that is not in ``put``. The history and priority array of a removed
        entity are deleted. Each change of persistent tags gives the entity a new
        ``mod`` and adds a row to the log; an entity of ``put`` with a ``mod`` gets
        that one instead, also if nothing else changes. ``returning`` adds the stored
        records to the result. Raises InvalidRecord if samples or levels of a point
        would change their meaning, AlreadyExists if an entity of ``put`` exists and
        ``only_new`` is set, OutOfScope if the caller may not see an entity before or
        after the commit, or what a ref adds, or must not set a value.
        """
        whole = replace or self.scope is not None
        ids = None if whole else [*(one.id for one in put), *remove]
        with self.committing(ids):
            return self._commit(
                put,
                remove=remove,
                replace=replace,
                only_new=only_new,
                who=who,
                returning=returning,
            )

    def _commit(
        self,
        put: Sequence[Stored],
        *,
        remove: Sequence[str] = (),
        replace: bool = False,
        only_new: bool = False,
        who: str = "",
        returning: bool = False,
    ) -> Changes:
        """``commit`` for callers that hold the lock, and end with what it raises."""
        changes = Changes()
        ids = [one.id for one in put]
        with self.check_scope(ids):
            removed = set(remove) if self.scope is None else self.visible_ids(remove)
            if replace:
                removed |= self.visible_ids().difference(ids)
            if self.scope is not None:
                if only_new and (existing := self.visible_ids(ids)):
                    raise AlreadyExists(min(existing))
                check_scoped_write(self, put, removed)
            naming = Naming(self.visible_to(None), put, removed)
            for part in self._parts(put, removed, who, naming, only_new=only_new):
                self._check_meaning(part)
                naming.note(part)
                self.apply(part)
                if part.renamed:
                    self.apply(Changeset(part.renamed))
                collecting = self._collect_currents(part)
                _count(part, changes, returning=returning)
                if returning and collecting:
                    held = zip(collecting, self.read_by_ids(collecting), strict=True)
                    changes.records.update((id, row) for id, row in held if row)
            naming.spread()
            shown = self.shown(list(changes.records.values()))
            changes.records.update(zip(changes.records, shown, strict=True))
            self.announce(changes.ids, logged=True)
        return changes

    def changing(self, put: Sequence[Stored]) -> list[str]:
        """The ids of those that ``commit`` would change now; nothing is stored.

        Locks a batch at a time. Raises InvalidRecord as ``commit`` does.
        """
        ids = ids_of(put)
        found: list[str] = []
        for at in range(0, len(ids), BATCH):
            some = ids[at : at + BATCH]
            with self.committing(some):
                held = self.stored_rows(some)
                if held:
                    batch = [one for one in put[at : at + BATCH] if one.id in held]
                    same = self._unchanged(batch)
                    some = [id for id in some if id not in same]
                found += some  # all that is new would be changed
            self.let_others_write()
        return found

    def _unchanged(self, put: Sequence[Stored]) -> set[str]:
        """Those that a commit would leave as they are. Raises InvalidRecord."""
        naming = Naming(self.visible_to(None), put, ())
        same: set[str] = set()
        for part in self._parts(put, (), "", naming, only_new=False):
            self._check_meaning(part)
            same |= {row.id for row in part.unchanged}
        return same

    def _parts(
        self,
        put: Sequence[Stored],
        removed: Collection[str],
        who: str,
        naming: Naming,
        *,
        only_new: bool,
    ) -> Iterator[Changeset]:
        """The commit in batches; each is computed after the previous one is applied."""
        now = dt.datetime.now(dt.UTC)
        ordered = sorted(put, key=attrgetter("id"))
        for at in range(0, len(ordered), BATCH):
            part = ordered[at : at + BATCH]
            held = self.stored_rows([one.id for one in part])
            if held and only_new:
                raise AlreadyExists(min(held))
            yield putting(naming.named(part, held), held, who=who, now=now)
        ids = sorted(removed)
        for at in range(0, len(ids), BATCH):
            held = self.stored_rows(ids[at : at + BATCH])
            yield removing(held.values(), who=who, now=now)

    def _collect_currents(self, part: Changeset) -> list[str]:
        """Log current values that are part of a commit; the points that collect.

        Those that come with a ``mod`` are copies, and so are their histories.
        """
        ids = [
            move.id
            for move in part.moves
            if move.after and move.is_current and COV in move.after.tags
        ]
        if ids:
            self.collect(ids)
        return ids

    def _check_meaning(self, part: Changeset) -> None:
        """Stored samples and levels of a point must keep their meaning."""
        set_ones = self.with_levels(part.devalued) if part.devalued else set()
        for id in sorted(part.reinterpreted.keys() | set_ones):
            if id in part.reinterpreted:
                self._check_samples(part, id, part.reinterpreted[id])
            if id in set_ones:
                raise ArrayInUse(id, part.devalued[id])

    def _check_samples(self, part: Changeset, id: str, tag: str) -> None:
        """Raises HistoryInUse if the changed tag does not fit the stored samples."""
        if tag == PRECISION:
            [after] = (move.after for move in part.moves if move.id == id)
            grain = coarsened(after.record) if after else 0
            if grain and not any(
                time % grain for chunk in self.his_chunks(id) for time in chunk.times
            ):
                return
        if self.has_samples(id):
            raise HistoryInUse(id, tag)

    @contextmanager
    def check_scope(self, ids: Collection[str]) -> Iterator[None]:
        """Check that the caller sees the existing entities of these ids.

        Before and after the block. Raises OutOfScope.
        """
        self._refuse_hidden(ids)
        yield
        self._refuse_hidden(ids)

    def _refuse_hidden(self, ids: Collection[str]) -> None:
        if self.scope is None:
            return
        existing = self.visible_to(None).visible_ids(ids)
        if hidden := existing - self.visible_ids(ids):
            raise OutOfScope(min(hidden))

    def load_entities(
        self,
        records: Iterable[Tags],
        *,
        replace: bool = False,
        who: str = "",
        returning: bool = False,
    ) -> Changes:
        """Upsert a batch; see ``commit``. Raises InvalidRecord and stores nothing."""
        stored = stored_forms(records)
        return self.commit(stored, replace=replace, who=who, returning=returning)

    def create(self, record: Tags, *, who: str = "") -> Record:
        """Upsert one record; without an id it gets a random one."""
        record = with_id(record)
        changes = self.load_entities([record], who=who, returning=True)
        return changes.records[record["id"].id]

    # -- editing --------------------------------------------------------------

    def add_entities(self, records: Iterable[Tags], *, who: str = "") -> list[Record]:
        """Store new entities; those without an id get a random one.

        A tag with the value Remove is left out, as in ``update_entities``. Raises
        InvalidRecord, also for an id that exists; all are stored or none.
        """
        rows = [with_id(record) for record in records]
        _each(rows, _check_persistent)
        stored = stored_forms(merged({}, row) for row in rows)
        changes = self.commit(stored, only_new=True, who=who, returning=True)
        return [changes.records[one.id] for one in stored]

    def update_entities(
        self, rows: Iterable[Tags], *, force: bool = False, who: str = ""
    ) -> list[Record]:
        """Set tags of entities; the value Remove deletes a tag.

        Each row must have the ``id`` and, unless ``force`` is set, the ``mod`` with
        which it was read. Raises InvalidRecord, UnknownEntity or StaleRecord; all
        rows are stored or none.
        """
        wanted = _by_id(rows)
        _each(wanted.values(), _check_persistent)
        with self.locked():
            held = self._held(wanted, force=force)
            tags = [merged(one, wanted[id]) for id, one in held.items()]
            stored = list(_each(tags, stored_form))
            changes = self._commit(stored, who=who, returning=True)
        return [changes.records[id] for id in wanted]

    def update_transient(
        self, rows: Iterable[Tags], *, force: bool = False
    ) -> list[Record]:
        """Set transient tags of entities; rows as for ``update_entities``."""
        changes = _by_id(rows)
        _each(changes.values(), _check_transient)
        with self.locked(list(changes)):
            held = self._held(changes, force=force)
            _each(held.values(), _check_not_in_trash)
            now = dt.datetime.now(dt.UTC)
            patches = {id: _patch(row, held[id], now) for id, row in changes.items()}
            if self.scope is not None:
                check_transient_refs(self, patches, held)
            self.set_transient(patches)
            self.collect([id for id in changes if logs(held[id])])
        return [_with_transient(held[id], patches[id]) for id in changes]

    def remove_entities(
        self,
        rows: Iterable[Tags],
        *,
        force: bool = False,
        orphan: bool = True,
        who: str = "",
    ) -> None:
        """Remove entities with their histories; rows as for ``update_entities``.

        Without ``orphan`` raises EntityInUse if other entities refer to one of them.
        """
        changes = _by_id(rows)
        ids = list(changes)
        with self.locked():
            self._held(changes, force=force)
            if not orphan and (others := self.referrers(ids, _NAMED + 1)):
                raise EntityInUse(ids[0], others[:_NAMED], more=len(others) > _NAMED)
            self._commit([], remove=ids, who=who)

    def _held(self, changes: Mapping[str, Tags], *, force: bool) -> dict[str, Record]:
        """Current records of the rows by id. Raises StaleRecord."""
        held: dict[str, Record] = {}
        found = self.read_by_ids(list(changes))
        for number, (id, record) in enumerate(zip(changes, found, strict=True), 1):
            if record is None:
                raise UnknownEntity(id)
            if not force:
                _check_mod(number, id, changes[id].get("mod"), record["mod"])
            held[id] = record
        return held


def _count(part: Changeset, changes: Changes, *, returning: bool) -> None:
    """Add one batch of a commit to the result."""
    for move in part.moves:
        if move.after is None:
            changes.removed.append(move.id)
        elif move.before is None:
            changes.created.append(move.id)
        else:
            changes.updated.append(move.id)
    changes.unchanged.extend(row.id for row in part.unchanged)
    if returning:
        rows = [move.after for move in part.moves if move.after] + part.unchanged
        changes.records.update((row.id, row.record) for row in rows)


def _patch(row: Tags, held: Record, now: dt.datetime) -> dict[str, Any]:
    """Transient tags to set, None to remove; a new curVal is not that of a sample."""
    patch = {
        name: None if value is REMOVE else value
        for name, value in row.items()
        if name not in _KEY
    }
    if "curVal" not in patch:
        return patch
    return patch | {SAMPLE_TS: None} | stamp(held.json, now)


def _with_transient(record: Record, patch: Tags) -> Record:
    """A record after a change of transient tags; None removes a tag."""
    tags = {**record.json, **orjson.loads(transient_text(patch))}
    present = {name: tag for name, tag in tags.items() if tag is not None}
    return Record(orjson.dumps(present).decode())


def _by_id(rows: Iterable[Tags]) -> dict[str, Tags]:
    found: dict[str, Tags] = {}
    reasons = Reasons()
    for number, row in enumerate(rows, 1):
        id = row.get("id")
        if not isinstance(id, Ref):
            reasons.add(f"row {number}: id must be a Ref, not {display_text(id)}")
            continue
        if id.id in found:
            reasons.add(f"row {number}: id @{id.id} is given twice")
        found[id.id] = row
    if reasons:
        raise InvalidRecord(str(reasons))
    return found


def _each(rows: Iterable[Tags], act: Callable[[Tags], _T]) -> list[_T]:
    """Call ``act`` for each row; the error names the invalid rows, counted from 1."""
    done = []
    reasons = Reasons()
    for number, row in enumerate(rows, 1):
        try:
            done.append(act(row))
        except StorageError as err:
            reasons.add(f"row {number}: {err}")
    if reasons:
        raise InvalidRecord(str(reasons))
    return done


def _check_persistent(row: Tags) -> None:
    for name in row:
        if name in TRANSIENT and row[name] is not None:
            raise InvalidRecord(f"tag {name!r} is set by the server")


def _check_transient(row: Tags) -> None:
    for name in row.keys() - _KEY:
        if name in _COMPUTED:
            raise InvalidRecord(f"tag {name!r} is set by the server")
        if name not in TRANSIENT:
            raise InvalidRecord(f"tag {name!r} is not transient")


def _check_not_in_trash(held: Tags) -> None:
    if is_trash(held):
        raise NotWritable(f"@{held['id'].id} is in the trash")


def _check_mod(number: int, id: str, given: Any, held: DateTime) -> None:
    if not isinstance(given, DateTime):
        shown = display_text(given)
        raise InvalidRecord(f"row {number}: mod must be a DateTime, not {shown}")
    if given.utc != held.utc:
        raise StaleRecord(id, str(given), str(held))


def merged(held: Tags, changes: Tags) -> Tags:
    """Persistent tags after the changes, without transient ones.

    An ``id`` without a dis keeps the dis of the stored ``id``, but not the name that
    a macro made.
    """
    tags = {name: value for name, value in held.items() if name not in TRANSIENT}
    if "id" in held and "dis" not in changes and changes["id"].dis is None:
        dis = None if is_macro_named(held) else held["id"].dis
        changes = {**changes, "id": Ref(changes["id"].id, dis)}
    for name, value in changes.items():
        if value is REMOVE:
            tags.pop(name, None)
        elif value is not None:
            tags[name] = value
    return tags

"""Keeping entities in step with those of another Haystack server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from ...filters import is_trash
from ...identity import server_id
from ...kinds.grid import Grid
from ...kinds.scalars import MARKER, Ref
from ...models import Connector, ConnectorEntity
from ...storage.base import StorageAdapter
from ...storage.errors import StorageError
from ...storage.priority_array import devalued
from ...storage.samples import reinterpreted
from ...storage.stored import Stored, stored_form
from ...wire import hayson_reader, hayson_writer
from ..context import ConnectorContext
from ..errors import ConnectorError
from ..http import shown
from ..links import LinkChange, store_changes
from .entities import ORIGIN, Rewriting, merged, taken_over

__all__ = ["Learning"]

Status = Connector.Status
_MOST = 200_000
_LONGEST_ID = 200
_BATCH = 500
_FEW, _PART = 50, 0.1
"""More removals, or a larger part of the entities, are confirmed by a person."""
_TOPIC = "tags"
_TRASH, _KEPT = "trash", "kept"
_RANKS = ("site", "space", "equip")
"""Parents are stored before what refers to them, for a group with a filter."""


@dataclass(slots=True)
class _Summary:
    entities: int = 0
    created: int = 0
    updated: int = 0
    trashed: int = 0
    not_in_step: int = 0
    from_here: int = 0
    refs_left_out: int = 0
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class _Merge:
    """What to store, what is then taken over, and (tag, here, there) of what is not."""

    stored: Stored
    taken: Any
    kept: Sequence[tuple[str, Any, Any]]


@dataclass(slots=True)
class Learning:
    """One run. ``server`` is the identity of the far server."""

    connector: Connector
    store: StorageAdapter
    settings: Mapping[str, Any]
    own: Mapping[str, Any]
    server: str
    context: ConnectorContext
    confirmed: bool = False
    summary: _Summary = field(default_factory=_Summary)
    links: dict[str, ConnectorEntity] = field(default_factory=dict)
    changes: dict[int, LinkChange] = field(default_factory=dict)

    def run(self, answer: Grid) -> dict[str, Any]:
        """Take an answer of read over. Raises ConnectorError."""
        is_complete = "incomplete" not in answer.meta
        far = self._records(answer)
        links = ConnectorEntity.objects.filter(connector=self.connector)
        self.links = {link.far_id: link for link in links}
        if not far:
            raise ConnectorError(
                Status.INVALID,
                "the answer is empty: no entity matches the filter, or the user there"
                " may not see it; nothing was changed here",
            )
        missing = [link for id, link in self.links.items() if id not in far]
        gone = [link for link in missing if _TRASH not in link.state]
        self._link(far.keys() - self.links.keys())
        self._update(far)
        if not is_complete:
            self.summary.note = "the answer was incomplete, so nothing was removed"
        elif gone:
            self._remove(gone)
        self.summary.entities = len(far)
        self.context.remember(
            learned_at=timezone.now().isoformat(), learned=self.summary.as_json()
        )
        return self.summary.as_json()

    # -- what the answer has --------------------------------------------------

    def _records(self, answer: Grid) -> dict[str, Mapping[str, Any]]:
        """By far id. Raises ConnectorError for invalid and for equal ids."""
        found: dict[str, Mapping[str, Any]] = {}
        for number, row in enumerate(answer, 1):
            id = row.get("id")
            if not isinstance(id, Ref) or len(id.id) > _LONGEST_ID:
                text = f"record {number} of the answer has no valid id"
                raise ConnectorError(Status.INVALID, f"{text}; nothing was changed")
            if id.id in found:
                text = f"the answer has @{shown(id.id)} twice"
                raise ConnectorError(Status.INVALID, f"{text}; nothing was changed")
            if number > _MOST:
                text = f"more than {_MOST:,} entities match: use a narrower filter"
                raise ConnectorError(Status.INVALID, text)
            if _TRASH in row:
                continue
            if str(row.get(ORIGIN, "")).startswith(f"{server_id()}/"):
                self.summary.from_here += 1  # a loop of servers
                continue
            found[id.id] = row
        return found

    # -- links ----------------------------------------------------------------

    def _link(self, ids: Iterable[str]) -> None:
        """Note which entities are the connector's, before they are stored.

        An entity that exists here already is not taken over.
        """
        for part in _batches(sorted(ids)):
            names = [f"{self.settings['id_prefix']}{id}" for id in part]
            held = self.store.visible_to(None).read_by_ids(names)
            new = [
                ConnectorEntity(
                    connector=self.connector,
                    far_id=id,
                    entity_id=name,
                    error=f"@{name} already exists here" if record else "",
                )
                for id, name, record in zip(part, names, held, strict=True)
            ]
            ours = [link for link in new if not link.error]
            self.summary.not_in_step += len(new) - len(ours)
            if foreign := [link.error for link in new if link.error]:
                self.summary.note = f"{foreign[0]}, and is not of this connector"
            ConnectorEntity.objects.bulk_create(ours)
            self.links.update((link.far_id, link) for link in ours)
            self.context.check()

    # -- updates --------------------------------------------------------------

    def _update(self, far: Mapping[str, Mapping[str, Any]]) -> None:
        ids = {id: self.links[id].entity_id for id in far if id in self.links}
        rewriting = Rewriting(ids)
        done = 0
        for part in _batches(sorted(ids, key=lambda id: _rank(far[id]))):
            pairs = [(self.links[id], self._wanted(far[id], rewriting)) for id in part]
            self._store(pairs)
            done += len(part)
            self.context.progress(done, len(ids), "learning entities")
        self.summary.refs_left_out = rewriting.dropped

    def _wanted(
        self, far: Mapping[str, Any], rewriting: Rewriting
    ) -> dict[str, Any] | str:
        """The tags to take over; a text if they cannot be."""
        features = self.settings
        tags = taken_over(
            far,
            current=bool(features["current_seconds"]),
            history=bool(features["history_seconds"]),
            write=features["write"],
        )
        try:
            found = rewriting.tags(tags)
        except ValueError as error:
            return str(error)
        origin = far.get(ORIGIN)
        known = origin if isinstance(origin, str) else f"{self.server}/{far['id'].id}"
        return {**found, **self.own, ORIGIN: known}

    def _store(
        self, pairs: Sequence[tuple[ConnectorEntity, dict[str, Any] | str]]
    ) -> None:
        """Merge and commit a batch; what is invalid is noted, and the rest stored."""
        using = router.db_for_write(ConnectorEntity)
        links = {link.entity_id: link for link, _ in pairs}
        self.changes = {}
        with transaction.atomic(using=using), self.store.locked():
            held = self.store.read_by_ids(list(links))
            found = (
                self._merged(link, wanted, record)
                for (link, wanted), record in zip(pairs, held, strict=True)
            )
            self._commit([one for one in found if one is not None], links)
            store_changes(self.changes)
        errors = [change for change in self.changes.values() if change.error]
        self.summary.not_in_step += len(errors)

    def _refuse(self, link: ConnectorEntity, text: str) -> None:
        self.changes[link.pk] = LinkChange(_TOPIC, shown(text))

    def _merged(
        self, link: ConnectorEntity, wanted: dict[str, Any] | str, record: Any
    ) -> _Merge | None:
        """What to store of an entity; None if it is in step, or cannot be."""
        if isinstance(wanted, str):
            self._refuse(link, f"cannot be taken over: {wanted}")
            return None
        encoded = hayson_writer.encode(wanted)
        is_marked = link.state.keys() & {_TRASH, _KEPT}
        if record is not None and is_trash(record) and _TRASH not in link.state:
            return None  # a user put it there
        if record is not None and link.taken == encoded and not is_marked:
            return None
        tags = dict(record.tags) if record is not None else {}
        before = hayson_reader.decode(link.taken) if link.taken else {}
        after = merged(tags, before, wanted) | {"id": Ref(link.entity_id)}
        if link.state.get(_TRASH):  # it is back
            after.pop(_TRASH, None)
        kept = self._kept(link.entity_id, tags, after) if record is not None else []
        try:
            return _Merge(stored_form(after), encoded, kept)
        except StorageError as error:
            self._refuse(link, f"cannot be stored: {error}")
            return None

    def _commit(
        self, merges: Sequence[_Merge], links: Mapping[str, ConnectorEntity]
    ) -> None:
        """Commit all, or else those that can be, in the order of their refs."""
        try:
            with self.store.locked():
                self._commit_some(merges, links)
            return
        except StorageError:
            pending = list(merges)
        while pending:
            refused = []
            for merge in pending:
                try:
                    with self.store.locked():
                        self._commit_some([merge], links)
                except StorageError as error:
                    refused.append(merge)
                    self._refuse(links[merge.stored.id], f"cannot be stored: {error}")
            if len(refused) == len(pending):
                return
            pending = refused

    def _commit_some(
        self, merges: Sequence[_Merge], links: Mapping[str, ConnectorEntity]
    ) -> None:
        put = [merge.stored for merge in merges]
        changes = self.store.commit(put, who=f"connector {self.connector.name}")
        self.summary.created += len(changes.created)
        self.summary.updated += len(changes.updated)
        for merge in merges:
            link = links[merge.stored.id]
            state = {_TRASH: None, _KEPT: True if merge.kept else None}
            error = _explained(merge.kept)
            self.changes[link.pk] = LinkChange(_TOPIC, error, state, merge.taken)

    def _kept(
        self, id: str, held: Mapping[str, Any], after: dict[str, Any]
    ) -> list[tuple[str, Any, Any]]:
        """Put back the tags that samples or levels here depend on."""
        kept: list[tuple[str, Any, Any]] = []
        for find, is_used in (
            (reinterpreted, self.store.has_samples),
            (devalued, lambda one: bool(self.store.with_levels([one]))),
        ):
            while (tag := find(held, after)) and is_used(id):
                kept.append((tag, held.get(tag), after.pop(tag, None)))
                if tag in held:
                    after[tag] = held[tag]
        return kept

    # -- removals -------------------------------------------------------------

    def _remove(self, gone: Sequence[ConnectorEntity]) -> None:
        """Move entities to the trash. Raises ConnectorError if they are many."""
        most = min(_FEW, max(1, int(len(self.links) * _PART)))
        if len(gone) > most and not self.confirmed:
            names = ", ".join(f"@{link.entity_id}" for link in gone[:5])
            raise ConnectorError(
                Status.CONFIRM,
                f"{len(gone):,} of {len(self.links):,} entities are missing in the"
                f" answer ({names} ..): confirm that they go to the trash",
            )
        for part in _batches(gone):
            self._trash(part)
            self.context.check()

    def _trash(self, part: Sequence[ConnectorEntity]) -> None:
        using = router.db_for_write(ConnectorEntity)
        with transaction.atomic(using=using), self.store.locked():
            held = self.store.read_by_ids([link.entity_id for link in part])
            rows = [
                {"id": Ref(record["id"].id), _TRASH: MARKER}
                for record in held
                if record is not None and not is_trash(record)
            ]
            who = f"connector {self.connector.name}"
            self.store.update_entities(rows, force=True, who=who)
            marked = LinkChange(_TOPIC, state={_TRASH: True})
            store_changes({link.pk: marked for link in part})
        self.summary.trashed += len(rows)


def _rank(far: Mapping[str, Any]) -> int:
    return next((n for n, tag in enumerate(_RANKS) if tag in far), len(_RANKS))


def _explained(kept: Sequence[tuple[str, Any, Any]]) -> str:
    parts = [
        f"{tag} is {shown(str(there))} there and {shown(str(here))} here, where samples"
        " or levels have it"
        for tag, here, there in kept
    ]
    return "; ".join(parts)


def _batches(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    every = iter(items)
    while part := list(islice(every, _BATCH)):
        yield part

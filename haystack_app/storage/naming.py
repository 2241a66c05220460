"""Refs carry the current names of what they refer to.

A commit puts names into the refs of what it stores, and a changed name into the refs
of all referrers: in its own transaction if they are few, else the store goes on later
(``queue_names``). The referrers get neither another ``mod`` nor an entry in the log,
and no watch sends them. Names that macros make change along the same refs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import orjson

from ..filters import is_trash
from ..wire.record import Record
from .changes import Change
from .changeset import BATCH, Changeset, EntityRow, Move
from .names import (
    Json,
    Names,
    carrying,
    expanded,
    is_macro_named,
    name_in_id,
    named_refs,
    search_text,
    with_names,
    with_own_name,
)
from .namespaces import NamespaceStore

__all__ = ["Finder", "NameStore"]

ALL = ""
"""Stands for all entities in the queue of names."""
_MACRO = '"disMacro"'


class NameStore(NamespaceStore):
    keeps_search = False
    """Whether ``EntityRow.search`` is stored."""

    def shown(self, records: Sequence[Record]) -> Sequence[Record]:
        """Stored records, without the names of entities that the caller does not see.

        A name that a macro makes is made again, of what the caller sees.
        """
        if self.scope is None or not records:
            return records
        find = Finder(self)
        find.prefetch(carrying("\n".join(record.raw for record in records)))
        names = {
            id: find.name_of(id)
            for id, text in list(find.texts.items())
            if text is None or _MACRO in text
        }
        return [_shown(record, names, find) for record in records]

    def shown_changes(self, changes: Iterable[Change]) -> list[Change]:
        """The same for entries of the change log."""
        found = list(changes)
        before, after = (
            self.shown([getattr(change, name) for change in found])
            for name in ("before", "after")
        )
        return [
            change._replace(before=was, after=became)
            for change, was, became in zip(found, before, after, strict=True)
        ]

    def visible_texts(self, ids: Sequence[str]) -> dict[str, str]:
        """The JSON of the entities that the caller sees, as stored, by id."""
        found = zip(ids, self.read_by_ids(ids), strict=True)
        return {id: record.raw for id, record in found if record is not None}

    def spread_names(
        self, ids: Collection[str], referrers: Collection[str] | None = None
    ) -> None:
        """Write the names of entities into the refs to them, with what follows.

        ``ids`` may be of removed entities; their own refs carry names already. The
        caller must hold the lock of all entities.
        """
        changed, others = set(ids), referrers
        while changed:
            if others is None:
                others = self.referrers(sorted(changed), self.renamed_at_once + 1)
                if len(others) > self.renamed_at_once:
                    self.queue_names(changed)
                    return
            found = self.renamed(others, changed)
            if found:
                self.apply(Changeset(found))
            changed = {move.id for move in found if move.is_renaming}
            others = None if not changed else self._referrers_within(changed)

    def write_names(
        self, ids: Collection[str], of: Collection[str] | None = None
    ) -> None:
        """Write names of entities, None for all, into the refs of some entities."""
        if found := self.renamed(ids, of):
            self.apply(Changeset(found))
            self.spread_names({move.id for move in found if move.is_renaming})

    def name_again(self) -> None:
        """Write the names of all entities, in short transactions."""
        with self.locked():
            self.queue_names([ALL])
        while self.mend_names():
            continue

    def _referrers_within(self, ids: set[str]) -> list[str] | None:
        """Referrers, also those among the entities; None if they are too many."""
        others = self.referrers(sorted(ids), self.renamed_at_once + 1)
        return None if len(others) > self.renamed_at_once else [*others, *ids]

    def renamed(
        self, ids: Collection[str], of: Collection[str] | None = None
    ) -> list[Move]:
        """These entities, before and after their refs get current names.

        Those of refs ``of`` some entities; None means of all. Entities that do not
        change are left out.
        """
        found: list[Move] = []
        every = sorted(ids)
        find = Finder(self)
        for at in range(0, len(every), BATCH):
            rows = self.stored_rows(every[at : at + BATCH])
            wanted = set(of or ())
            for row in rows.values():
                if of is None or _MACRO in row.tags:
                    wanted.update(id for id, _ in named_refs(row.tags))
            find.prefetch(wanted)
            names = find.names(wanted, gone=of or ())
            for row in rows.values():
                after = self._renamed(row, names, find)
                if after is not row:
                    found.append(Move(row, after))
        return found

    def _renamed(self, row: EntityRow, names: Names, find: Finder) -> EntityRow:
        text = with_names(row.tags, names, row.id)
        tags = orjson.loads(text)
        if name_in_id(tags) and (name := expanded(tags, find)) != name_in_id(tags):
            text = with_own_name(text, row.id, name)
            tags = orjson.loads(text)
        elif is_macro_named(tags):
            text = with_own_name(text, row.id, expanded(tags, find))
            tags = orjson.loads(text)
        search = search_text(tags) if self.keeps_search else row.search
        if text == row.tags and search == row.search:
            return row
        return row.with_names(text, search)


class Finder:
    """The tags of entities, as far as a store shows them."""

    def __init__(self, store: NameStore) -> None:
        self.store = store
        self.texts: dict[str, str | None] = {}
        self._parsed: dict[str, Json | None] = {}

    def prefetch(self, ids: Iterable[str]) -> None:
        missing = sorted(set(ids) - self.texts.keys())
        for at in range(0, len(missing), BATCH):
            part = missing[at : at + BATCH]
            held = self.store.visible_texts(part)
            self.texts.update((id, held.get(id)) for id in part)

    def __call__(self, id: str) -> Json | None:
        if id not in self._parsed:
            if id not in self.texts:
                self.prefetch([id])
            text = self.texts[id]
            self._parsed[id] = None if text is None else orjson.loads(text)
        return self._parsed[id]

    def name_of(self, id: str) -> str | None:
        """The name that refs to an entity carry."""
        tags = self(id)
        return None if tags is None or is_trash(tags) else expanded(tags, self)

    def names(self, ids: Iterable[str], gone: Collection[str]) -> dict[str, str | None]:
        """Names of the entities that exist, or that are ``gone``."""
        self.prefetch(ids)
        return {
            id: self.name_of(id)
            for id in ids
            if self.texts[id] is not None or id in gone
        }


def _shown(record: Record, names: Names, find: Finder) -> Record:
    if not names and _MACRO not in record.raw:
        return record
    own = (record.json.get("id") or {}).get("val", "")  # entries of the log have none
    text = with_names(record.raw, names, own)
    if own and _MACRO in text and is_macro_named(tags := orjson.loads(text)):
        text = with_own_name(text, own, expanded(tags, find))
    return Record(text)

"""The names that a commit puts into its records, and into their referrers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import orjson

from ..filters import is_trash
from .changeset import BATCH, Changeset, EntityRow
from .names import (
    AROUND,
    OWN_NAME,
    Names,
    expanded,
    is_macro_named,
    joined_words,
    name_in_id,
    named_refs,
    ref_text,
    search_text,
    with_names,
    with_own_name,
)
from .naming import Finder, NameStore
from .stored import Edge, Stored

__all__ = ["Naming"]

_REF_NAMES = Stored._fields.index("ref_names")


def _given(one: Stored) -> Names:
    """The names that a client wrote into the refs of a record."""
    return dict(named_refs(one.tags) if one.is_nested else one.given)


class _Overlay(Finder):
    """What will be stored: the entities of a commit, and the others."""

    def __init__(
        self, store: NameStore, put: Mapping[str, Stored], removed: Collection[str]
    ) -> None:
        super().__init__(store)
        self.put, self.removed = put, removed

    def prefetch(self, ids: Iterable[str]) -> None:
        others = []
        for id in ids:
            if id in self.removed:
                self.texts[id] = None
            elif id in self.put:
                self.texts[id] = self.put[id].tags
            else:
                others.append(id)
        super().prefetch(others)

    def name_of(self, id: str) -> str | None:
        if id not in self.put or id in self.removed:
            return super().name_of(id)
        one = self.put[id]
        if is_trash(one.names):
            return None
        texts = dict(one.plain)
        dis = texts.get("dis")
        return dis if isinstance(dis, str) and dis else super().name_of(id)


class Naming:
    """The names of one commit; ``put`` and ``removed`` are all of it."""

    def __init__(
        self, store: NameStore, put: Sequence[Stored], removed: Collection[str]
    ) -> None:
        self.store = store
        self.put = {one.id: one for one in put}
        self.removed = frozenset(removed)
        self.find = _Overlay(store, self.put, self.removed)
        self.names: dict[str, str | None] = {}
        self.pairs: dict[tuple[str, str | None, str | None], tuple[str, str]] = {}
        self.of_edges: dict[frozenset[Edge], tuple[Names, tuple[str, ...]]] = {}
        self.changed: set[str] = set()
        self.referrers: set[str] = set()
        self.are_too_many = False
        self.is_long = len(put) > BATCH
        if self.is_long:
            self._note_new(sorted(self.put))

    def _note_new(self, ids: Sequence[str]) -> None:
        """Note referrers of new entities while none of these is stored."""
        for at in range(0, len(ids), BATCH):
            part = ids[at : at + BATCH]
            self._note(set(part).difference(self.store.visible_ids(part)))

    def _note(self, changed: set[str]) -> None:
        if not changed:
            return
        most = self.store.renamed_at_once
        found = self.store.referrers(sorted(changed), most + 1)
        others = set(found).difference(self.put, self.removed)
        if others or len(found) > most:
            self.changed |= changed
            self.referrers |= others
            self.are_too_many |= max(len(found), len(self.referrers)) > most

    def note(self, part: Changeset) -> None:
        """Note whose names a part of the commit changes, before it is applied."""
        moves = [*part.moves, *part.renamed]
        known = (move for move in moves if move.before or not self.is_long)
        self._note({move.id for move in known if move.is_renaming})

    def spread(self) -> None:
        """Write changed names into the refs of entities that are not committed."""
        if self.are_too_many:
            self.store.queue_names(self.changed)
        else:
            self.store.spread_names(self.changed, self.referrers)

    # -- refs of the commit itself --------------------------------------------

    def named(
        self, part: Sequence[Stored], held: Mapping[str, EntityRow]
    ) -> list[Stored]:
        """Records whose refs carry names.

        A ref that an entity has already carries the name that it has there: a
        statement asks for names of others only. What is not the name of an entity
        stays as the client wrote it.
        """
        known = {id: self._settled(row) for id, row in held.items()}
        asked: set[Edge] = set()
        for one in part:
            if one.id in known:
                asked.update(it for it in one.edges if it[1] not in known[one.id])
            else:
                asked |= one.edges
        self._look_up({to for _, to in asked if to})
        return [self._named(one, known.get(one.id, {})) for one in part]

    def _settled(self, row: EntityRow) -> Names:
        """Names that refs of a stored entity keep: those of entities outside of the
        commit, unless the client wrote another."""
        one = self.put[row.id]
        given = _given(one)
        return {
            id: dis
            for id, dis in named_refs(row.tags)
            if given.get(id) in (None, dis)
            and id not in self.put
            and id not in self.removed
        }

    def _look_up(self, ids: set[str]) -> None:
        missing = ids - self.find.texts.keys()
        self.names |= self.find.names(missing, gone=self.removed)

    def _named(self, one: Stored, known: Names) -> Stored:
        names, around = self._names_of(one.edges, known)
        texts = {name: text for name, text in one.plain if type(text) is str}
        dis, nav = texts.get("dis"), texts.get("navName")
        if (
            (not dis and "disMacro" in texts)
            or one.is_nested
            or one.id in names
            or len(names) < len(one.edges)
        ):
            return self._renamed(one, dict(names))
        text, given, own = one.tags, dict(one.given), None
        for to, name in names.items():
            if name != given.get(to):
                text = text.replace(*self._pair(to, given.get(to), name))
        if OWN_NAME in given and (own := dis or nav or given[OWN_NAME]):
            names = {**names, OWN_NAME: own}
            if own != given[OWN_NAME]:
                text = with_own_name(text, one.id, own)
        search = joined_words(dis, nav, own, one.id, *around)
        return Stored._make((one.id, text, *one[2:_REF_NAMES], names, search))

    def _names_of(
        self, edges: frozenset[Edge], known: Names
    ) -> tuple[Names, tuple[str, ...]]:
        """Names by the ids of edges, and those of the site and the equip.

        Points of one equip have the same edges.
        """
        if not known and edges in self.of_edges:
            return self.of_edges[edges]
        names = {
            to: self.names[to] if to in self.names else known[to]
            for _, to in edges
            if to in self.names or to in known
        }
        targets = dict(edges)
        around = (names.get(targets.get(tag, "")) for tag in AROUND)
        found = names, tuple(name for name in around if name)
        if not known:
            self.of_edges[edges] = found
        return found

    def _renamed(self, one: Stored, names: dict[str, str | None]) -> Stored:
        text = with_names(one.tags, names, one.id)
        tags = orjson.loads(text)
        if name_in_id(tags) or is_macro_named(tags):
            names[OWN_NAME] = expanded(tags, self.find)
            text = with_own_name(text, one.id, names[OWN_NAME])
            tags = orjson.loads(text)
        return one._replace(tags=text, ref_names=names, search=search_text(tags))

    def _pair(self, id: str, given: str | None, name: str | None) -> tuple[str, str]:
        """The text of a ref with the name that was given, and with the current one."""
        key = (id, given, name)
        if key not in self.pairs:
            self.pairs[key] = ref_text(id, given), ref_text(id, name)
        return self.pairs[key]

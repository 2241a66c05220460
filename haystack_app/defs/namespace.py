"""``Namespace``: defs, what they inherit, and what records implement.

Sources: docHaystack Namespaces, Subtyping. Two rules are ours:

- Of two defs of one symbol the later counts, so that a library loaded behind
  another may define its symbols anew.
- A supertype that no def defines is kept as a name. It has no supertypes of its
  own, and what is declared under it is found by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..filters.ast import IsSymbol
from .normalization import normalised
from .records import Def, feature_of, symbols_in

__all__ = ["Namespace"]

_REMEMBERED = 4_096


class Namespace:
    """An immutable set of defs. Symbols are given and answered by their names.

    ``records`` are defs and defxs in the order in which they were loaded.
    Raises InvalidDef.
    """

    def __init__(self, records: Iterable[Def] = ()) -> None:
        self._records = tuple(records)
        self._defs = normalised(self._records)
        self._supers: dict[str, tuple[str, ...]] = {}
        self._subs: dict[str, list[str]] = defaultdict(list)
        self._conjuncts: dict[str, frozenset[str]] = {}
        for name, tags in self._defs.items():
            self._supers[name] = tuple(symbols_in(tags.get("is")))
            for supertype in self._supers[name]:
                self._subs[supertype].append(name)
            if self.is_conjunct(name):
                self._conjuncts[name] = frozenset(self.parts(name))
        self._parts = frozenset[str]().union(*self._conjuncts.values())
        # caches of this object: on the class they would keep every namespace
        self._sets = lru_cache(_REMEMBERED)(self._alternatives)
        self._found = lru_cache(_REMEMBERED)(self._declared)

    def extended(self, records: Iterable[Def]) -> Namespace:
        """This and, behind it, further defs and defxs. Raises InvalidDef."""
        return Namespace((*self._records, *records))

    # -- defs -----------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._defs)

    def __iter__(self) -> Iterator[Def]:
        """The defs in order of their symbols."""
        return iter(self._defs.values())

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._defs

    def get(self, symbol: str) -> Def | None:
        """The tags of a def, those of its defxs among them."""
        return self._defs.get(symbol)

    def of_feature(self, feature: str) -> Iterator[Def]:
        """The defs of a feature: all ``lib:..``, for one."""
        return (
            tags for name, tags in self._defs.items() if feature_of(name) == feature
        )

    def inherited(self, symbol: str, tag: str) -> Any:
        """The tag's value on the def, or on its nearest supertype that has it.

        Only the def itself is asked for a tag that is marked ``notInherited``.
        """
        is_own = "notInherited" in self._defs.get(tag, {})
        for name in (symbol, *(() if is_own else self.supertypes(symbol))):
            value = self._defs.get(name, {}).get(tag)
            if value is not None:
                return value
        return None

    # -- symbols --------------------------------------------------------------

    def supertypes(self, symbol: str) -> tuple[str, ...]:
        """All supertypes, nearest first, otherwise in the order declared."""
        return _within_reach(symbol, self._supers)[1:]

    def subtypes(self, symbol: str) -> tuple[str, ...]:
        """The symbol itself and everything under it, nearest first."""
        return _within_reach(symbol, self._subs)

    def parts(self, symbol: str) -> tuple[str, ...]:
        """``hot`` and ``water`` of hot-water; none where a name has a feature."""
        return IsSymbol(symbol).parts

    def is_conjunct(self, symbol: str) -> bool:
        return len(self.parts(symbol)) > 1

    def is_tag(self, name: str) -> bool:
        """Whether a def is of that name, or a conjunct has it as a part."""
        return name in self._defs or name in self._parts

    # -- records --------------------------------------------------------------

    def implementations(self, symbol: str) -> tuple[frozenset[str], ...]:
        """What ``^symbol`` asks for: sets of tags, any of which will do.

        They are the parts of the def and of each subtype; a set that contains
        another one is left out. A symbol without a def stands for its own parts.
        There are none for ``lib:x`` and the like, which no record implements.
        Source: docHaystack Filters.
        """
        return self._sets(symbol)

    def declared(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """The defs of a record's tags, and of conjuncts whose parts it has."""
        return self._found(
            frozenset(name for name, value in record.items() if value is not None)
        )

    def implemented(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """``declared`` and all supertypes, in order of symbols.

        Source: docHaystack Reflection.
        """
        found = self.declared(record)
        supers = (other for name in found for other in self.supertypes(name))
        return tuple(sorted({*found, *supers}))

    def _alternatives(self, symbol: str) -> tuple[frozenset[str], ...]:
        if feature_of(symbol):
            return ()
        sets = {frozenset(self.parts(name)) for name in self.subtypes(symbol)}
        return tuple(_minimal(sets - {frozenset()}))

    def _declared(self, tags: frozenset[str]) -> tuple[str, ...]:
        terms = tags & self._defs.keys()
        conjuncts = {name for name, parts in self._conjuncts.items() if parts <= tags}
        return tuple(sorted(terms | conjuncts))


def _within_reach(start: str, steps: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Breadth first; a cycle ends where it meets what was found."""
    found = [start]
    known = {start}
    for name in found:
        for other in steps.get(name, ()):
            if other not in known:
                known.add(other)
                found.append(other)
    return tuple(found)


def _minimal(sets: Iterable[frozenset[str]]) -> Iterator[frozenset[str]]:
    """Sets that contain no other one, the smallest first, then by names."""
    kept: list[frozenset[str]] = []
    for tags in sorted(sets, key=lambda tags: (len(tags), sorted(tags))):
        if not any(other <= tags for other in kept):
            kept.append(tags)
            yield tags

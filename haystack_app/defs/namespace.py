"""``Namespace``: defs, their inheritance, and the defs that records implement.

Sources: docHaystack Namespaces, Subtyping. Two rules are our own:

- If two defs have the same symbol, the later one wins, so that a library can redefine
  the symbols of a library loaded before it.
- A supertype without a def is kept as a name. It has no supertypes of its own, and its
  declared subtypes are found under it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..filters.ast import IsSymbol
from .normalization import normalised
from .records import Def, feature_of, symbols_in

__all__ = ["Namespace"]

_CACHE_SIZE = 4_096
_SPEC_WORD = re.compile(r"[A-Z][^A-Z]*")


class Namespace:
    """An immutable set of defs. Arguments and results are names of symbols.

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
        # caches per object: on the class they would keep every namespace alive
        self._cached_implementations = lru_cache(_CACHE_SIZE)(self._implementations)
        self._cached_declared = lru_cache(_CACHE_SIZE)(self._declared)

    def extended(self, records: Iterable[Def]) -> Namespace:
        """A namespace with these records loaded after its own. Raises InvalidDef."""
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
        """The tags of a def, including those of its defxs."""
        return self._defs.get(symbol)

    def of_feature(self, feature: str) -> Iterator[Def]:
        """The defs of a feature, for example all ``lib:..``."""
        return (
            tags for name, tags in self._defs.items() if feature_of(name) == feature
        )

    def inherited(self, symbol: str, tag: str) -> Any:
        """The tag's value on the def, or on its nearest supertype that has it.

        A tag that is marked ``notInherited`` is looked up on the def itself only.
        """
        is_own = "notInherited" in self._defs.get(tag, {})
        for name in (symbol, *(() if is_own else self.supertypes(symbol))):
            value = self._defs.get(name, {}).get(tag)
            if value is not None:
                return value
        return None

    def has_spec(self, name: str) -> bool:
        """Whether ``Ahu``, ``ph::Ahu`` or ``DischargeAirTempSensor`` names defs.

        Specs have the names of defs, or of several joined, in capitals.
        """
        local = name.rpartition("::")[2]
        whole = local[:1].lower() + local[1:]
        return whole in self._defs or all(
            word.lower() in self._defs for word in _SPEC_WORD.findall(local)
        )

    # -- symbols --------------------------------------------------------------

    def supertypes(self, symbol: str) -> tuple[str, ...]:
        """All supertypes, nearest first, otherwise in the order of declaration."""
        return _closure(symbol, self._supers)[1:]

    def subtypes(self, symbol: str) -> tuple[str, ...]:
        """The symbol and all its subtypes, nearest first."""
        return _closure(symbol, self._subs)

    def parts(self, symbol: str) -> tuple[str, ...]:
        """``hot`` and ``water`` of hot-water; empty for a feature key."""
        return IsSymbol(symbol).parts

    def is_conjunct(self, symbol: str) -> bool:
        return len(self.parts(symbol)) > 1

    def is_tag(self, name: str) -> bool:
        """Whether there is a def of that name, or a conjunct with it as a part."""
        return name in self._defs or name in self._parts

    # -- records --------------------------------------------------------------

    def implementations(self, symbol: str) -> tuple[frozenset[str], ...]:
        """The sets of tags that match ``^symbol``: a record needs one whole set.

        They are the parts of the def and of each subtype; a set that contains
        another one is left out. A symbol without a def stands for its own parts.
        Feature keys such as ``lib:x`` have none: records do not implement them.
        Source: docHaystack Filters.
        """
        return self._cached_implementations(symbol)

    def declared(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """The defs of a record's tags, and of conjuncts whose parts it has."""
        return self._cached_declared(
            frozenset(name for name, value in record.items() if value is not None)
        )

    def implemented(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """``declared`` and all supertypes, sorted by symbol.

        Source: docHaystack Reflection.
        """
        declared = self.declared(record)
        supers = (other for name in declared for other in self.supertypes(name))
        return tuple(sorted({*declared, *supers}))

    def _implementations(self, symbol: str) -> tuple[frozenset[str], ...]:
        if feature_of(symbol):
            return ()
        sets = {frozenset(self.parts(name)) for name in self.subtypes(symbol)}
        return tuple(_minimal(sets - {frozenset()}))

    def _declared(self, tags: frozenset[str]) -> tuple[str, ...]:
        terms = tags & self._defs.keys()
        conjuncts = {name for name, parts in self._conjuncts.items() if parts <= tags}
        return tuple(sorted(terms | conjuncts))


def _closure(start: str, edges: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """All names that the edges lead to, breadth first. Cycles are allowed."""
    names = [start]
    visited = {start}
    for name in names:
        for other in edges.get(name, ()):
            if other not in visited:
                visited.add(other)
                names.append(other)
    return tuple(names)


def _minimal(sets: Iterable[frozenset[str]]) -> Iterator[frozenset[str]]:
    """The sets that do not contain another one, sorted by size, then by names."""
    minimal: list[frozenset[str]] = []
    for tags in sorted(sets, key=lambda tags: (len(tags), sorted(tags))):
        if not any(other <= tags for other in minimal):
            minimal.append(tags)
            yield tags

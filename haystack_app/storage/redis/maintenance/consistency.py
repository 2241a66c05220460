"""Checks and repairs of all data that is derived from the entities, beside writers.

A walk over the store holds no lock. What it finds is a suspicion, for the store may
have changed between two of its reads; ``suspects`` looks at each again with those
entities locked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from ...changeset import EntityRow
from .. import levels
from ..entities import BATCH, fetch
from ..entity_commands import batched, refs_of
from ..history.timeseries import Histories
from ..index.base import Index
from ..keys import Keys
from ..scripts import PLACES, STRAYS
from ..server import Server
from .reindex import SLICE
from .suspects import Fault, Marks, Suspects, facts_differ, is_readable, row_faults

__all__ = ["Walk", "lines"]

_SHOWN = 10
"""Ids that lack one term, of which each has a line."""


def lines(faults: Iterable[Fault]) -> list[str]:
    """Faults as text; those of a term that many ids lack are counted."""
    every = list(faults)
    missing = Counter(fault.lacks for fault in every if fault.lacks)
    return [
        *(f.text for f in every if not f.lacks or missing[f.lacks] <= _SHOWN),
        *(
            f"{what}: {n:,} ids are missing"
            for what, n in missing.items()
            if n > _SHOWN
        ),
    ]


class Walk:
    """One walk; ``count`` is the number of entities that it met.

    ``mending`` repairs what can be derived again. The facts of histories are left to
    the caller, who finds the ids in ``miscounted``.
    """

    def __init__(
        self,
        server: Server,
        keys: Keys,
        kind: str,
        index: Index,
        series: Histories,
        *,
        mending: bool = False,
    ) -> None:
        self.server, self.keys, self.kind = server, keys, kind
        self.index, self.series = index, series
        self.suspects = Suspects(server, keys, kind, index, series, mending=mending)
        self.marks = Marks()
        self.count = 0
        self.owners: set[str] = set()
        self.existing: set[str] = set()

    @property
    def miscounted(self) -> set[str]:
        return self.suspects.miscounted

    def entities(self) -> Iterator[Fault]:
        """Faults of entities, their index and their references."""
        self._entities()
        return self._settled()

    def everything(self) -> Iterator[Fault]:
        """All faults."""
        self.owners = {*self._names("h:"), *self._names("s:")}
        self._entities()
        self._histories()
        self._arrays()
        yield from self._settled()
        yield from map(Fault, self.index.faults())
        yield from self._log()
        yield from self._watches()
        yield from self._staged()

    def _settled(self) -> Iterator[Fault]:
        for ids in batched(sorted(self.marks), SLICE):
            part = {id: self.marks.pop(id) for id in ids}
            yield from self.suspects.settle(part)

    def _names(self, kind: str) -> Iterator[str]:
        """Names of the keys of a kind, without the prefix."""
        return self.server.scan(f"{self.keys.base}{kind}")

    # -- entities --------------------------------------------------------------

    def _entities(self) -> None:
        terms: dict[str, set[str]] = defaultdict(set)
        refs: dict[str, set[str]] = defaultdict(set)
        listed = set(self.server.zrange(self.keys.ids))
        held = self.existing = set(self._names("e:"))
        for id in listed ^ held:
            self.marks.add(id, "row")
        for ids in batched(sorted(listed | held), BATCH):
            rows = fetch(self.server, self.keys, ids)
            self.count += len(rows)
            found = {id: row for id, row in rows.items() if self._is_sound(id, row)}
            for id, entity in found.items():
                for term in self.index.terms_of(entity):
                    terms[term].add(id)
                for ref in refs_of(entity):
                    refs[ref].add(id)
            for id in self.index.unindexed(list(found)):
                self.marks.add(id, "terms")
        self._compare("terms", terms, self.index.indexed())
        self._compare("refs", refs, self._referrers())

    def _is_sound(self, id: str, entity: EntityRow) -> bool:
        """Whether the entity can be read."""
        record = entity.record
        if any(row_faults(self.keys, entity, record)):
            self.marks.add(id, "row")
        if not is_readable(record):
            return False
        if self.owners and facts_differ(id, record, id in self.owners, self.series):
            self.marks.add(id, "facts")
        return True

    def _referrers(self) -> Iterator[tuple[str, set[str]]]:
        for name in self._names("r:"):
            yield name, self.server.smembers(self.keys.referrers(name))

    def _compare(
        self,
        what: str,
        right: dict[str, set[str]],
        found: Iterable[tuple[str, set[str]]],
    ) -> None:
        for name, ids in found:
            expected = right.pop(name, set())
            for id in ids ^ expected:
                self.marks.add(id, what, name)
        for name, ids in right.items():
            for id in ids:
                self.marks.add(id, what, name)

    # -- histories -------------------------------------------------------------

    def _histories(self) -> None:
        known: set[str] = set()
        for ids in batched(sorted(self.owners), SLICE):
            found = self.server.together(
                *(("ZRANGE", self.keys.blocks(id), 0, -1) for id in ids)
            )
            for id, names in zip(ids, found, strict=True):
                members = [name.decode() for name in names]
                known.update(f"{member[16:]}:{id}" for member in members)
                if any(self.suspects.members(id, members)):
                    self.marks.add(id, "members")
                if any(self.suspects.samples(id)):
                    self.marks.add(id, "samples")
        for id in self.owners - self.existing:
            self.marks.add(id, "owner")
        for kind in ("b:", "o:"):
            others = (name for name in self._names(kind) if name not in known)
            for names in batched(others, BATCH):
                self._blocks(kind, names)

    def _blocks(self, kind: str, names: list[str]) -> None:
        """Blocks that are in no history must expire, as replaced ones do."""
        words = (("TTL", f"{self.keys.base}{kind}{name}") for name in names)
        for name, life in zip(names, self.server.together(*words), strict=True):
            if life == -1:
                self.marks.add(name.partition(":")[2], "blocks", f"{kind}{name}")

    def _arrays(self) -> None:
        due: set[str] = set()
        for id in self._names("a:"):
            for number, level in levels.read(self.server, self.keys, id).items():
                if level.expires is not None:
                    due.add(f"{number}:{id}")
            if id not in self.existing:
                self.marks.add(id, "owner")
        for member in due ^ set(self.server.zrange(self.keys.due)):
            self.marks.add(member.partition(":")[2], "due", member)

    # -- the rest, which scripts change and one script looks at ----------------

    def _log(self) -> Iterator[Fault]:
        logged: dict[str, set[str]] = defaultdict(set)
        after = ""
        while page := self.server.run(PLACES, [self.keys.log], after, BATCH):
            after = page[-1][0]
            for place, id in page:
                logged[id].add(place)
        for id in sorted({*logged, *self._names("l:")}):
            listed = set(self.server.lrange(self.keys.log_of(id), 0))
            if differing := listed ^ logged.pop(id, set()):
                names = [self.keys.log, self.keys.log_of(id)]
                if strays := self.server.run(STRAYS, names, *sorted(differing)):
                    yield Fault(
                        f"@{id}: its list of changes differs from the log in"
                        f" {len(strays):,} entries"
                    )

    def _watches(self) -> Iterator[Fault]:
        names = {*self._names("w:"), *self._names("wt:")}
        for id in sorted({*names, *self.server.zrange(self.keys.watches)}):
            watch, listed, items = self.server.together(
                ("EXISTS", self.keys.watch(id)),
                ("ZSCORE", self.keys.watches, id),
                ("EXISTS", self.keys.watch_items(id)),
            )
            if bool(watch) != (listed is not None):
                yield Fault(f"the list of watches differs at {id}")
            if items and not watch:
                yield Fault(f"items of watch {id} exist, but the watch is not open")

    def _staged(self) -> Iterator[Fault]:
        for name in self._names("stage:"):
            if self.server.ttl(self.keys.stage(name)) == -1:
                yield Fault(f"staged commands of {name} never expire")

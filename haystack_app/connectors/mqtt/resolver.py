"""Finds the points of messages, and remembers them until entities change."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from ...filters import without_trash
from ...filters.ast import And, Compare, Has, Or
from ...storage.base import StorageAdapter
from ...transfer.his_points import AS_WRITTEN, SamplePoints
from ...transfer.tables.names import PointNames
from ...wire.record import Record
from .rules import ID, PATH, Rule
from .targets import NoTarget, Target
from .topics import filled

__all__ = ["Resolver", "Sought", "sought"]

_CHECK_SECONDS = 5.0
_FORGET_SECONDS = 600.0
"""Plain SQL is not in the change log."""
_REST = 20
"""Finding all points again takes at most this part of the time."""
_MOST = 200_000
_VALUES = 100
_LISTED = 3


class Sought(NamedTuple):
    """What a point is found by: an id, a path, or ``tag=value``."""

    find: str
    text: str


def sought(rule: Rule, names: Mapping[str, str], topic: str) -> Sought:
    return Sought(rule.find, filled(rule.target, {"topic": topic, **names}))


class Resolver:
    """Points of one store, as far as it is visible to the connector."""

    def __init__(self, store: StorageAdapter) -> None:
        self.store = store
        self.found: dict[Sought, Target | str] = {}
        """Targets, or why a point was not found."""
        self._paths: PointNames | None = None
        self._cursor: int | None = None
        self._check_at = self._forget_at = 0.0
        self._took = 0.0

    def refresh(self) -> bool:
        """Forget all points if entities have changed. Whether they have."""
        if time.monotonic() < self._check_at:
            return False
        cursor = self.store.changes_since(None, 1).cursor
        is_changed = cursor != self._cursor or time.monotonic() > self._forget_at
        if is_changed:
            self.forget()
            self._forget_at = time.monotonic() + _FORGET_SECONDS
        self._cursor = cursor
        pause = max(_CHECK_SECONDS, _REST * self._took)
        self._check_at = time.monotonic() + pause
        return is_changed

    def forget(self) -> None:
        self.found.clear()
        self._paths = None
        self._took = 0.0

    def resolve(self, wanted: Iterable[Sought]) -> None:
        """Find those that are not known yet, with few queries."""
        missing = {one for one in wanted if one not in self.found}
        if not missing:
            return
        began = time.monotonic()
        if len(self.found) + len(missing) > _MOST:
            self.found.clear()
        ids: dict[Sought, Collection[str]] = {}
        tags: dict[str, list[Sought]] = {}
        for one in missing:
            if one.find == ID:
                ids[one] = [one.text.removeprefix("@")]
            elif one.find == PATH:
                ids[one] = self._path_names.ids(one.text)
            else:
                tags.setdefault(one.text.partition("=")[0], []).append(one)
        for tag, some in tags.items():
            ids |= self._by_tag(tag, some)
        self._read(ids)
        self._took += time.monotonic() - began

    @property
    def _path_names(self) -> PointNames:
        if self._paths is None:
            points = SamplePoints(self.store, AS_WRITTEN)
            self._paths = PointNames(points, {}, tags=("his", "cur"))
        return self._paths

    def _by_tag(self, tag: str, wanted: Iterable[Sought]) -> dict[Sought, set[str]]:
        by_value = {one.text.partition("=")[2]: one for one in wanted}
        ids: dict[Sought, set[str]] = {one: set() for one in by_value.values()}
        values = list(by_value)
        for at in range(0, len(values), _VALUES):
            some = values[at : at + _VALUES]
            tests = tuple(Compare((tag,), "==", value) for value in some)
            either = Or(tests) if len(tests) > 1 else tests[0]
            for record in self.store.read(
                without_trash(And((Has(("point",)), either)))
            ):
                ids[by_value[record[tag]]].add(record["id"].id)
        return ids

    def _read(self, ids: Mapping[Sought, Collection[str]]) -> None:
        single = {one: next(iter(some)) for one, some in ids.items() if len(some) == 1}
        order = sorted(set(single.values()))
        records = dict(zip(order, self.store.read_by_ids(order), strict=True))
        targets = {id: _target(records[id]) for id in order}
        for one, some in ids.items():
            if one in single:
                self.found[one] = targets[single[one]] or _not_found(one)
            else:
                self.found[one] = _not_one(one, some)


def _target(record: Record | None) -> Target | str | None:
    if record is None:
        return None
    try:
        return Target(record)
    except NoTarget as err:
        return str(err)


def _not_found(one: Sought) -> str:
    return f"no point with the {one.find} {one.text}"


def _not_one(one: Sought, ids: Collection[str]) -> str:
    if not ids:
        return _not_found(one)
    shown = ", ".join(f"@{id}" for id in sorted(ids)[:_LISTED])
    return f"{len(ids)} points with the {one.find} {one.text}: {shown}"

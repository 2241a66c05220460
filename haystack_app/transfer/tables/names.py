"""Headers and names of series, mapped to the points of a store."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from ...filters import is_trash
from ...kinds.display import quoted
from ...kinds.scalars import Ref
from ...kinds.units import UNITS
from ...storage.enumeration import enum_names
from ...storage.errors import StorageError
from ..his_points import SampleColumn, SamplePoints
from ..his_units import unit_of
from .options import Mapped

__all__ = ["NamedPoint", "PointNames", "UnknownName", "split_header"]

_BRACKETS = re.compile(r"(.*\S)\s*[(\[]([^()\[\]]*)[)\]]", re.DOTALL)
_LISTED = 5


class UnknownName(ValueError):
    """A header that no point has."""


class NamedPoint(NamedTuple):
    column: SampleColumn
    factor: float
    enum: list[str]


def split_header(header: str) -> Iterator[tuple[str, str | None]]:
    """The names that a header may have, each with the text of its unit."""
    if match := _BRACKETS.fullmatch(header):
        yield match[1], match[2]
    name, _, word = header.rpartition(" ")
    if name and word in UNITS:
        yield name.strip(), word


class PointNames:
    """Finds points by mapping file, id, dis, or path of names.

    Paths are ``site/equip/point`` and ``equip/point``, also with blanks, as the display
    names of several systems have them; each name is a dis or a navName.
    """

    def __init__(
        self,
        points: SamplePoints,
        mapping: Mapping[str, Mapped],
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.points, self.mapping = points, mapping
        self.aliases = aliases or {}
        self._kinds: dict[str, str | None] = {}

    def find(self, header: str, unit: str | None = None) -> NamedPoint | None:
        """None if the mapping leaves the column out; ``unit`` is that of a units row.

        Raises UnknownName, or ValueError.
        """
        mapped = self.mapping.get(header)
        if mapped is not None:
            if not mapped.id:
                return None
            return self._point(mapped.id, mapped.unit, unit, mapped.factor)
        header = self.aliases.get(header, header)
        if header.startswith("@"):
            column = self.points.named(header)
            return self._point(column.point.id, column.unit, unit)
        if ids := self._ids(header):
            return self._point(self._only(header, ids), _bracketed(header), unit)
        for name, text in split_header(header):
            if ids := self._ids(name):
                return self._point(self._only(name, ids), text, unit)
        raise UnknownName(
            f"no point with the id, dis or path {quoted(header)}: map it with"
            " --mapping, or leave it out with --ignore"
        )

    def kind(self, header: str) -> str | None:
        """The kind of the point, None for a name that is not found."""
        if header not in self._kinds:
            try:
                found = self.find(header)
            except ValueError:
                found = None
            self._kinds[header] = found.column.point.kind if found else None
        return self._kinds[header]

    def point(self, id: str, unit: str | None = None) -> NamedPoint:
        """The point of the option ``--point``. Raises ValueError."""
        return self._point(id.removeprefix("@"), None, unit)

    def _point(
        self, id: str, unit: str | None, other: str | None, factor: float = 1.0
    ) -> NamedPoint:
        units = {unit_of(_bare(one)) for one in (unit, other) if one and _bare(one)}
        if len(units) > 1:
            found = " and ".join(sorted(units))
            raise ValueError(f"@{id}: two units for one column, {found}")
        try:
            column = self.points.column(Ref(id).id, units.pop() if units else None)
            enum = enum_names(self.points.record(id).get("enum"))
        except StorageError as err:
            raise ValueError(str(err)) from None
        return NamedPoint(column, factor, enum)

    def _only(self, name: str, ids: set[str]) -> str:
        if len(ids) == 1:
            return next(iter(ids))
        shown = ", ".join(f"@{id}" for id in sorted(ids)[:_LISTED])
        raise ValueError(
            f"{quoted(name)} names {len(ids)} points, {shown}: use ids, or --mapping"
        )

    def _ids(self, name: str) -> set[str]:
        found = set(self._index.get(name.strip("/"), ()))
        return found | {name} if name in self._known else found

    @cached_property
    def _records(self) -> dict[str, Mapping[str, Any]]:
        found = self.points.adapter.read("point or equip or site or space")
        return {
            record["id"].id: record
            for record in found
            if isinstance(record.get("id"), Ref) and not is_trash(record)
        }

    @cached_property
    def _known(self) -> set[str]:
        """Ids of all points, so that one without history is an error of its own."""
        return {id for id, record in self._records.items() if "point" in record}

    @cached_property
    def _index(self) -> dict[str, set[str]]:
        """Points with history by their dis and by paths."""
        found: dict[str, set[str]] = defaultdict(set)
        for id in self._known:
            record = self._records[id]
            if "his" not in record:
                continue
            own = _names(record)
            for name in own:
                found[name].add(id)
            equips = self._names_of(record, "equipRef")
            sites = self._names_of(record, "siteRef")
            for sign in "/ ":
                for equip, name in product(equips, own):
                    found[f"{equip}{sign}{name}"].add(id)
                for path in product(sites, equips, own):
                    found[sign.join(path)].add(id)
        return found

    def _names_of(self, record: Mapping[str, Any], tag: str) -> set[str]:
        ref = record.get(tag)
        target = self._records.get(ref.id) if isinstance(ref, Ref) else None
        return _names(target) if target is not None else set()


def _names(record: Mapping[str, Any]) -> set[str]:
    values = (record.get(tag) for tag in ("dis", "navName"))
    return {value.strip("/") for value in values if isinstance(value, str) and value}


def _bracketed(header: str) -> str | None:
    """The unit in brackets that are part of a point's name."""
    match = _BRACKETS.fullmatch(header)
    return match[2] if match and match[2] in UNITS else None


def _bare(unit: str) -> str:
    """A unit without the brackets around it."""
    return unit.strip().strip("()[]").strip()

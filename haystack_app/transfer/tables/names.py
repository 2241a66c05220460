"""Headers and names of series, mapped to the points of a store."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from ...filters import is_trash
from ...kinds.display import quoted
from ...kinds.scalars import Ref
from ...kinds.units import UNITS
from ...storage.enumeration import enum_names
from ...storage.errors import StorageError, UnknownEntity
from ..his_points import SampleColumn, SamplePoints
from ..his_units import COMMON, unit_of
from .options import Mapped, NewPoint

__all__ = ["NamedPoint", "PointNames", "UnknownName", "split_header"]

_BRACKETS = re.compile(r"(.*\S)\s*[(\[]([^()\[\]]*)[)\]]", re.DOTALL)
_LISTED = 5
Texts = Iterable[str]
_WORD = re.compile(r"[A-Za-z]|in|min|day|week|month|year|hr|sec|ft|percent|[a-z]{5,}")
"""Units that are words, too, or the names of equips: Chiller A, SAT min."""
_LAST_WORD = re.compile(r"(.+)_([kM]?Wh|[kM]W|deg[CF])")
_ESCAPE = re.compile(r"\$([0-9a-fA-F]{2})")
"""A character in the paths of Niagara."""
_SEPARATORS = (re.compile(r"[/\\]"), re.compile(r"[/\\.:|>']+"))
_OF_VALUES = re.compile(r"trend ?\d*|present[_ ]?value|pv|value", re.IGNORECASE)
"""What the path of a point goes on with where it is that of its value or log."""


class UnknownName(ValueError):
    """A header that no point has."""


class NamedPoint(NamedTuple):
    column: SampleColumn
    factor: float
    enum: list[str]


def split_header(header: str) -> Iterator[tuple[str, str | None]]:
    """The names that a header may have, each with the text of its unit.

    ``Temp (°C)``, ``Temp °C``, ``Temp, °C``, ``use_kWh``, and the first one with a
    remark in brackets after it, as in ``Temp [°C](Hourly)``.
    """
    if match := _BRACKETS.fullmatch(header):
        yield match[1], match[2]
        if not _is_unit(match[2]):
            yield from split_header(match[1])
            return
    name, _, word = header.rpartition(" ")
    if name and _is_unit_word(word):
        yield name.strip(" ,"), word
    if match := _LAST_WORD.fullmatch(header):
        yield match[1], match[2]


def _is_unit_word(word: str) -> bool:
    unit = UNITS.get(word)
    if unit is None or unit.quantity == "currency":
        return word.casefold() in COMMON
    return not _WORD.fullmatch(word)


def _is_unit(text: str) -> bool:
    try:
        unit_of(text)
    except ValueError:
        return False
    return True


class PointNames:
    """Finds points by mapping file, id, dis, or path of names.

    Paths are ``site/equip/point`` and ``equip/point``, also with blanks, as the display
    names of several systems have them; each name is a dis or a navName. Longer paths,
    such as ``/Drivers/Network/AHU-1/points/Fan``, end in the name of the point, and
    have that of its equip or site before it.
    """

    def __init__(
        self,
        points: SamplePoints,
        mapping: Mapping[str, Mapped],
        aliases: Mapping[str, str] | None = None,
        new: NewPoint | None = None,
        tags: Collection[str] = ("his",),
    ) -> None:
        """Of points with one of the ``tags``."""
        self.points, self.mapping, self.new = points, mapping, new
        self.tags = tags
        self._made: dict[str, NamedPoint] = {}
        self.aliases = aliases or {}
        self._kinds: dict[str, str | None] = {}

    def find(self, header: str, unit: str | None = None) -> NamedPoint | None:
        """None if the mapping leaves the column out; ``unit`` is that of a units row.

        Raises UnknownName, or ValueError.
        """
        if (made := self._made.get(header)) is not None:
            return made
        mapped = self.mapping.get(header)
        if mapped is not None:
            if not mapped.id:
                return None
            text = mapped.unit or self._other_unit(header, mapped)
            return self._point(mapped.id, text, unit, mapped.factor)
        header = self.aliases.get(header, header)
        if header.startswith("@"):
            try:
                column = self.points.named(header)
            except UnknownEntity as err:
                raise UnknownName(str(err)) from None
            return self._point(column.point.id, column.unit, unit)
        if ids := self.ids(header):
            return self._point(self._only(header, ids), _bracketed(header), unit)
        for name, text in split_header(header):
            if ids := self.ids(name):
                return self._point(self._only(name, ids), text, unit)
        for name, text in ((header, None), *split_header(header)):
            if ids := self._below(name):
                return self._point(self._only(name, ids), text, unit)
        raise UnknownName(
            f"no point with the id, dis or path {quoted(header)}: map it with"
            " --mapping, or leave it out with --ignore"
        )

    def found_or_new(
        self, header: str, unit: str | None, cells: Iterable[str]
    ) -> NamedPoint | None:
        """A point of that name, which is planned if it does not exist and may be.

        Raises UnknownName, or ValueError.
        """
        try:
            return self.find(header, unit)
        except (UnknownName, StorageError):
            if self.new is None or header in self.mapping:
                raise
        name = self.aliases.get(header, header)
        id = self.new(name, unit, [cell for cell in cells if cell])
        made = self._made[header] = self._point(id, None, None)
        self._kinds.pop(header, None)
        return made

    def kind(self, header: str) -> str | None:
        """The kind of the point, None for a name that is not found."""
        if header not in self._kinds:
            try:
                found = self.find(header)
            except ValueError:
                found = None
            self._kinds[header] = found.column.point.kind if found else None
        return self._kinds[header]

    def has(self, header: str) -> bool:
        """Whether the header names a point, or several."""
        try:
            return self.find(header) is not None
        except UnknownName:
            return False
        except ValueError:
            return True

    def is_place(self, name: str) -> bool:
        """Whether an equip, a site or a space has the name."""
        return name in self._places

    @cached_property
    def _places(self) -> set[str]:
        places = {id: it for id, it in self._records.items() if "point" not in it}
        return set(places).union(*map(_names, places.values()))

    def point(
        self, id: str, unit: str | None = None, header: str = "", cells: Texts = ()
    ) -> NamedPoint:
        """The point of the option ``--point``. Raises ValueError."""
        own = Ref(id.removeprefix("@")).id
        if self.new is not None and not self.points.has(own):
            self.new(header or own, unit, cells, own)
        return self._point(own, None, unit)

    def _point(
        self, id: str, unit: str | None, other: str | None, factor: float = 1.0
    ) -> NamedPoint:
        try:
            own = self.points[Ref(id).id].unit
        except (StorageError, ValueError):
            own = None
        texts = [_degrees(_bare(one), own) for one in (unit, other) if one]
        units = {unit_of(one) for one in texts if one}
        if len(units) > 1:
            found = " and ".join(sorted(units))
            raise ValueError(f"@{id}: two units for one column, {found}")
        try:
            column = self.points.column(Ref(id).id, units.pop() if units else None)
            enum = enum_names(self.points.record(id).get("enum"))
        except StorageError as err:
            raise ValueError(str(err)) from None
        return NamedPoint(column, factor, enum)

    def _other_unit(self, header: str, mapped: Mapped) -> str | None:
        """The unit in a header, of the quantity of the point that a mapping names.

        Not if the mapping has a factor: then the values are not those of the header.
        """
        try:
            own = UNITS.get(self.points[Ref(mapped.id).id].unit or "")
        except (StorageError, ValueError):
            return None
        if own is None or mapped.factor != 1:
            return None
        for _, text in split_header(header):
            if text and _is_unit(text):
                found = UNITS[unit_of(_degrees(_bare(text), own.symbol))]
                return text if found.quantity == own.quantity else None
        return None

    def _only(self, name: str, ids: set[str]) -> str:
        if len(ids) == 1:
            return next(iter(ids))
        shown = ", ".join(f"@{id}" for id in sorted(ids)[:_LISTED])
        raise ValueError(
            f"{quoted(name)} names {len(ids)} points, {shown}: use ids, or --mapping"
        )

    def ids(self, name: str) -> set[str]:
        """The points with this id, dis or path."""
        found = set(self._index.get(name.strip("/"), ()))
        return found | {name} if name in self._known else found

    def _below(self, path: str) -> set[str]:
        """The points of a long path with the most names of equip and site in it."""
        path = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), path)
        for separator in _SEPARATORS:
            *above, last = [part.strip() for part in separator.split(path.strip("/"))]
            if len(above) > 1 and _OF_VALUES.fullmatch(last) and not self.ids(last):
                last = above.pop()
            held = {id: self._names_above(id) & set(above) for id in self.ids(last)}
            most = max(map(len, held.values()), default=0)
            if most:
                return {id for id, names in held.items() if len(names) == most}
        return set()

    def _names_above(self, id: str) -> set[str]:
        record = self._records[id]
        found = set[str]()
        for tag in ("equipRef", "siteRef", "spaceRef"):
            ref = record.get(tag)
            if isinstance(ref, Ref):
                found |= {ref.id} | self._names_of(record, tag)
        return found

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
        """Points by their dis and by paths."""
        found: dict[str, set[str]] = defaultdict(set)
        for id in self._known:
            record = self._records[id]
            if not any(tag in record for tag in self.tags):
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


def _degrees(unit: str, own: str | None) -> str:
    """``C`` and ``F`` of temperatures, which are coulombs and farads otherwise."""
    return f"°{unit}" if unit in ("C", "F") and own in ("°C", "°F", "K") else unit


def _bare(unit: str) -> str:
    """A unit without the brackets around it."""
    return unit.strip().strip("()[]").strip()

"""Points that files name and the store does not have yet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kinds.display import quoted
from ..kinds.scalars import MARKER, Ref
from ..storage.base import StorageAdapter
from ..storage.errors import UnknownEntity
from .his_units import unit_of
from .tables.kind_guess import guessed_kind
from .tables.names import split_header
from .tables.options import Mapped

__all__ = ["NewPoints", "tags_of_places"]

_NUMBER = "Number"
_NOT_OF_IDS = re.compile(r"[^a-zA-Z0-9_:\-.~]+")
_DASHES = re.compile(r"[:.]*-[-:.]*")


@dataclass(slots=True)
class NewPoints:
    """Tags of missing points, ``planned`` by id, which are made if they have samples.

    ``tags`` are those of all of them: ``tz``, and what ``--site``, ``--equip`` and
    ``--stamps`` say. ``below`` is the id that the ids made of headers begin with.
    """

    adapter: StorageAdapter
    tags: Mapping[str, Any]
    below: str = ""
    planned: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_mapped(self, mapping: Mapping[str, Mapped]) -> None:
        """Points that a mapping names.

        ``dis`` is the header; the unit is that of the mapping, otherwise the one in the
        header. Raises ValueError for an id with two kinds or units.
        """
        named = {header: mapped for header, mapped in mapping.items() if mapped.id}
        ids = sorted({mapped.id for mapped in named.values()})
        found = self.adapter.read_by_ids(ids)
        missing = {id for id, one in zip(ids, found, strict=True) if one is None}
        for header, mapped in named.items():
            if mapped.id in missing:
                dis, unit = _split(header)
                own = mapped.unit or (unit if mapped.factor == 1 else None)
                self._add(mapped.id, dis, mapped.kind or _NUMBER, own)

    def add(
        self, header: str, unit: str | None, cells: Iterable[str], id: str = ""
    ) -> str:
        """A point that nothing else than a header, or a name in rows, tells of.

        Its kind is that of the cells. Returns its id. Raises ValueError.
        """
        dis, own = _split(header)
        kind, of_cells = guessed_kind(cells, has_unit=bool(unit or own))
        units = {unit_of(one) for one in (unit, own, of_cells) if one}
        if len(units) > 1:
            raise ValueError(f"two units, {' and '.join(sorted(units))}")
        found = id or _id(header if header.startswith("@") else dis, self.below)
        try:
            self.adapter.existing(found)
        except UnknownEntity:
            other = self.planned.get(found, {}).get("dis", dis)
            if other != dis:
                raise ValueError(
                    f"{quoted(other)} and {quoted(dis)} would both be @{found}: map"
                    " them with --mapping"
                ) from None
            self._add(found, dis, kind, *(units if kind == _NUMBER else ()))
            return found
        raise ValueError(
            f"@{found} already exists and is not the point {quoted(dis)}: map it with"
            " --mapping"
        )

    def _add(self, id: str, dis: str, kind: str, unit: str | None = None) -> None:
        if unit and kind != _NUMBER:
            raise ValueError(f"@{id}: a {kind} point has no unit, not {unit}")
        of_unit = {"unit": unit_of(unit)} if unit else {}
        markers = dict.fromkeys(("point", "his"), MARKER)
        tags = {"id": Ref(id), "dis": dis, "kind": kind, **of_unit, **markers}
        tags |= {tag: value for tag, value in self.tags.items() if _fits(tag, kind)}
        other = self.planned.setdefault(id, tags)
        if any(other.get(name) != tags.get(name) for name in ("kind", "unit")):
            first, second = quoted(other["dis"]), quoted(dis)
            reason = f"{first} and {second} give it two kinds or units"
            raise ValueError(f"@{id}: {reason}")


def _fits(tag: str, kind: str) -> bool:
    return tag != "hisMode" or kind == _NUMBER


def _split(header: str) -> tuple[str, str | None]:
    """The name in a header, and its unit."""
    for name, text in _names(header):
        try:
            return name, unit_of(text)
        except ValueError:
            continue
    return header, None


def _names(header: str) -> Iterator[tuple[str, str]]:
    for name, text in split_header(header):
        yield name, f"°{text}" if text in ("C", "F") else text or ""


def _id(name: str, below: str) -> str:
    """``AHU 1 / Supply temp`` is ``ahu-1-supply-temp``. Raises ValueError."""
    if name.startswith("@"):
        return Ref(name[1:].split(" ")[0]).id
    plain = "".join(
        sign
        for sign in unicodedata.normalize("NFKD", name.lower())
        if not unicodedata.combining(sign)
    )
    found = _DASHES.sub("-", _NOT_OF_IDS.sub("-", plain)).strip("-.:")
    if not re.search(r"[a-z0-9]", found):
        raise ValueError(f"no id can be made of {quoted(name)}: map it with --mapping")
    return f"{below}.{found}" if below else found


def tags_of_places(
    adapter: StorageAdapter, site: str | None, equip: str | None
) -> dict[str, Any]:
    """``siteRef``, ``equipRef`` and ``tz`` of new points. Raises ValueError."""
    tags: dict[str, Any] = {}
    for marker, id in (("equip", equip), ("site", site)):
        if id is None:
            continue
        try:
            record = adapter.existing(id.removeprefix("@"))
        except UnknownEntity as err:
            raise ValueError(f"--{marker}: {err}") from None
        if marker not in record:
            raise ValueError(f"--{marker}: @{record['id'].id} is not a {marker}")
        tags[f"{marker}Ref"] = Ref(record["id"].id)
        above = {tag: record[tag] for tag in ("siteRef", "tz") if tag in record}
        tags = {**above, **tags}
    if "tz" not in tags and isinstance(ref := tags.get("siteRef"), Ref):
        (place,) = adapter.read_by_ids([ref.id])
        if place is not None and "tz" in place:
            tags["tz"] = place["tz"]
    return tags

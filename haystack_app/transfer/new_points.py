"""Points that a mapping names and the store does not have yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kinds.display import quoted
from ..kinds.scalars import MARKER, Ref
from ..storage.base import StorageAdapter
from .his_units import unit_of
from .tables.names import split_header
from .tables.options import Mapped

__all__ = ["new_points"]

_NUMBER = "Number"


def new_points(
    adapter: StorageAdapter, mapping: Mapping[str, Mapped], tz: str
) -> dict[str, dict[str, Any]]:
    """The tags of each missing point, by its id.

    ``dis`` is the header; the unit is that of the mapping, otherwise the one in the
    header. Raises ValueError for an id with two kinds or units.
    """
    named = {header: mapped for header, mapped in mapping.items() if mapped.id}
    ids = sorted({mapped.id for mapped in named.values()})
    found = adapter.read_by_ids(ids)
    missing = {id for id, one in zip(ids, found, strict=True) if one is None}
    points: dict[str, dict[str, Any]] = {}
    for header, mapped in named.items():
        if mapped.id not in missing:
            continue
        tags = _tags(header, mapped, tz)
        other = points.setdefault(mapped.id, tags)
        if any(other.get(name) != tags.get(name) for name in ("kind", "unit")):
            first, second = quoted(other["dis"]), quoted(tags["dis"])
            reason = f"{first} and {second} give it two kinds or units"
            raise ValueError(f"@{mapped.id}: {reason}")
    return points


def _tags(header: str, mapped: Mapped, tz: str) -> dict[str, Any]:
    """Raises ValueError."""
    dis, unit = header, mapped.unit
    for name, text in split_header(header):
        try:
            own = unit_of(text or "")
        except ValueError:
            continue
        dis, unit = name, unit or (own if mapped.factor == 1 else None)
        break
    kind = mapped.kind or _NUMBER
    if unit and kind != _NUMBER:
        raise ValueError(f"@{mapped.id}: a {kind} point has no unit, not {unit}")
    tags = {"id": Ref(mapped.id), "dis": dis, "kind": kind, "tz": tz}
    return {
        **tags,
        **({"unit": unit_of(unit)} if unit else {}),
        **dict.fromkeys(("point", "his"), MARKER),
    }

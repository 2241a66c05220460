"""What an entity is, in a word or two, from its markers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kinds.scalars import Ref
from ..storage.names import record_name

__all__ = ["display_name", "label_of"]

_MAIN = ("site", "weatherStation", "point", "equip", "space", "device", "network")
_SORTS: dict[str, tuple[str, ...]] = {
    "point": ("sensor", "cmd", "sp"),
    "equip": (
        "ahu",
        "vav",
        "chiller",
        "boiler",
        "coolingTower",
        "pump",
        "plant",
        "meter",
        "fan",
        "heatExchanger",
        "lighting",
    ),
    "space": ("floor", "room", "zone"),
    "device": ("controller", "gateway"),
}


def label_of(tags: Mapping[str, Any]) -> str:
    """Such as ``equip · ahu``; empty for what has none of the main markers."""
    main = next((tag for tag in _MAIN if tag in tags), None)
    if main is None:
        return ""
    sort = next((tag for tag in _SORTS.get(main, ()) if tag in tags), None)
    return f"{main} · {sort}" if sort else main


def display_name(tags: Mapping[str, Any]) -> str:
    """What people call it: its name, else the tag ``name``, else its id."""
    if found := record_name(tags):
        return found
    if isinstance(text := tags.get("name"), str) and text:
        return text
    ref = tags.get("id")
    return ref.id if isinstance(ref, Ref) else ""

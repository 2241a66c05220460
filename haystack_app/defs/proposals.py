"""Which tags a new record of a def is likely to have: what forms propose.

Sources: docHaystack Reflection (``mandatory``), Associations (``tagOn``), Defs
(choices).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .namespace import Namespace
from .records import symbols_in
from .values import KINDS, kind_of_def

__all__ = ["ProposedTag", "proposed_tags"]

_OWN = frozenset({"id", "mod", "trash"})
_FIRST = ("dis", "siteRef", "equipRef", "kind", "unit")
_REQUIRED = {
    "siteRef": ("point", "equip", "space"),
    "kind": ("point",),
}
"""Tags that validation asks for, by the defs that need them."""
_NAMES = {symbol: name for name, symbol in KINDS.items()}
_CHOICE, _MARKER = "choice", "Marker"


@dataclass(frozen=True, slots=True)
class ProposedTag:
    """``kind`` is a kind, or Choice: one of ``options``, which are markers.

    The name of a choice is not a tag. ``of`` is the def of what a Ref refers to,
    ``units`` are the preferred ones. ``is_set``: a marker that the def requires.
    """

    name: str
    kind: str
    doc: str = ""
    of: str = ""
    units: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    is_required: bool = False
    is_set: bool = field(default=False, kw_only=True)


def proposed_tags(namespace: Namespace, symbol: str) -> list[ProposedTag]:
    """The tags of records that implement a def; those that they need come first."""
    types = (symbol, *namespace.supertypes(symbol))
    markers = list(dict.fromkeys(_markers(namespace, types)))
    found = [
        ProposedTag(name, _MARKER, _doc(namespace, name), is_required=True, is_set=True)
        for name in markers
    ]
    others = [_proposed(namespace, name, types) for name in _on(namespace, types)]
    others = [one for one in others if one.name not in markers]
    return found + sorted(others, key=_rank)


def _markers(namespace: Namespace, types: tuple[str, ...]) -> Iterator[str]:
    """Those of the def itself, and of its mandatory supertypes."""
    yield from namespace.parts(types[0])
    for name in types[1:]:
        if "mandatory" in (namespace.get(name) or {}):
            yield from namespace.parts(name)


def _on(namespace: Namespace, types: tuple[str, ...]) -> Iterator[str]:
    wanted = set(types)
    for tags in namespace:
        name = tags["def"].name
        if name in _OWN or "transient" in tags or namespace.is_conjunct(name):
            continue
        if wanted & set(symbols_in(tags.get("tagOn"))):
            yield name


def _proposed(namespace: Namespace, name: str, types: tuple[str, ...]) -> ProposedTag:
    is_choice = _CHOICE in namespace.supertypes(name)
    kind = _NAMES.get(kind_of_def(name, namespace) or "", "Str")
    units = namespace.inherited(name, "prefUnit")
    return ProposedTag(
        name,
        _CHOICE.capitalize() if is_choice else kind,
        _doc(namespace, name),
        next(symbols_in(namespace.inherited(name, "of")), ""),
        tuple(one for one in units or () if isinstance(one, str)),
        namespace.subtypes(name)[1:] if is_choice else (),
        is_required=bool(set(_REQUIRED.get(name, ())) & set(types)),
    )


def _doc(namespace: Namespace, name: str) -> str:
    doc: Any = (namespace.get(name) or {}).get("doc")
    return doc if isinstance(doc, str) else ""


def _rank(one: ProposedTag) -> tuple[bool, int, str]:
    place = _FIRST.index(one.name) if one.name in _FIRST else len(_FIRST)
    return not one.is_required, place, one.name

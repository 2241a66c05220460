"""Headers of tables of entities: the tag of a column, its kind, and its unit.

Headers are names of tags (``siteRef``) or those with blanks and capitals (``Site
Ref``); in brackets are a kind, a unit, or both: ``area (Number, ft²)``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...defs.namespace import Namespace
from ...defs.values import KINDS, kind_of_def
from ...kinds.display import quoted
from ...kinds.scalars import is_tag_name
from ...kinds.units import UNITS, preferred_symbol
from ..his_units import unit_of

__all__ = [
    "EACH_CELL",
    "TAG_COLUMNS",
    "ZINC",
    "TagColumn",
    "has_any_kind",
    "kind_by_def",
    "shown_kind",
    "tag_column",
]

TAG_COLUMNS = frozenset(("tags", "markers"))
"""Columns whose cells are words: markers, or ``tag:value``."""
_BRACKETS = re.compile(r"(.*\S)\s*[(\[]([^()\[\]]+)[)\]]", re.DOTALL)
_GENERAL = ("val", "scalar")
_KINDS = {name.lower(): kind for name, kind in (*KINDS.items(), ("Zinc", "zinc"))}
ZINC = "Zinc"
"""In brackets after a header whose cells are in Zinc, of any kind."""
EACH_CELL = "val"
"""The kind of a column such as ``curVal``, whose cells are of different kinds."""
_SHOWN = {
    EACH_CELL: "each cell",
    "zinc": ZINC,
    **{kind: name for name, kind in KINDS.items()},
}


class TagColumn(NamedTuple):
    """``kind`` is None if the cells decide; ``source`` is what says the kind."""

    place: int
    header: str
    name: str
    kind: str | None
    unit: str | None
    source: str

    @property
    def has_words(self) -> bool:
        return self.kind is None and self.name in TAG_COLUMNS


def has_any_kind(name: str, namespace: Namespace) -> bool:
    """Whether the def of a tag allows values of several kinds."""
    return name in namespace and kind_of_def(name, namespace) in _GENERAL


def kind_by_def(name: str, namespace: Namespace) -> str | None:
    """The kind that the def of a tag asks for; tags that end in Ref are Refs."""
    kind = kind_of_def(name, namespace) if name in namespace else None
    if kind in _GENERAL:
        return None
    return kind or ("ref" if name.endswith("Ref") else None)


def shown_kind(kind: str) -> str:
    """The name of a kind as the tag ``kind`` has it."""
    return _SHOWN[kind]


def tag_column(place: int, header: str, namespace: Namespace) -> TagColumn:
    """Raises ValueError."""
    text, kind, unit = header.strip(), None, None
    if match := _BRACKETS.fullmatch(text):
        text = match[1]
        for part in match[2].split(","):
            word = part.strip()
            if word.lower() in _KINDS:
                kind = _KINDS[word.lower()]
            else:
                unit = _unit(word)
    elif " " in text:
        before, _, word = text.rpartition(" ")
        if _is_unit(word) or (word in UNITS and _is_number(before, namespace)):
            text, unit = before.strip(), unit_of(word)
    name = _tag_name(text, namespace)
    by_def = kind_by_def(name, namespace)
    source = "header" if kind else "unit" if unit else "def" if by_def else "cells"
    kind = kind or ("number" if unit else by_def)
    if unit and kind != "number":
        raise ValueError(f"a {shown_kind(str(kind))} has no unit")
    if by_def and kind not in (by_def, "zinc"):
        wanted, found = shown_kind(by_def), shown_kind(str(kind))
        raise ValueError(f"the def of {name} asks for a {wanted}, not a {found}")
    return TagColumn(place, header.strip(), name, kind, unit, source)


def _unit(word: str) -> str:
    try:
        return unit_of(word)
    except ValueError:
        reason = f"{quoted(word)} is neither a kind such as Number nor a known unit"
        raise ValueError(reason) from None


def _is_unit(word: str) -> bool:
    """A symbol such as kW or ft², and not a word such as meter, min or A."""
    if word not in UNITS or preferred_symbol(word) != word:
        return False
    is_word = word.isascii() and word.isalpha()
    return not is_word or (len(word) > 1 and word != word.lower())


def _is_number(header: str, namespace: Namespace) -> bool:
    try:
        return kind_by_def(_tag_name(header, namespace), namespace) == "number"
    except ValueError:
        return False


def _tag_name(text: str, namespace: Namespace) -> str:
    """``Site Ref``, ``SITE_REF`` and ``site-ref`` are ``siteRef``."""
    words = [word for word in re.split(r"[\s_\-./]+", text) if word]
    if text.isupper():
        words = [word.lower() for word in words]
    first = words[0] if words else ""
    start = first.lower() if first.isupper() else first[:1].lower() + first[1:]
    camel = start + "".join(word[0].upper() + word[1:] for word in words[1:])
    if is_tag_name(text) and (text in namespace or camel not in namespace):
        return text
    if not is_tag_name(camel):
        raise ValueError(f"{quoted(text)} is not the name of a tag")
    return camel

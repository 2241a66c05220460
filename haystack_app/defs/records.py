"""Def records: their form, and access to their tags.

Source: docHaystack Defs. A record with ``def`` is a definition; a record with ``defx``
adds tags to the definition that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..kinds.scalars import Symbol
from ..wire.zinc_writer import display_text

__all__ = ["Def", "InvalidDef", "check", "feature_of", "symbol_of", "symbols_in"]

Def = Mapping[str, Any]
"""The tags of a def or of a defx."""


class InvalidDef(ValueError):
    """A record that is not a valid def or defx."""


def check(record: Def) -> None:
    """Raises InvalidDef if the record is not a valid def or defx."""
    keys = [name for name in ("def", "defx") if record.get(name) is not None]
    if len(keys) != 1:
        found = "both" if keys else "neither"
        raise InvalidDef(f"a def must have the tag def or defx; this one has {found}")
    key = record[keys[0]]
    if not isinstance(key, Symbol):
        raise InvalidDef(f"{keys[0]} must be a Symbol, not {display_text(key)}")
    supertypes = record.get("is")
    for value in supertypes if isinstance(supertypes, list) else [supertypes]:
        if value is not None and not isinstance(value, Symbol):
            raise InvalidDef(
                f"{key}: is must contain only Symbols, not {display_text(value)}"
            )
    lib = record.get("lib")
    if lib is not None and (
        not isinstance(lib, Symbol) or feature_of(lib.name) != "lib"
    ):
        raise InvalidDef(
            f"{key}: lib must be a Symbol such as ^lib:ph, not {display_text(lib)}"
        )


def symbol_of(record: Def) -> str:
    """The name of the symbol that a checked record defines or extends."""
    key: Symbol = record["def"] if record.get("def") is not None else record["defx"]
    return key.name


def symbols_in(value: Any) -> Iterator[str]:
    """The names of a Symbol or of a list of Symbols."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Symbol):
            yield item.name


def feature_of(symbol: str) -> str:
    """``op`` of ``op:read``; empty for terms and conjuncts."""
    feature, colon, _ = symbol.partition(":")
    return feature if colon else ""

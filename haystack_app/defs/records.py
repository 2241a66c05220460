"""Def records: what they must be, and what their tags say.

Source: docHaystack Defs. A record with ``def`` makes a definition, one with
``defx`` adds tags to the definition that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..kinds.scalars import Symbol

__all__ = ["Def", "InvalidDef", "check", "feature_of", "symbol_of", "symbols_in"]

Def = Mapping[str, Any]
"""The tags of a def or of a defx."""


class InvalidDef(ValueError):
    """A record that is no def, or two that cannot be in one library."""


def check(record: Def) -> None:
    """Raises InvalidDef naming what is wrong with a def or a defx."""
    keys = [name for name in ("def", "defx") if record.get(name) is not None]
    if len(keys) != 1:
        raise InvalidDef(
            "both def and defx" if keys else "a def needs the tag def or defx"
        )
    key = record[keys[0]]
    if not isinstance(key, Symbol):
        raise InvalidDef(f"{keys[0]} must be a Symbol, not {key!r}")
    supertypes = record.get("is")
    for value in supertypes if isinstance(supertypes, list) else [supertypes]:
        if value is not None and not isinstance(value, Symbol):
            raise InvalidDef(f"{key}: is must hold Symbols, not {value!r}")
    lib = record.get("lib")
    if lib is not None and (
        not isinstance(lib, Symbol) or feature_of(lib.name) != "lib"
    ):
        raise InvalidDef(f"{key}: lib must be a Symbol such as ^lib:ph, not {lib!r}")


def symbol_of(record: Def) -> str:
    """The name that a checked record defines or extends."""
    key: Symbol = record["def"] if record.get("def") is not None else record["defx"]
    return key.name


def symbols_in(value: Any) -> Iterator[str]:
    """The names in a tag that holds a Symbol, or a list of them."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Symbol):
            yield item.name


def feature_of(symbol: str) -> str:
    """``op`` of ``op:read``; nothing for terms and conjuncts."""
    feature, colon, _ = symbol.partition(":")
    return feature if colon else ""

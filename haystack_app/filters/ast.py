"""Filters as trees. Every evaluator reads these; ``matcher`` says what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "And",
    "Compare",
    "Filter",
    "Has",
    "HasAny",
    "IsSpec",
    "IsSymbol",
    "Missing",
    "Or",
    "Path",
    "reaches_out",
]

Path = tuple[str, ...]
"""Tag names joined by ``->`` in a filter's text; one at least."""


@dataclass(frozen=True, slots=True)
class Has:
    """``path``: its value is there."""

    path: Path


@dataclass(frozen=True, slots=True)
class HasAny:
    """One of some tags is there; what many subtypes of a def come down to."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """``not path``: its value is not there."""

    path: Path


@dataclass(frozen=True, slots=True)
class Compare:
    """``path op value``; op is one of ``== != < <= > >=``."""

    path: Path
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class IsSymbol:
    """``^symbol``: the record implements the def.

    What that means depends on a namespace: ``symbols.resolved`` puts it in terms
    of tags, and only the matcher evaluates it as it stands.
    """

    symbol: str

    @property
    def parts(self) -> tuple[str, ...]:
        """Tags that a record needs when no def says more; none for ``lib:x``."""
        return () if ":" in self.symbol else tuple(self.symbol.split("-"))


@dataclass(frozen=True, slots=True)
class IsSpec:
    """``Spec`` or ``lib::Spec``: nominal typing, which needs a namespace."""

    name: str


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Filter, ...]


Filter = Has | HasAny | Missing | Compare | IsSymbol | IsSpec | And | Or


def reaches_out(tree: Filter) -> bool:
    """Whether a change of another record may change what a filter says of one."""
    if isinstance(tree, And | Or):
        return any(map(reaches_out, tree.terms))
    return isinstance(tree, Has | Missing | Compare) and len(tree.path) > 1

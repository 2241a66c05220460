"""Syntax tree of filters, used by every evaluator. ``matcher`` defines its meaning."""

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
    "traverses_refs",
]

Path = tuple[str, ...]
"""Tag names, joined by ``->`` in a filter's text; at least one."""


@dataclass(frozen=True, slots=True)
class Has:
    """``path``: the record has a value at the path."""

    path: Path


@dataclass(frozen=True, slots=True)
class HasAny:
    """The record has at least one of the tags. Stands for the subtypes of a def."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """``not path``: the record does not have a value at the path."""

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

    The meaning depends on a namespace: ``symbols.resolve_symbols`` replaces the node
    with nodes on tags. Only the matcher evaluates it directly.
    """

    symbol: str

    @property
    def parts(self) -> tuple[str, ...]:
        """Tags that a record must have if there is no def; empty for ``lib:x``."""
        return () if ":" in self.symbol else tuple(self.symbol.split("-"))


@dataclass(frozen=True, slots=True)
class IsSpec:
    """``Spec`` or ``lib::Spec``: nominal typing, which requires a namespace."""

    name: str


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Filter, ...]


Filter = Has | HasAny | Missing | Compare | IsSymbol | IsSpec | And | Or


def traverses_refs(tree: Filter) -> bool:
    """Whether the result for one record may change when another record changes."""
    if isinstance(tree, And | Or):
        return any(map(traverses_refs, tree.terms))
    return isinstance(tree, Has | Missing | Compare) and len(tree.path) > 1

"""Filters as trees. Every evaluator reads these; ``matcher`` says what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "And",
    "Compare",
    "Filter",
    "Has",
    "IsSpec",
    "IsSymbol",
    "Missing",
    "Or",
    "Path",
]

Path = tuple[str, ...]
"""Tag names joined by ``->`` in a filter's text; one at least."""


@dataclass(frozen=True, slots=True)
class Has:
    """``path``: its value is there."""

    path: Path


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
    """``^symbol``: the record implements the def."""

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


Filter = Has | Missing | Compare | IsSymbol | IsSpec | And | Or

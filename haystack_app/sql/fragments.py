"""Pieces of SQL with their parameters.

``text`` must be fixed; names, values and ids are always parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..filters.ast import Compare, Has, Missing

__all__ = ["Row", "Sql", "Test", "all_of", "any_of", "joined", "sql"]


class Sql(NamedTuple):
    """SQL text, and the parameters of its placeholders in order."""

    text: str
    params: tuple[Any, ...] = ()


class Row(NamedTuple):
    """The columns of one entity in a statement."""

    id: str
    tags: str
    cur: str
    tag_set: str

    @classmethod
    def of(cls, alias: str) -> Row:
        return cls(
            f"{alias}.id", f"{alias}.tags", f"{alias}.cur", f"{alias}.tag_set_id"
        )


@dataclass(frozen=True, slots=True)
class Test:
    """A test of the value at the end of a path.

    ``op`` is ``has``, ``missing``, a comparison with ``literal``, or ``in``: equality
    with one of the Refs whose ids ``literal`` is a tuple of.
    """

    __test__ = False

    op: str
    literal: Any = None

    @classmethod
    def of(cls, leaf: Has | Missing | Compare) -> Test:
        if isinstance(leaf, Compare):
            return cls(leaf.op, leaf.value)
        return cls("has" if isinstance(leaf, Has) else "missing")


def sql(template: str, *parts: Sql | Any) -> Sql:
    """Replace ``{}`` with pieces of SQL, and bind ``%s`` to parameters.

    Both are taken from ``parts``, from left to right.
    """
    text: list[str] = []
    params: list[Any] = []
    rest = list(parts)
    for index, piece in enumerate(template.replace("{}", "\0{}\0").split("\0")):
        if index % 2:
            part = rest.pop(0)
            text.append(part.text)
            params.extend(part.params)
        else:
            text.append(piece)
            for _ in range(piece.replace("%%", "").count("%s")):
                params.append(rest.pop(0))
    return Sql("".join(text), tuple(params))


def all_of(parts: Iterable[Sql]) -> Sql:
    return _in_parentheses(" AND ", parts)


def any_of(parts: Iterable[Sql]) -> Sql:
    return _in_parentheses(" OR ", parts)


def joined(word: str, parts: Iterable[Sql]) -> Sql:
    operands = list(parts)
    text = word.join(part.text for part in operands)
    return Sql(text, tuple(param for part in operands for param in part.params))


def _in_parentheses(word: str, parts: Iterable[Sql]) -> Sql:
    operands = list(parts)
    if len(operands) == 1:
        return operands[0]
    return sql("({})", joined(word, operands))

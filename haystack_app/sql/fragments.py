"""Pieces of SQL with their parameters.

``text`` must be fixed; names, values and ids are always parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from ..filters.ast import Compare, Has, Missing

__all__ = ["Row", "Sql", "Test", "all_of", "any_of", "joined", "sql"]

_HOLE = re.compile(r"(\{\}|(?<!%)(?:%%)*%s)")  # not the %s in strftime('%%s')


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
    first, *others = _holes(template)
    text = [first[1]]
    params: list[Any] = []
    for (is_sql, after), part in zip(others, parts, strict=True):
        if is_sql:
            text += part.text, after
            params += part.params
        else:
            text.append(after)
            params.append(part)
    return Sql("".join(text), tuple(params))


@lru_cache(maxsize=2_000)  # some templates have the length of a path in them
def _holes(template: str) -> tuple[tuple[bool, str], ...]:
    """The text before the first hole; for each hole, if it takes SQL, and what follows.

    The text that follows a parameter's hole begins with its ``%s``.
    """
    pieces = _HOLE.split(template)
    holes, texts = pieces[1::2], pieces[2::2]
    found = [
        (hole == "{}", text if hole == "{}" else hole + text)
        for hole, text in zip(holes, texts, strict=True)
    ]
    return ((False, pieces[0]), *found)


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

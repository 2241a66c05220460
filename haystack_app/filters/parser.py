"""Filter parser: recursive descent, linear in the text.

Source: docHaystack Filters, and Haxall's parser where that chapter is silent:
lower-case keywords are tag names wherever a name is allowed. Relative times are an
extension, where the grammar has a value; ``now`` and ``today`` stay tag names.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NoReturn

from ..kinds.scalars import Number, is_tag_name
from ..wire import lexer
from ..wire.errors import ParseError
from .ast import And, Compare, Filter, Has, IsSpec, IsSymbol, Missing, Or, Path
from .times import RELATIVE, relative_time

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "MAX_PATH", "MAX_STEPS", "parse", "parse_at"]

# MAX_LENGTH and MAX_DEPTH are the defaults of HAYSTACK["LIMITS"], which may change
# them: read them as attributes of this module.
MAX_LENGTH = 16_384
"""Characters of a filter: ``FILTER_LENGTH``."""
MAX_DEPTH = 100
"""Levels of nested parentheses: ``FILTER_DEPTH``."""
MAX_PATH = 16
"""Names in one path; lists of refs may fan out at each name."""
MAX_STEPS = 100
"""Arrows in one filter; each costs a store more than a hundred plain tags."""

_NAME = re.compile(r"[a-z_][A-Za-z0-9_]*(?![A-Za-z0-9_:.])", re.ASCII)
_SPEC = re.compile(
    r"(?:[a-z][A-Za-z0-9_]*(?:\.[a-z][A-Za-z0-9_]*)*::)?[A-Z][A-Za-z0-9_]*", re.ASCII
)
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>")
_BOOLS = {"true": True, "false": False}


@lru_cache(maxsize=4096)
def parse(text: str) -> Filter:
    """The tree of a filter. Raises ParseError with the column of the error."""
    if len(text) > MAX_LENGTH:
        raise ParseError(
            f"filter is longer than {MAX_LENGTH} characters (cap FILTER_LENGTH)"
        )
    parser = _Parser(text)
    tree = parser.any_of(0)
    if parser.at < len(text):
        parser.fail(f"unexpected {text[parser.at : parser.at + 12]!r}")
    return tree


def parse_at(text: str, at: int) -> tuple[Filter, int]:
    """The tree of a filter inside a longer text, and where what follows it begins.

    Raises ParseError with the column in the text.
    """
    parser = _Parser(text, at)
    return parser.any_of(0), parser.at


class _Parser:
    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = lexer.blank(text, at)
        self.steps = 0

    def fail(self, message: str) -> NoReturn:
        lexer.fail(message, self.text, self.at)

    def skip(self, end: int) -> None:
        self.at = lexer.blank(self.text, end)

    def take(self, symbol: str) -> bool:
        if self.text.startswith(symbol, self.at):
            self.skip(self.at + len(symbol))
            return True
        return False

    def peek_name(self) -> str | None:
        match = _NAME.match(self.text, self.at)
        return match[0] if match else None

    def take_word(self, word: str) -> bool:
        if self.peek_name() == word:
            self.skip(self.at + len(word))
            return True
        return False

    def any_of(self, depth: int) -> Filter:
        terms = [self.all_of(depth)]
        while self.take_word("or"):
            terms.append(self.all_of(depth))
        return _joined(Or, terms)

    def all_of(self, depth: int) -> Filter:
        terms = [self.term(depth)]
        while self.take_word("and"):
            terms.append(self.term(depth))
        return _joined(And, terms)

    def term(self, depth: int) -> Filter:
        if self.text.startswith("(", self.at):
            if depth >= MAX_DEPTH:
                self.fail(
                    f"parentheses nested deeper than {MAX_DEPTH} (cap FILTER_DEPTH)"
                )
            self.skip(self.at + 1)
            tree = self.any_of(depth + 1)
            if not self.take(")"):
                self.fail("expected ')'")
            return tree
        if self.text.startswith("^", self.at):
            symbol, end = lexer.symbol(self.text, self.at)
            self.skip(end)
            return IsSymbol(symbol.name)
        if spec := _SPEC.match(self.text, self.at):
            self.skip(spec.end())
            return IsSpec(spec[0])
        return self.path_term()

    def path_term(self) -> Filter:
        before = self.at
        if self.take_word("not"):
            if self.peek_name() is not None:
                return Missing(self.path())
            self.at = before
        path = self.path()
        operator = _OPERATOR.match(self.text, self.at)
        if operator is None:
            if self.text.startswith("=", self.at):
                self.fail("expected '==', found '='")
            return Has(path)
        self.skip(operator.end())
        return Compare(path, operator[0], self.literal())

    def path(self) -> Path:
        names = [self.name()]
        while self.take("->"):
            names.append(self.name())
            self.steps += 1
            if len(names) > MAX_PATH:
                self.fail(f"path of more than {MAX_PATH} names")
            if self.steps > MAX_STEPS:
                self.fail(f"more than {MAX_STEPS} arrows in one filter")
        return tuple(names)

    def name(self) -> str:
        name = self.peek_name()
        if name is None or not is_tag_name(name):
            found = self.text[self.at : self.at + 12]
            self.fail(
                f"expected a tag name, found {found!r}"
                if found
                else "filter is cut short"
            )
        self.skip(self.at + len(name))
        return name

    def literal(self) -> Any:
        text, at = self.text, self.at
        first = text[at : at + 1]
        value: Any
        if first == '"':
            value, end = lexer.string(text, at)
        elif first == "@":
            value, end = lexer.ref(text, at, with_dis=False)
        elif first == "`":
            value, end = lexer.uri(text, at)
        elif first == "^":
            value, end = lexer.symbol(text, at)
        elif first == "-" or first.isdigit():
            value, end = lexer.number_or_time(text, at)
            if isinstance(value, Number) and not value.is_finite:
                self.fail("INF and NaN cannot be compared")
        elif (word := self.peek_name()) in _BOOLS:
            value, end = _BOOLS[word], at + len(word)
        elif word in RELATIVE:
            value, end = relative_time(word, text, at + len(word))
        else:
            found = text[at : at + 12]
            self.fail(
                f'expected a value (true, 5kW, "text", @ref), found {found!r}'
                if found
                else "filter is cut short"
            )
        if "\0" in str(value):
            self.fail("a value must not contain U+0000")
        self.skip(end)
        return value


def _joined(kind: type[And] | type[Or], terms: list[Filter]) -> Filter:
    """One node for a chain of terms; redundant parentheses are flattened."""
    if len(terms) == 1:
        return terms[0]
    flat: list[Filter] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, kind) else [term])
    return kind(tuple(flat))

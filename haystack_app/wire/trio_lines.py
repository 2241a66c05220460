"""Trio as lines: tags, the blocks indented under them, and record separators.

Source: docHaystack Trio, and Haxall's reader for the end of a block and the whitespace
stripped from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["BLANKS", "Block", "Line", "Lines", "trimmed"]

BLANKS = "".join(map(chr, range(33)))
"""Characters to trim: spaces and controls. A non-breaking space is text."""

_LINE_END = re.compile("\r\n?")
_INDENT = re.compile(r"[ \t\f]*")


class Line(NamedTuple):
    """A line of a record, or a record separator; numbers count from 1."""

    text: str
    number: int

    @property
    def ends_record(self) -> bool:
        return self.text.startswith("-")


class Block(NamedTuple):
    """Indented lines without their common indent, and the number of the first one."""

    lines: list[str]
    number: int

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Lines:
    """The lines of a text, read once from the start."""

    def __init__(self, lines: list[str], first: int = 1) -> None:
        self.lines = lines
        self.first = first
        self.at = 0

    @classmethod
    def of(cls, text: str) -> Lines:
        lines = _LINE_END.sub("\n", text).split("\n")
        if not lines[-1]:
            lines.pop()  # the text ends with a line end
        return cls(lines)

    def __iter__(self) -> Iterator[Line]:
        """Tags and record separators, without blank lines and comments."""
        while self.at < len(self.lines):
            text = self.lines[self.at]
            self.at += 1
            if trimmed(text) and not text.startswith("//"):
                yield Line(text, self.first + self.at - 1)

    def block(self) -> Block:
        """The indented and blank lines that follow.

        Leading blank lines are not part of the block; each trailing one stands for a
        newline. Trailing blanks of a line are dropped.
        """
        while self.at < len(self.lines) and not trimmed(self.lines[self.at]):
            self.at += 1
        start = end = self.at
        while end < len(self.lines) and _is_inside(self.lines[end]):
            end += 1
        self.at = end
        lines = [line.rstrip(BLANKS) for line in self.lines[start:end]]
        indent = min((_indent(line) for line in lines if line), default=0)
        return Block([line[indent:] for line in lines], self.first + start)


def trimmed(text: str) -> str:
    return text.strip(BLANKS)


def _is_inside(line: str) -> bool:
    return line[:1] in ("", " ", "\t", "\f") or not trimmed(line)


def _indent(line: str) -> int:
    match = _INDENT.match(line)
    return match.end() if match else 0

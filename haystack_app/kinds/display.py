"""Texts of a request or a file, as error messages show them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

__all__ = ["Reasons", "and_more", "listed", "quoted", "shortened"]

_LENGTH = 80


def shortened(text: str) -> str:
    """The text, or the first part of it and two dots: at most 80 characters."""
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 2]}.."


def quoted(text: str) -> str:
    """A Str as Haystack writes it, in double quotes; long ones are shortened.

    A lone surrogate is escaped, because no answer could contain it.
    """
    safe = text[: 2 * _LENGTH].encode("utf-8", "backslashreplace").decode()
    return shortened(json.dumps(safe, ensure_ascii=False))


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def and_more(count: int, noun: str = "", indent: str = "") -> Iterator[str]:
    """The line after a list that leaves ``count`` items out, if it does."""
    if count > 0:
        yield f"{indent}.. and {count:,} more {noun}".rstrip()


class Reasons:
    """What is wrong with rows: the first 100 reasons, and how many there are."""

    LISTED = 100

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, reason: str) -> None:
        self.count += 1
        if self.count <= self.LISTED:
            self.shown.append(reason)

    def __str__(self) -> str:
        """The only reason, or a line for the count and one for each reason."""
        if self.count == 1:
            return self.shown[0]
        more = self.count - len(self.shown)
        lines = [f"{self.count:,} errors, nothing was stored", *self.shown]
        return "\n".join([*lines, *and_more(more)])

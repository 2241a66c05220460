"""Texts of a request or a file, as error messages show them."""

from __future__ import annotations

import json

__all__ = ["Reasons", "quoted", "shortened"]

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
        return "\n".join(lines + [f".. and {more:,} more"] * bool(more))

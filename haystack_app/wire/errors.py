"""Errors of the readers and writers."""

from __future__ import annotations

__all__ = ["EncodeError", "ParseError"]


class ParseError(ValueError):
    """Text that is invalid in its format.

    ``message`` describes the fault. ``position`` is the line and column in a text,
    or the path in a JSON document.
    """

    def __init__(self, message: str, position: str = "") -> None:
        self.message = message
        self.position = position
        super().__init__(f"{message} at {position}" if position else message)

    @classmethod
    def in_text(cls, message: str, text: str, offset: int) -> ParseError:
        """An error at a character offset. Lines and columns are counted from 1."""
        offset = min(offset, len(text))
        line = text.count("\n", 0, offset) + 1
        column = offset - (text.rfind("\n", 0, offset) + 1) + 1
        where = f"column {column}"
        return cls(message, f"line {line}, {where}" if "\n" in text else where)

    def inside(self, step: str) -> ParseError:
        """The same error with ``step`` in front of its path in the document."""
        joint = "" if self.position.startswith("[") or not self.position else "."
        return ParseError(self.message, f"{step}{joint}{self.position}")


class EncodeError(ValueError):
    """A value that the format cannot represent."""

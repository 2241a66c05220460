"""What a reader raises."""

from __future__ import annotations

__all__ = ["EncodeError", "ParseError"]


class ParseError(ValueError):
    """Text that is not what its format allows.

    ``message`` names the fault; ``position`` says where: line and column of a
    text, or the path into a JSON document.
    """

    def __init__(self, message: str, position: str = "") -> None:
        self.message = message
        self.position = position
        super().__init__(f"{message} at {position}" if position else message)

    @classmethod
    def in_text(cls, message: str, text: str, offset: int) -> ParseError:
        """An error at a character offset; lines and columns count from 1."""
        offset = min(offset, len(text))
        line = text.count("\n", 0, offset) + 1
        column = offset - (text.rfind("\n", 0, offset) + 1) + 1
        where = f"column {column}"
        return cls(message, f"line {line}, {where}" if "\n" in text else where)

    def inside(self, step: str) -> ParseError:
        """The same error seen from one level further out of a document."""
        joint = "" if self.position.startswith("[") or not self.position else "."
        return ParseError(self.message, f"{step}{joint}{self.position}")


class EncodeError(ValueError):
    """A value that no document of the format can carry."""

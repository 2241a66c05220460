"""Preparation of text for the line-based formats, CSV and Trio."""

from __future__ import annotations

from .errors import ParseError

__all__ = ["strip_bom"]


def strip_bom(text: str) -> str:
    """The text without its byte order mark.

    Raises ParseError for a lone surrogate: its position is known here, and no writer
    could write the value again.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as err:
            raise ParseError.in_text("lone surrogate", text, err.start) from None
    return text.removeprefix("\ufeff")

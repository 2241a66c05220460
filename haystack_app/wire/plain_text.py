"""What the readers of formats without a grammar of their own begin with."""

from __future__ import annotations

from .errors import ParseError

__all__ = ["unmarked"]


def unmarked(text: str) -> str:
    """The text without its byte order mark.

    Half a surrogate pair is refused here, where its place is known: no writer
    could send the value on.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as err:
            raise ParseError.in_text("lone surrogate", text, err.start) from None
    return text.removeprefix("\ufeff")

"""Cells of a column ``tags``: words that are markers, or ``tag:value``.

Words are separated by blanks, commas, semicolons or line ends: ``point sensor
unit:°C siteRef:@hq dis:"Supply air"``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ...kinds.display import quoted
from ...kinds.scalars import MARKER, is_tag_name
from ...wire import zinc_reader
from ...wire.errors import ParseError

__all__ = ["tags_of_words"]

_WORD = re.compile(r'([^\s,;|:"]+)(?:(:)("(?:[^"\\]|\\.)*"|[^\s,;|"]*))?(?=[\s,;|]|\Z)')
_BETWEEN = re.compile(r"[\s,;|]+")

Read = Callable[[str, str], Any]
"""The value of a tag, by its name and text."""


def tags_of_words(
    text: str, kind_of: Callable[[str], str | None], read: Read
) -> Iterator[tuple[str, Any]]:
    """The tags of a cell and their values. Raises ValueError.

    ``kind_of`` is the kind that a tag's def asks for; without one, a text in quotes is
    a Str, and ``read`` decides for others.
    """
    at = 0
    while at < len(text):
        if between := _BETWEEN.match(text, at):
            at = between.end()
            continue
        match = _WORD.match(text, at)
        if match is None:
            raise ValueError(f"expected a tag or tag:value at {quoted(text[at:])}")
        at = match.end()
        name, value = match[1], match[3]
        if not is_tag_name(name):
            raise ValueError(f"{quoted(name)} is not the name of a tag")
        if match[2]:
            if not value:
                raise ValueError(f"{name}: has no value")
            if value[0] != '"':
                yield name, read(name, value)
            elif kind_of(name) is None:
                yield name, _in_quotes(name, value)
            else:
                yield name, read(name, _in_quotes(name, value))
        elif kind_of(name) in (None, "marker"):
            yield name, MARKER
        else:
            raise ValueError(f"{name} is not a Marker: write {name}:value")


def _in_quotes(name: str, text: str) -> str:
    try:
        return str(zinc_reader.read_value(text))
    except ParseError as err:
        raise ValueError(f"{name}: {err.message} in {text}") from None

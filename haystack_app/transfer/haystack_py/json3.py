"""The JSON in which haystack-py stores tags: Hayson, or the JSON of Haystack 3.

In one version ``"m:"`` is a Marker, in the other a Str. The version is therefore a
property of the whole table, and is detected from all its rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ...kinds.scalars import Ref
from ...storage.errors import InvalidRecord, StorageError
from ...wire import hayson_reader, json3_reader
from ...wire.errors import ParseError
from ...wire.hayson_reader import parse_json
from ...wire.zinc_writer import display_text

__all__ = [
    "AUTO",
    "FORMATS",
    "HAYSON",
    "JSON3",
    "AmbiguousFormat",
    "format_of",
    "record_of",
    "value_of",
]

HAYSON, JSON3, AUTO = "hayson", "json3", "auto"
FORMATS = (AUTO, HAYSON, JSON3)
_CODED, _PLAIN = "coded", "plain"
_CODES = frozenset("bcdhmnrstuxyz-")
_DECODERS = {HAYSON: hayson_reader.decode, JSON3: json3_reader.decode}


class AmbiguousFormat(StorageError):
    """Rows whose JSON version cannot be determined."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: specify it with --format")


def format_of(rows: Iterable[tuple[str, str]]) -> str:
    """The version of all rows. Raises AmbiguousFormat with the id of a row."""
    first: dict[str, str] = {}
    for id, text in rows:
        first.setdefault(_detect(text), id)
    if HAYSON in first and JSON3 in first:
        raise AmbiguousFormat(
            f"row {first[HAYSON]!r} is Hayson, row {first[JSON3]!r} is JSON 3"
        )
    if JSON3 in first:
        return JSON3
    if _CODED in first:
        raise AmbiguousFormat(f"row {first[_CODED]!r} may be Hayson or JSON 3")
    return HAYSON


def _detect(text: str) -> str:
    """The version of one row.

    ``_PLAIN`` rows have the same meaning in both versions. ``_CODED`` rows have strings
    that may begin with a code of version 3.
    """
    try:
        tags = _tags(text)
    except (ParseError, InvalidRecord):
        return _PLAIN  # it is rejected in both versions
    if _has_kind(tags):
        return HAYSON
    strings = [value for value in tags.values() if isinstance(value, str)]
    id = tags.get("id")
    if "m:" in strings or (isinstance(id, str) and id.startswith("r:")):
        return JSON3
    return _CODED if any(map(_is_coded, _strings(tags))) else _PLAIN


def _has_kind(value: Any) -> bool:
    if isinstance(value, dict):
        return "_kind" in value or any(map(_has_kind, value.values()))
    return isinstance(value, list) and any(map(_has_kind, value))


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _is_coded(text: str) -> bool:
    return text[1:2] == ":" and text[0] in _CODES


def record_of(id: str, text: str, format: str) -> dict[str, Any]:
    """The tags of a row, including ``id``. Raises InvalidRecord."""
    try:
        record = _DECODERS[format](_tags(text))
        ref = Ref(id)
    except ParseError as err:
        where = f"{err.position}: " if err.position else ""
        raise InvalidRecord(where + err.message) from None
    except ValueError as err:
        raise InvalidRecord(str(err)) from None
    if not isinstance(record, dict):
        raise InvalidRecord("the tags must be a dict, not a grid")
    own = record.setdefault("id", ref)
    if own != ref:
        raise InvalidRecord(f"the tag id must be @{id}, not {display_text(own)}")
    return record


def _tags(text: str) -> dict[str, Any]:
    tags = parse_json(text)
    if not isinstance(tags, dict):
        raise InvalidRecord("the tags must be a JSON object")
    return tags


def value_of(text: str, format: str) -> Any:
    """A value of a priority array. Raises InvalidRecord.

    haystack-py stores some values as a JSON string that contains JSON text.
    """
    value = parse_json(text)
    if isinstance(value, str):
        with suppress(ParseError):
            value = parse_json(value)
    try:
        return _DECODERS[format](value)
    except ParseError as err:
        raise InvalidRecord(err.message) from None

"""What a dashboard shows: sections of tiles, as JSON.

    {
      "subject": "site",
      "sections": [
        {
          "title": "Air handlers",
          "each": "ahu and siteRef == $subject",
          "tiles": [
            {"kind": "chart", "title": "Air", "filter": "point and equipRef == $each"}
          ]
        }
      ]
    }

``subject`` is a filter of what the viewer chooses one of; ``each`` repeats the tiles of
a section for each match. Filters refer to them as ``$subject`` and ``$each``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.core.exceptions import ValidationError

from ..kinds.display import quoted
from ..kinds.scalars import is_tag_name
from .filter_field import check_filter

__all__ = ["MOST_SECTIONS", "MOST_TILES", "check_content", "check_range"]

_KINDS = ("chart", "table", "number")
_FOLDS = ("value", "count", "sum", "avg", "min", "max", "consumption")
_MOST_BYTES = 64_000
MOST_SECTIONS = 20
MOST_TILES = 60
"""Of one dashboard; tiles that repeat are counted once."""
_LONGEST = 2_000
_MOST_COLUMNS = 12
_WIDEST, _HIGHEST = 12, 8
_PERIODS = (
    *("today", "yesterday", "24h", "7d", "30d", "week", "lastWeek"),
    *("month", "lastMonth", "year", "lastYear"),
)
_DAY = r"\d{4}-\d\d-\d\d"
_DAYS = re.compile(rf"{_DAY}\.\.{_DAY}")
_INSTANTS = re.compile(rf"{_DAY}T[\d:.]+Z\.\.{_DAY}T[\d:.]+Z")
_VARIABLE = re.compile(r"\$(\w+)")
_SECTION = {"title", "each", "tiles"}
_TILE = {"kind", "title", "filter", "width", "height", "columns", "fold"}


def check_content(content: Any) -> None:
    """Raises ValidationError, with a message for each part that is not valid."""
    try:
        text = orjson.dumps(content)
    except TypeError as err:  # such as half of a surrogate pair
        raise ValidationError(f"not JSON: {err}") from None
    if len(text) > _MOST_BYTES:
        raise ValidationError(f"more than {_MOST_BYTES:,} bytes of JSON")
    if b"\\u0000" in text:
        raise ValidationError("U+0000 is not allowed in texts")
    if problems := list(_problems(content)):
        raise ValidationError(problems)


def check_range(text: str) -> None:
    """A range of charts, as their addresses have it. Raises ValidationError."""
    if not (text in _PERIODS or _DAYS.fullmatch(text) or _INSTANTS.fullmatch(text)):
        names = ", ".join(_PERIODS)
        raise ValidationError(
            f"{quoted(text)} is not a range: give one of {names}, or two days such as"
            " 2026-11-01..2026-11-09"
        )


def _problems(content: Any) -> Iterator[str]:
    if not isinstance(content, Mapping):
        yield f"must be an object, not {_shown(content)}"
        return
    yield from _unknown(content, {"subject", "sections"}, "")
    known = set()
    if content.get("subject", "") != "":
        yield from _filter_problems(content["subject"], set(), "subject")
        known.add("subject")
    sections = content.get("sections", [])
    if not isinstance(sections, list) or len(sections) > MOST_SECTIONS:
        yield f"sections: must be a list of at most {MOST_SECTIONS}"
        return
    for number, section in enumerate(sections, 1):
        yield from _section_problems(section, known, f"section {number}")
    tiles = sum(len(_tiles(section)) for section in sections)
    if tiles > MOST_TILES:
        yield f"{tiles} tiles: at most {MOST_TILES} are allowed"


def _section_problems(section: Any, known: set[str], where: str) -> Iterator[str]:
    if not isinstance(section, Mapping):
        yield f"{where}: must be an object, not {_shown(section)}"
        return
    yield from _unknown(section, _SECTION, where)
    yield from _text_problems(section, "title", where)
    if section.get("each", "") != "":
        yield from _filter_problems(section["each"], known, f"{where}, each")
        known = {*known, "each"}
    if not isinstance(section.get("tiles", []), list):
        yield f"{where}: tiles must be a list"
    for number, tile in enumerate(_tiles(section), 1):
        yield from _tile_problems(tile, known, f"{where}, tile {number}")


def _tiles(section: Any) -> list[Any]:
    tiles = section.get("tiles", []) if isinstance(section, Mapping) else []
    return tiles if isinstance(tiles, list) else []


def _tile_problems(tile: Any, known: set[str], where: str) -> Iterator[str]:
    if not isinstance(tile, Mapping):
        yield f"{where}: must be an object, not {_shown(tile)}"
        return
    yield from _unknown(tile, _TILE, where)
    yield from _text_problems(tile, "title", where)
    yield from _choice_problems(tile, "kind", _KINDS, where)
    yield from _filter_problems(tile.get("filter", ""), known, f"{where}, filter")
    if "fold" in tile:
        yield from _choice_problems(tile, "fold", _FOLDS, where)
    for name, most in (("width", _WIDEST), ("height", _HIGHEST)):
        if name in tile and not (type(tile[name]) is int and 1 <= tile[name] <= most):
            yield f"{where}: {name} must be 1 to {most}, not {_shown(tile[name])}"
    yield from _column_problems(tile.get("columns", []), where)


def _column_problems(columns: Any, where: str) -> Iterator[str]:
    if not isinstance(columns, list) or len(columns) > _MOST_COLUMNS:
        yield f"{where}: columns must be a list of at most {_MOST_COLUMNS} tags"
        return
    for name in columns:
        if not isinstance(name, str) or not is_tag_name(name):
            yield f"{where}: {_shown(name)} is not the name of a tag"


def _filter_problems(text: Any, known: set[str], where: str) -> Iterator[str]:
    """``$subject`` and ``$each`` are checked as some ref."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        yield f"{where}: must be a filter of at most {_LONGEST:,} characters"
        return
    for name in _VARIABLE.findall(text):
        if name in ("subject", "each") and name not in known:
            yield f"{where}: there is no ${name} here"
    try:
        check_filter(re.sub(r"\$(subject|each)\b", "@x", text))
    except ValidationError as err:
        yield f"{where}: {'; '.join(err.messages)}"


def _text_problems(part: Mapping[str, Any], name: str, where: str) -> Iterator[str]:
    text = part.get(name, "")
    if not isinstance(text, str) or len(text) > 200:
        yield f"{where}: {name} must be a text of at most 200 characters"


def _choice_problems(
    part: Mapping[str, Any], name: str, allowed: tuple[str, ...], where: str
) -> Iterator[str]:
    if part.get(name) not in allowed:
        choices = ", ".join(allowed)
        yield f"{where}: {name} must be one of {choices}, not {_shown(part.get(name))}"


def _unknown(part: Mapping[str, Any], known: set[str], where: str) -> Iterator[str]:
    for name in sorted(part.keys() - known):
        yield f"{where}: unknown member {quoted(name)}".removeprefix(": ")


def _shown(value: Any) -> str:
    return quoted(orjson.dumps(value).decode())

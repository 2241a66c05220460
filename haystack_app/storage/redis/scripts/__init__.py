"""The Lua scripts, which the server runs atomically.

The header of each file lists its keys, its arguments and what it returns. Every script
gets at least one key, so that a cluster knows where to run it; all its other keys have
the same hash tag. A line ``-- include NAME`` is replaced by a file in ``shared``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Generic, TypeVar

__all__ = [
    "ACQUIRE",
    "APPLY",
    "BOTH",
    "CONVERT",
    "FENCED",
    "FETCH",
    "FIND",
    "LAYOUT",
    "LOCKED",
    "PAGE",
    "PLACES",
    "PRUNE",
    "RELEASE",
    "RENEW",
    "REPLACE",
    "SCRIPTS",
    "SEARCH",
    "SINCE",
    "SIZES",
    "SPAN",
    "STAGED",
    "STRAYS",
    "VERSIONS",
    "Row",
    "Script",
]

_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)
_FOLDER = files(__name__)

Reply = TypeVar("Reply")
Row = tuple[str, str, int, int, int]
"""Tags and transient tags as JSON, mod in microseconds, version, set of tag names."""
Rows = list[Row | None]


def _loaded(name: str) -> str:
    text = (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: _loaded(f"shared/{found[1]}").rstrip(), text)


@dataclass(frozen=True)
class Script(Generic[Reply]):
    """A script by the name of its file; ``reply`` converts what it returns."""

    name: str
    reply: Callable[[Any], Reply]
    text: str = field(init=False)
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        text = _loaded(self.name)
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "sha", sha)


# -- what they return ----------------------------------------------------------


def _nothing(_: Any) -> None:
    return None


def _texts(found: list[bytes]) -> list[str]:
    return [one.decode() for one in found]


def _pairs(found: list[bytes]) -> list[tuple[str, str]]:
    words = _texts(found)
    return list(zip(words[::2], words[1::2], strict=True))


def _row(found: list[Any]) -> Row | None:
    if found[0] is None:
        return None
    tags, cur, mod, version, tag_set = found
    return tags.decode(), cur.decode(), int(mod), int(version), int(tag_set)


def _rows(found: list[Any]) -> Rows:
    return [_row(one) for one in found]


def _numbers(found: list[bytes | None]) -> list[int | None]:
    return [None if one is None else int(one) for one in found]


def _page(found: list[Any]) -> tuple[list[str], Rows]:
    ids, rows = found
    return _texts(ids), _rows(rows)


def _found(found: Any) -> str | tuple[list[str], Rows | None]:
    """The key of a set, or ids and rows."""
    if isinstance(found, bytes):
        return found.decode()
    ids, *rows = found
    return _texts(ids), _rows(rows[0]) if rows else None


def _matches(found: list[Any]) -> tuple[int, list[str], Rows | None]:
    total, ids, *rows = found
    return int(total), _texts(ids), _rows(rows[0]) if rows else None


def _span(found: list[Any]) -> tuple[list[str], int, str, int, bytes] | None:
    if not found:
        return None
    members, size, last, last_size, sample = found
    return _texts(members), size, last.decode(), last_size, sample


def _entries(found: list[Any]) -> tuple[int, int, bool, list[tuple[int, str, bytes]]]:
    """Oldest and last cursor, whether a cursor is known; cursor, id, entry each."""
    oldest, end, known, rows = found
    entries = [
        (int(place.partition(b"-")[0]), fields[1].decode(), fields[3])
        for place, fields in rows
    ]
    return int(oldest), int(end), bool(known), entries


# -- reading -------------------------------------------------------------------

FETCH = Script("fetch", _rows)
VERSIONS = Script("versions", _numbers)
PAGE = Script("page", _page)
FIND = Script("find", _found)
SEARCH = Script("search", _matches)
SPAN = Script("span", _span)
SIZES = Script("sizes", int)
SINCE = Script("since", _entries)
PLACES = Script("places", _pairs)
STRAYS = Script("strays", _texts)

# -- writing -------------------------------------------------------------------

ACQUIRE = Script("acquire", bool)
RENEW = Script("renew", _nothing)
RELEASE = Script("release", _nothing)
APPLY = Script("apply", _nothing)
PRUNE = Script("prune", int)
CONVERT = Script("convert", int)
REPLACE = Script("replace", int)

SCRIPTS: tuple[Script[Any], ...] = (
    *(FETCH, VERSIONS, PAGE, FIND, SEARCH, SPAN, SIZES, SINCE, PLACES, STRAYS),
    *(ACQUIRE, RENEW, RELEASE, APPLY, PRUNE, CONVERT, REPLACE),
)

FENCED, LAYOUT, STAGED = "FENCED", "LAYOUT", "STAGED"
"""Prefixes of errors: another holder has the lock, the index is of another kind, the
staged words are incomplete."""
LOCKED, BOTH = "LOCKED", "BOTH"
"""Prefixes of errors: a program of the previous version writes, two stores exist."""

"""Records of rows, including rows that plain SQL or a fixture wrote.

A trigger marks a row whose tags plain SQL changed (``tag_set_id`` UNKNOWN_SET). The
tags of a marked row are decoded one by one, and unreadable ones are left out, so that
no response fails because of them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson

from ...kinds.datetimes import iso_text
from ...kinds.scalars import is_tag_name
from ...kinds.transient import TRANSIENT
from ...wire import hayson_reader, hayson_writer
from ...wire.errors import EncodeError, ParseError
from ...wire.record import Record

__all__ = ["is_marked", "readable_record", "unreadable_tags"]


def is_marked(tag_set_id: int) -> bool:
    return tag_set_id <= 0


def readable_record(id: str, tags: str, cur: str, mod: dt.datetime) -> Record:
    """The readable tags of a row, with ``id`` and ``mod`` of the columns."""
    found = _readable(tags, cur)
    ref = found.get("id")
    if not (isinstance(ref, dict) and ref.get("val") == id):
        ref = {"_kind": "ref", "val": id}
    stamp = {"_kind": "dateTime", "val": iso_text(mod), "tz": "UTC"}
    return Record(orjson.dumps({**found, "id": ref, "mod": stamp}).decode())


def unreadable_tags(tags: str, cur: str) -> list[str]:
    """Names of tags that ``readable_record`` leaves out."""
    found = _readable(tags, cur)
    return sorted({*_object(tags), *_object(cur)} - found.keys() - {"mod"})


def _readable(tags: str, cur: str) -> dict[str, Any]:
    """The tags in canonical JSON; transient ones are read from ``cur`` only."""
    found: dict[str, Any] = {}
    persistent = {
        name: value for name, value in _object(tags).items() if name not in TRANSIENT
    }
    for name, value in {**persistent, **_object(cur)}.items():
        try:
            decoded = hayson_reader.decode(value) if is_tag_name(name) else None
            if decoded is not None:
                found[name] = hayson_writer.encode(decoded)
        except (ParseError, EncodeError, ValueError):
            continue
    return found


def _object(text: str) -> dict[str, Any]:
    value = orjson.loads(text)
    return value if isinstance(value, dict) else {}

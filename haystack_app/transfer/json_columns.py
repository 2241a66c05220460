"""JSON grids whose rows have keys that no column names, as some servers write them.

The specification has no place for such a value, but it is data of an entity: files of
entities get the missing columns, requests and histories are refused.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from ..wire import hayson_reader
from ..wire.errors import ParseError

__all__ = ["with_all_columns"]


def with_all_columns(text: str, unnamed: Counter[str]) -> str:
    """The text of a grid with a column for each key, the new ones counted.

    Any other text is returned as it is, for its reader to refuse.
    """
    try:
        grid = hayson_reader.parse_json(text)
    except ParseError:
        return text
    rows, cols = grid.get("rows"), grid.get("cols")
    if not isinstance(rows, list) or not isinstance(cols, list):
        return text
    names = {_name(col) for col in cols}
    found = Counter(
        key
        for row in rows
        if isinstance(row, dict)
        for key, value in row.items()
        if key not in names and key != "_kind" and value is not None
    )
    if not found:
        return text
    unnamed.update(found)
    grid["cols"] = [*cols, *({"name": key} for key in found)]
    return orjson.dumps(grid).decode()


def _name(col: Any) -> Any:
    name = col.get("name") if isinstance(col, dict) else None
    return name if isinstance(name, str) else None

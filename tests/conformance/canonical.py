"""The conformance protocol's value model, to and from kinds.

Everything but null, booleans and strings is an object with ``_kind``; it is
near Hayson, with numbers always verbose and ``tz`` always there.
"""

from __future__ import annotations

from typing import Any

from haystack_app.kinds import Grid, Number
from haystack_app.wire import hayson_reader, hayson_writer


def to_canonical(value: Any) -> Any:
    if isinstance(value, list):
        return [to_canonical(item) for item in value]
    if isinstance(value, dict):
        return {name: to_canonical(item) for name, item in value.items()}
    if isinstance(value, Number):
        encoded = hayson_writer.encode(value)
        if not isinstance(encoded, dict):
            return {"_kind": "number", "val": encoded}
        return {**encoded, "unit": value.unit} if value.unit else encoded
    if isinstance(value, Grid):
        return {
            "_kind": "grid",
            "meta": to_canonical(dict(value.meta)),
            "cols": [
                {"name": col.name, "meta": to_canonical(dict(col.meta))}
                for col in value.cols
            ],
            "rows": [to_canonical(dict(row)) for row in value.rows],
        }
    return hayson_writer.encode(value)


def from_canonical(value: Any) -> Any:
    return hayson_reader.decode(value)

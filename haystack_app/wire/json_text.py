"""JSON text in pieces, for the grids of both JSON versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from .errors import EncodeError

__all__ = ["grid_pieces", "joined_rows", "json_text"]

_ROWS_PER_PIECE = 500


def json_text(value: Any) -> str:
    """Raises EncodeError for values without a JSON form, such as a lone surrogate."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError) as err:
        raise EncodeError(f"JSON cannot represent this value: {err}") from None


def grid_pieces(meta: str, cols: str, pieces: Iterable[str]) -> Iterator[str]:
    """A grid: the members before ``cols``, then ``cols``, then the pieces of rows."""
    yield f'{{{meta},"cols":{cols},"rows":[\n'
    separator = ""
    for piece in pieces:
        yield separator + piece
        separator = ",\n"
    yield "\n]}\n"


def joined_rows(rows: Iterable[str]) -> Iterator[str]:
    """Pieces of 500 rows each, separated by commas."""
    batch: list[str] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS_PER_PIECE:
            yield ",\n".join(batch)
            batch.clear()
    if batch:
        yield ",\n".join(batch)

"""JSON text in pieces, for grids of either version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from .errors import EncodeError

__all__ = ["framed", "in_pieces", "json_text"]

_ROWS_A_PIECE = 500


def json_text(value: Any) -> str:
    """Raises EncodeError for what JSON has no form for, a lone surrogate say."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError) as err:
        raise EncodeError(f"no JSON form: {err}") from None


def framed(meta: str, cols: str, pieces: Iterable[str]) -> Iterator[str]:
    """A grid: the members before ``cols``, then ``cols``, then pieces of rows."""
    yield f'{{{meta},"cols":{cols},"rows":[\n'
    separator = ""
    for piece in pieces:
        yield separator + piece
        separator = ",\n"
    yield "\n]}\n"


def in_pieces(rows: Iterable[str]) -> Iterator[str]:
    """Rows joined, some hundred in a piece."""
    held: list[str] = []
    for row in rows:
        held.append(row)
        if len(held) == _ROWS_A_PIECE:
            yield ",\n".join(held)
            held.clear()
    if held:
        yield ",\n".join(held)

"""Dump of the records of a store, all or by a filter, as the text of one grid.

The columns are written before the first row, but known only after the last. The rows
are therefore buffered in a temporary file, so that memory use is constant and the store
is read once, in one statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, cast

import orjson

from ..filters.ast import Filter
from ..kinds.grid import EMPTY_COL, Col, Grid, Row, column_order
from ..storage.base import StorageAdapter
from ..storage.errors import StorageError
from ..wire.record import Record
from ..wire.registry import CSV, Format
from .entity_csv import CsvKinds

__all__ = ["LossyDump", "dump_chunks"]


class LossyDump(StorageError):
    """A value that the format cannot represent."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"CSV would lose data, {reason}; use --format zinc or hayson")


_IN_MEMORY = 32 * 1024 * 1024


def dump_chunks(
    adapter: StorageAdapter,
    format: Format,
    tree: Filter | None = None,
    *,
    progress: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """Chunks of text, with records sorted by id.

    ``progress`` is called for each record. Raises ValueError for a format that cannot
    be written, and LossyDump for a value that could not be read back.
    """
    if format.write is None:
        raise ValueError(f"{format.name} cannot be written")
    kinds = CsvKinds(adapter.namespace()) if format is CSV else None
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        names: set[str] = set()
        for record in _records(adapter, tree):
            names.update(orjson.loads(record.raw))
            if kinds is not None:
                _check(kinds, record)
            spool.write(record.raw.encode() + b"\n")
            progress()
        spool.seek(0)
        cols = [Col(name) for name in column_order(names)] or [EMPTY_COL]
        # writers iterate over the rows once, in order
        rows = cast("Sequence[Row]", _spooled(spool))
        yield from format.write(Grid(cols, rows))


def _check(kinds: CsvKinds, record: Record) -> None:
    for name, value in record.items():
        try:
            kinds.check(name, value)
        except ValueError as err:
            raise LossyDump(f"{record['id']}: {err}") from None


def _records(adapter: StorageAdapter, tree: Filter | None) -> Iterable[Record]:
    if tree is None:
        return adapter.scan()
    return sorted(adapter.read(tree), key=_id)


def _id(record: Record) -> str:
    return str(orjson.loads(record.raw)["id"]["val"])


def _spooled(spool: IO[bytes]) -> Iterator[Record]:
    return (Record(line[:-1].decode()) for line in spool)

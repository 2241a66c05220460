"""What a store was made with, kept beside it: its kind of index and of histories.

Decided by what the server has when the first change is made, and asked by every
process: one that knows no modules must not write past an index of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from redis.exceptions import ConnectionError

from .index import Index, SetIndex
from .keys import Keys
from .search import SearchIndex
from .series import Series
from .server import SEARCH, SERIES, Server
from .timeseries import Histories, TimeSeries

__all__ = ["Layout", "ModuleMissing", "made", "record", "stored"]

_SETS, _BLOCKS = "sets", "blocks"


class ModuleMissing(ConnectionError):
    """The store was made on a server with modules, and this one lacks them."""


@dataclass(frozen=True, slots=True)
class Layout:
    index: str
    series: str

    def index_of(self, server: Server, keys: Keys) -> Index:
        """Raises ModuleMissing."""
        if self.index == _SETS:
            return SetIndex(server, keys)
        _need(self.index, server, keys)
        return SearchIndex(server, keys)

    def series_of(self, server: Server, keys: Keys) -> Histories:
        """Raises ModuleMissing."""
        if self.series == _BLOCKS:
            return Series(server, keys)
        _need(self.series, server, keys)
        return TimeSeries(server, keys)


def _need(module: str, server: Server, keys: Keys) -> None:
    if module not in server.modules:
        raise ModuleMissing(
            f"{keys.base} was made with the module {module}, which {server} lacks"
        )


def made(server: Server) -> Layout:
    """What a new store is made with here."""
    return Layout(
        SEARCH if SEARCH in server.modules else _SETS,
        SERIES if SERIES in server.modules else _BLOCKS,
    )


def stored(server: Server, keys: Keys) -> Layout | None:
    """What the store was made with; None as long as there is none."""
    index, series = cast(
        "list[bytes | None]", server.redis.hmget(keys.meta, "index", "series")
    )
    if index is None or series is None:
        return None
    return Layout(index.decode(), series.decode())


def record(server: Server, keys: Keys, layout: Layout) -> Layout:
    """Keep it for all processes, unless one was faster; what counts."""
    pipeline = server.redis.transact()
    pipeline.hsetnx(keys.meta, "index", layout.index)
    pipeline.hsetnx(keys.meta, "series", layout.series)
    pipeline.execute()
    found = stored(server, keys)
    assert found is not None
    if found.index == SEARCH:
        SearchIndex(server, keys).ensure()
    return found

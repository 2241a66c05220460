"""What a store was made with, kept beside it: its kind of index and of histories.

Decided by what the server has when the first change is made, and asked by every
process: one that knows no modules must not write past an index of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis.exceptions import ConnectionError

from .client import Client
from .history.series import Series
from .history.timeseries import Histories, TimeSeries
from .index.base import Index
from .index.search import SearchIndex
from .index.sets import SetIndex
from .keys import Keys
from .server import SEARCH, SERIES, Server

__all__ = [
    "RENAMED",
    "Layout",
    "ModuleMissing",
    "StoreOutdated",
    "TwoStores",
    "check_names",
    "is_outdated",
    "made",
    "record",
    "stored",
]

_SETS, _BLOCKS = "sets", "blocks"
RENAMED = "a newer version of haystack_app"
"""What the former version takes for a module that the server lacks."""


class ModuleMissing(ConnectionError):
    """The store was made on a server with modules, and this one lacks them."""


class StoreOutdated(ConnectionError):
    """The store was made by an earlier version, and its keys have other names."""


class TwoStores(ConnectionError):
    """One store has the names of an earlier version, another one those of this."""


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
    index, series = server.texts(keys.meta, "index", "series")
    return None if index is None or series is None else Layout(index, series)


def is_outdated(client: Client, keys: Keys) -> bool:
    """Whether there is a store whose keys have the names of the former version."""
    [index] = client.texts(keys.former_meta, "index")
    return index not in (None, RENAMED)


def check_names(client: Client, keys: Keys) -> None:
    """Raises StoreOutdated where ``is_outdated``."""
    if is_outdated(client, keys):
        raise StoreOutdated(
            f"the store {keys.prefix!r} has the keys of an earlier version: stop all"
            " programs of that version and run manage.py haystack_redis_reindex"
        )


def _set_new(server: Server, key: str, index: str, series: str) -> None:
    server.together(("HSETNX", key, "index", index), ("HSETNX", key, "series", series))


def record(server: Server, keys: Keys, layout: Layout) -> Layout:
    """Keep it for all processes, unless one was faster; what counts."""
    # to a program of the former version the store is none of its own
    _set_new(server, keys.former_meta, RENAMED, RENAMED)
    check_names(server, keys)
    _set_new(server, keys.meta, layout.index, layout.series)
    found = stored(server, keys)
    assert found is not None
    if found.index == SEARCH:
        SearchIndex(server, keys).ensure()
    return found

"""The layout of a store, saved with it: its kind of index and of histories.

The modules of the server decide at the first change, and every process reads the
layout: a process without modules must not bypass an index that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis.exceptions import ConnectionError

from .client import Client
from .history.series import Series
from .history.timeseries import Histories, TimeSeries
from .index.base import Index
from .index.moving import MovingIndex
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
    "moving",
    "new_layout",
    "record",
    "stored",
]

_SETS, _BLOCKS = "sets", "blocks"
_BESIDE = "+"
RENAMED = "a newer version of haystack_app"
"""The previous version reads this as a module that the server does not have."""


class ModuleMissing(ConnectionError):
    """The store was created with modules that this server does not have."""


class StoreOutdated(ConnectionError):
    """The store was created by an earlier version, and its keys have other names."""


class TwoStores(ConnectionError):
    """There are two stores, one with the key names of an earlier version."""


def moving(current: str, next: str) -> str:
    """The kind of an index while another one is built beside it."""
    return f"{current}{_BESIDE}{next}"


@dataclass(frozen=True, slots=True)
class Layout:
    index: str
    """The kind of the index; ``a+b`` while b is built, for which writers write both.

    Scripts and programs take such a kind for that of its first part when they read.
    """
    series: str

    @property
    def current(self) -> str:
        """The kind of the index that has all entities."""
        return self.index.partition(_BESIDE)[0]

    def index_of(self, server: Server, keys: Keys) -> Index:
        """Raises ModuleMissing."""
        current, _, next = self.index.partition(_BESIDE)
        found = _index(current, server, keys)
        return MovingIndex(found, _index(next, server, keys)) if next else found

    def series_of(self, server: Server, keys: Keys) -> Histories:
        """Raises ModuleMissing."""
        if self.series == _BLOCKS:
            return Series(server, keys)
        _need(self.series, server, keys)
        return TimeSeries(server, keys)


def _index(kind: str, server: Server, keys: Keys) -> Index:
    """Raises ModuleMissing."""
    if kind == _SETS:
        return SetIndex(server, keys)
    _need(kind, server, keys)
    return SearchIndex(server, keys)


def _need(module: str, server: Server, keys: Keys) -> None:
    if module not in server.modules:
        raise ModuleMissing(
            f"{keys.base} needs the module {module}, which {server} does not have"
        )


def new_layout(server: Server) -> Layout:
    """The layout of a new store on this server."""
    return Layout(
        SEARCH if SEARCH in server.modules else _SETS,
        SERIES if SERIES in server.modules else _BLOCKS,
    )


def stored(server: Server, keys: Keys) -> Layout | None:
    """The layout of the store; None before the first change."""
    index, series = server.texts(keys.meta, "index", "series")
    return None if index is None or series is None else Layout(index, series)


def is_outdated(client: Client, keys: Keys) -> bool:
    """Whether a store with the key names of the previous version exists."""
    [index] = client.texts(keys.former_meta, "index")
    return index not in (None, RENAMED)


def check_names(client: Client, keys: Keys) -> None:
    """Raises StoreOutdated if ``is_outdated``."""
    if is_outdated(client, keys):
        raise StoreOutdated(
            f"the store {keys.prefix!r} has the keys of an earlier version: stop all"
            " programs of that version and run manage.py haystack_redis_reindex"
        )


def _set_new(server: Server, key: str, index: str, series: str) -> None:
    server.together(("HSETNX", key, "index", index), ("HSETNX", key, "series", series))


def record(server: Server, keys: Keys, layout: Layout) -> Layout:
    """Save the layout, unless another process was faster; returns the saved one."""
    # programs of the previous version must not write to this store
    _set_new(server, keys.former_meta, RENAMED, RENAMED)
    check_names(server, keys)
    _set_new(server, keys.meta, layout.index, layout.series)
    found = stored(server, keys)
    assert found is not None
    if SEARCH in found.index.split(_BESIDE):
        SearchIndex(server, keys).ensure()
    return found

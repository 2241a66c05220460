"""Stores in databases of their own, made for one run and dropped after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import django
from django.conf import settings
from django.db import connections

__all__ = ["STORES", "Store"]

_ALIASES = {"sqlite": "default", "postgres": "postgres", "timescale": "timescale"}
STORES = ["memory", *_ALIASES, "redis", "redis-stack"]


class Store:
    """One adapter, holding one of several named sets of records at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sets: dict[str, list[dict[str, Any]]] = {}
        self.held: str | None = None
        self.exits = ExitStack()

    def __enter__(self) -> Self:
        django.setup()
        from haystack_app.storage.memory import InMemoryAdapter

        if self.name == "memory":
            self.adapter: Any = InMemoryAdapter()
        else:
            made = _orm_store if self.name in _ALIASES else _redis_store
            self.adapter = self.exits.enter_context(made(self.name))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.exits.close()

    def load(self, name: str, records: list[dict[str, Any]]) -> None:
        self.sets[name] = records
        self._hold(name)

    def match(self, name: str, text: str) -> list[str]:
        if name != self.held:
            self._hold(name)
        return [record["id"].id for record in self.adapter.read(text)]

    def parse(self, text: str) -> str:
        from haystack_app import filters

        return repr(filters.parse(text))

    def his_range(self, tz: str, text: str) -> tuple[Any, Any]:
        from haystack_app.ops.his_range import parse_range

        found = parse_range(text, tz)
        return found.start, found.end

    def _hold(self, name: str) -> None:
        self.adapter.load_entities(self.sets[name], replace=True)
        self.held = name


@contextmanager
def _orm_store(name: str) -> Iterator[Any]:
    from haystack_app.storage.orm import OrmAdapter

    alias = _ALIASES[name]
    if alias not in connections:
        raise SystemExit(settings.MISSING_SERVICES[alias])
    connection = connections[alias]
    configured = connection.settings_dict["NAME"]
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["NAME"] = f"scratch_{os.getpid()}"
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield OrmAdapter(using=alias)
    finally:
        connection.creation.destroy_test_db(configured, verbosity=0)


@contextmanager
def _redis_store(name: str) -> Iterator[Any]:
    from haystack_app.storage.redis import RedisAdapter
    from tests.redis_keys import wipe

    if name in settings.MISSING_SERVICES or name not in settings.REDIS_URLS:
        raise SystemExit(settings.MISSING_SERVICES.get(name, "REDIS_STACK_URL?"))
    url, prefix = settings.REDIS_URLS[name], f"scratch-{os.getpid()}"
    try:
        yield RedisAdapter(url=url, prefix=prefix, modules=name == "redis-stack")
    finally:
        wipe(url, prefix)

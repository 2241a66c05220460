"""Stores in databases of their own, made for one run and dropped behind it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import django
from django.db import connections

__all__ = ["Store"]

_ALIASES = {"sqlite": "default", "postgres": "postgres", "timescale": "timescale"}


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
        from haystack_app.storage.orm import OrmAdapter

        if self.name == "memory":
            self.adapter: Any = InMemoryAdapter()
            return self
        alias = _ALIASES[self.name]
        if alias not in connections:
            from django.conf import settings

            raise SystemExit(settings.MISSING_SERVICES[alias])
        connection = connections[alias]
        configured = connection.settings_dict["NAME"]
        if connection.vendor == "postgresql":
            connection.settings_dict["TEST"]["NAME"] = f"scratch_{os.getpid()}"
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        self.exits.callback(
            connection.creation.destroy_test_db, configured, verbosity=0
        )
        self.adapter = OrmAdapter(using=alias)
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

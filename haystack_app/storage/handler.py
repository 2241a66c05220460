"""``storages``: the storage adapters of the settings, one object per alias.

The handler is process-wide, for one object per thread would split a memory store.
It drops the adapters when the setting changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from ..conf import app_settings
from .base import StorageAdapter

__all__ = ["DEFAULT_ALIAS", "StorageHandler", "UnknownStorage", "storages"]

DEFAULT_ALIAS = "default"
_SYNONYMS = {"sys": DEFAULT_ALIAS}
_KEYS = {"BACKEND", "OPTIONS"}


class UnknownStorage(LookupError):
    """The settings have no storage with that alias."""


class StorageHandler:
    def __init__(self) -> None:
        self._adapters: dict[str, StorageAdapter] = {}
        self._lock = Lock()
        setting_changed.connect(self._on_setting_changed)

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        configured: dict[str, dict[str, Any]] = app_settings.STORAGES
        return configured

    def __getitem__(self, alias: str) -> StorageAdapter:
        alias = _SYNONYMS.get(alias, alias) if alias not in self.settings else alias
        with self._lock:
            if alias not in self._adapters:
                self._adapters[alias] = self.create(alias)
            return self._adapters[alias]

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def create(self, alias: str) -> StorageAdapter:
        """A new adapter from the settings; TypeError for an unknown option."""
        try:
            entry = self.settings[alias]
        except KeyError:
            raise UnknownStorage(f"no storage {alias!r} in settings") from None
        if unknown := entry.keys() - _KEYS:
            raise ImproperlyConfigured(
                f"storage {alias!r}: unknown key {min(unknown)!r}"
            )
        backend = import_string(entry["BACKEND"])
        adapter: StorageAdapter = backend(alias=alias, **entry.get("OPTIONS", {}))
        return adapter

    def _on_setting_changed(self, *, setting: str, **_: Any) -> None:
        if setting == "HAYSTACK":
            with self._lock:
                self._adapters.clear()


storages = StorageHandler()

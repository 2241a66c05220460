"""The defs of a store: the shipped library and the loaded ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from .. import filters
from ..defs.loader import shipped
from ..defs.namespace import Namespace
from ..filters.ast import Filter
from .backend import StorageBackend

__all__ = ["NamespaceStore"]


class NamespaceStore(StorageBackend):
    _known: tuple[Hashable, Namespace] | None = None

    def namespace(self) -> Namespace:
        """The current defs, cached until a library is loaded."""
        state = self.libs_state()
        if self._known is None or self._known[0] != state:
            libs = self.read_libs().values()
            loaded = [entry for lib in libs for entry in lib]
            self._known = (state, shipped().extended(loaded))
        return self._known[1]

    def load_defs(self, libs: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Store def libraries and replace those of the same name; all or none."""
        self.store_libs(libs)

    def parsed(self, filter: Filter | str) -> Filter:
        """A filter's tree with its symbols and times resolved. Raises ParseError.

        Times are relative to this call; Dates are of the setting ``TIME_ZONE``.
        """
        tree = filters.parse(filter) if isinstance(filter, str) else filter
        tree = filters.resolve_symbols(tree, self._implementations, self._has_spec)
        if not filters.is_relative(tree):
            return tree
        now = dt.datetime.now(timezone.get_default_timezone())
        return filters.resolve_times(tree, now)

    def _has_spec(self, name: str) -> bool:
        return self.namespace().has_spec(name)

    def _implementations(self, symbol: str) -> tuple[frozenset[str], ...]:
        return self.namespace().implementations(symbol)

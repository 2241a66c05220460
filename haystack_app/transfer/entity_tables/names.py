"""Entities by the names that Refs of tables have: ids, ``dis`` and ``navName``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ...filters import is_trash
from ...kinds.display import quoted
from ...kinds.scalars import MARKER, Ref

__all__ = ["EntityNames"]

_LISTED = 5


class _Named(NamedTuple):
    """An entity: what it is (``site``, ``equip``), and the id of its site."""

    id: str
    markers: frozenset[str]
    site: str | None


class EntityNames:
    """Names of the files' entities; those of the store count where none fits.

    ``stored`` are the records of the store, which are read on the first use.
    """

    def __init__(self, stored: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        self.of_files: dict[str, dict[str, _Named]] = defaultdict(dict)
        self._stored = stored
        self._of_store: dict[str, dict[str, _Named]] | None = None

    def add(self, record: Mapping[str, Any]) -> None:
        """A record of a file; names without an id are left out."""
        _add(self.of_files, record)

    def ref(self, tag: str, name: str, site: str | None) -> Ref:
        """The entity that a tag names, of the row's site if several have the name.

        Raises ValueError.
        """
        found = self.of_files.get(name) or self._in_store.get(name) or {}
        named = list(found.values())
        for is_meant in (
            lambda one: tag.removesuffix("Ref") in one.markers,
            lambda one: site is not None and one.site == site,
            lambda one: one.id == name,
        ):
            if len(named) > 1:
                named = list(filter(is_meant, named)) or named
        if len(named) == 1:
            return Ref(named[0].id)
        if not named:
            raise ValueError(f"no entity with the id or dis {quoted(name)}")
        shown = ", ".join(f"@{id}" for id in sorted(one.id for one in named)[:_LISTED])
        raise ValueError(f"{quoted(name)} names {len(named)} entities, {shown}")

    @property
    def _in_store(self) -> dict[str, dict[str, _Named]]:
        if self._of_store is None:
            self._of_store = defaultdict(dict)
            for record in self._stored():
                if not is_trash(record):
                    _add(self._of_store, record)
        return self._of_store


def _add(names: dict[str, dict[str, _Named]], record: Mapping[str, Any]) -> None:
    id, site = record.get("id"), record.get("siteRef")
    if not isinstance(id, Ref):
        return
    markers = frozenset(name for name, value in record.items() if value is MARKER)
    own = id.id if "site" in markers else None
    named = _Named(id.id, markers, site.id if isinstance(site, Ref) else own)
    texts = (record.get(name) for name in ("dis", "navName"))
    for text in (id.id, *texts):
        if isinstance(text, str) and text:
            names[text][id.id] = named

"""The interface of models to the storage layer, which is above them.

``haystack_app.model_backend`` registers its implementation when the app is ready. A
commit also writes reference edges, tag set, ``mod`` and change log, and sends the
signal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..filters.ast import Filter
from ..wire.record import Record

__all__ = ["ModelBackend", "backend", "register_backend"]


class ModelBackend(Protocol):
    """``using`` is the alias of a database in ``DATABASES``."""

    def parsed(self, using: str, filter: Filter | str) -> Filter:
        """A parsed filter, with symbols resolved by the loaded defs.

        Raises ParseError.
        """

    def words_of(self, text: str) -> list[str]:
        """The words of a search. Raises InvalidSearch."""

    def searched(self, using: str, scope: Filter, text: str) -> list[str]:
        """Ids of the entities in a scope that a search finds. Raises InvalidSearch."""

    def shown(
        self, using: str, scope: Filter, records: Iterable[Record]
    ) -> Iterator[Record]:
        """Records without the names of entities outside of a scope."""

    def scope_of(self, user: Any) -> Filter | None:
        """The filter of the entities that a user may see; None for all."""

    def save(
        self,
        using: str,
        entity: Any,
        fields: Sequence[str],
        *,
        force_insert: bool,
        force_update: bool,
    ) -> bool:
        """Commit ``tags``, ``cur`` or both, and set all fields to the stored values.

        Returns whether the entity was created. Raises InvalidRecord, IntegrityError if
        ``force_insert`` and it exists, DatabaseError if ``force_update`` and it does
        not.
        """

    def delete(self, using: str, ids: Sequence[str]) -> Mapping[str, int]:
        """Remove entities and their data; returns numbers of rows by model label."""


_registered: list[ModelBackend] = []


def register_backend(found: ModelBackend) -> None:
    _registered[:] = [found]


def backend() -> ModelBackend:
    if not _registered:
        raise RuntimeError("models cannot be used before haystack_app is ready")
    return _registered[0]

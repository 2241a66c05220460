"""What models need of the storage layer, which lies above them.

``storage.orm`` registers itself when the app is ready. It knows what a commit
means: reference edges, tag set, ``mod``, change log and announcements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..filters.ast import Filter

__all__ = ["ModelBackend", "backend", "register_backend"]


class ModelBackend(Protocol):
    """``using`` is the alias of a database in ``DATABASES``."""

    def parsed(self, using: str, filter: Filter | str) -> Filter:
        """A filter's tree, its symbols resolved by the defs that are loaded.

        Raises ParseError.
        """

    def scope_of(self, user: Any) -> Filter | None:
        """The filter of what a user may see; None for everything."""

    def save(
        self,
        using: str,
        entity: Any,
        fields: Sequence[str],
        *,
        force_insert: bool,
        force_update: bool,
    ) -> bool:
        """Commit ``tags``, ``cur`` or both, and set all fields to what is stored.

        Whether the entity is new. Raises InvalidRecord, IntegrityError where it
        must be new and is not, DatabaseError where it must exist and does not.
        """

    def delete(self, using: str, ids: Sequence[str]) -> Mapping[str, int]:
        """Remove entities with all that is theirs; numbers of rows by model label."""


_registered: list[ModelBackend] = []


def register_backend(found: ModelBackend) -> None:
    _registered[:] = [found]


def backend() -> ModelBackend:
    if not _registered:
        raise RuntimeError("models are used before haystack_app is ready")
    return _registered[0]

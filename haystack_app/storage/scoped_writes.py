"""What a caller with a scope must not store, beyond entities outside of the scope.

Refs that are added must lead to entities that the caller sees or stores in the same
batch, and guarded tags must get values of the caller's own filters. Otherwise a caller
could place entities in what other groups see. Refs and values that an entity already
has may stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..filters.guards import Guard
from ..kinds.transient import TRANSIENT
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .changeset import BATCH
from .errors import GuardedTags, OutOfScope, RefsOutOfScope
from .stored import Stored, edges_of

if TYPE_CHECKING:
    from .backend import StorageBackend

__all__ = ["check_scoped_write", "check_transient_refs"]

Tags = Mapping[str, Any]
AddedRef = tuple[str, str, str]
"""An id, a tag, and the id that it refers to."""


def check_scoped_write(store: StorageBackend, put: Sequence[Stored]) -> None:
    """Check entities before they are stored; the caller sees the existing ones.

    Raises OutOfScope for an id that only filters of other groups name, RefsOutOfScope
    or GuardedTags.
    """
    guard = store.guard()
    refs: list[AddedRef] = []
    tags: list[tuple[str, str, str]] = []
    for at in range(0, len(put), BATCH):
        batch = put[at : at + BATCH]
        held = store.read_by_ids([one.id for one in batch])
        for stored, before in zip(batch, held, strict=True):
            if before is None and stored.id in guard.ids:
                raise OutOfScope(stored.id)
            was = {} if before is None else before.tags
            refs += _added_refs(stored, was)
            tags += _refused_tags(guard, stored, was)
    _check_refs(store, refs, {stored.id for stored in put})
    if tags:
        raise GuardedTags(tags)


def check_transient_refs(
    store: StorageBackend, patches: Mapping[str, Tags], held: Mapping[str, Record]
) -> None:
    """Check the refs that transient tags add. Raises RefsOutOfScope."""
    refs = [
        (id, path, to)
        for id, patch in patches.items()
        for path, to in sorted(edges_of(patch) - edges_of(held[id].tags))
        if to
    ]
    _check_refs(store, refs, set())


def _added_refs(stored: Stored, was: Tags) -> Iterator[AddedRef]:
    edges = stored.edges | edges_of(Record(stored.cur).tags)
    for path, to in sorted(edges - edges_of(was)):
        if to:  # others are dicts
            yield stored.id, path.removesuffix("[]"), to


def _check_refs(
    store: StorageBackend, refs: Sequence[AddedRef], known: set[str]
) -> None:
    targets = {to for _, _, to in refs} - known
    if not targets:
        return
    known = known | store.visible_ids(sorted(targets))
    if hidden := [ref for ref in refs if ref[2] not in known]:
        raise RefsOutOfScope(hidden)


def _refused_tags(
    guard: Guard, stored: Stored, was: Tags
) -> Iterator[tuple[str, str, str]]:
    """Guarded tags that get a value which the caller must not set, or are removed."""
    if not guard.foreign:
        return
    persistent = {name: was[name] for name in was if name not in TRANSIENT}
    before = {path: value for path, _, value in guard.guarded(persistent)}
    after = list(guard.guarded(Record(stored.tags).tags))
    for path, tag, value in after:
        if not (_is_same(before.get(path), value) or guard.allows(tag, value)):
            yield stored.id, path, display_text(value)
    for path in sorted(before.keys() - {path for path, _, _ in after} - {"mod"}):
        yield stored.id, path, "removed"


def _is_same(one: Any, other: Any) -> bool:
    """In Python 1 and true are equal."""
    return type(one) is type(other) and bool(one == other)

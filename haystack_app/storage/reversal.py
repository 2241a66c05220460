"""What undoing a commit would change, computed from its log and the current records.

An undo sets the tags of the log's entries back, if they still have the values that the
commit gave them; it adds removed entities again, without their samples, and removes
added ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..kinds.display import shortened
from ..kinds.scalars import REMOVE as REMOVE_TAG
from ..kinds.scalars import Ref
from ..kinds.transient import TRANSIENT
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .changes import ADD, REMOVE, UPDATE, Change
from .dangling_refs import DanglingRef

__all__ = ["Reversal", "TagConflict", "reverse"]


class TagConflict(NamedTuple):
    """Why an entity, or one of its tags, stays as it is. ``tag`` may be empty."""

    id: str
    tag: str
    reason: str

    def __str__(self) -> str:
        return f"@{self.id}{self.tag and f' {self.tag}'}: {self.reason}"


@dataclass(slots=True)
class Reversal:
    """The effect of an undo.

    ``put`` are the tags to set by id, all of them for the entities of ``added``, and
    Remove for those to delete; ``removed`` are ids. ``samples_lost`` are added points
    whose samples were deleted with them, ``dangling`` restored refs to entities that
    do not exist.
    """

    put: dict[str, dict[str, Any]] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    conflicts: list[TagConflict] = field(default_factory=list)
    samples_lost: list[str] = field(default_factory=list)
    dangling: list[DanglingRef] = field(default_factory=list)

    @property
    def updated(self) -> list[str]:
        return [id for id in self.put if id not in self.added]

    def keep(self, id: str, reason: str, tag: str = "") -> None:
        """Leave something as it is, and say why."""
        self.conflicts.append(TagConflict(id, tag, reason))


def reverse(
    change: Change,
    held: Record | None,
    *,
    later: Sequence[Change],
    tag: str | None,
    result: Reversal,
) -> None:
    """Add the reverse of one entry of the log.

    ``held`` is the current record, ``later`` the entries of an added entity since, the
    newest first. ``tag``: only this tag of an update.
    """
    if change.kind == ADD:
        _remove(change, held, later, result)
    elif change.kind == REMOVE:
        _add(change, held, result)
    elif held is None:
        result.keep(change.id, "was removed since")
    else:
        _set_back(change, held, tag, result)


def _remove(
    change: Change, held: Record | None, later: Sequence[Change], result: Reversal
) -> None:
    if held is None:
        result.unchanged.append(change.id)
    elif not _is_same(held, later):
        result.keep(change.id, "was changed since it was added")
    else:
        result.removed.append(change.id)


def _add(change: Change, held: Record | None, result: Reversal) -> None:
    if held is not None:
        result.keep(change.id, "exists again")
        return
    tags = {name: tag for name, tag in change.before.items() if name != "mod"}
    result.put[change.id] = {"id": Ref(change.id), **tags}
    result.added.append(change.id)
    if "his" in tags:
        result.samples_lost.append(change.id)


def _set_back(change: Change, held: Record, tag: str | None, result: Reversal) -> None:
    before, after = change.before.tags, change.after.tags
    patch: dict[str, Any] = {}
    for name in sorted({*before, *after} if tag is None else {tag}):
        now = held.get(name)
        if _same(now, before.get(name)):
            continue
        if not _same(now, after.get(name)):
            reason = (
                f"is {_shown(now)} now; the change made it {_shown(after.get(name))}"
            )
            result.keep(change.id, reason, name)
            continue
        patch[name] = before.get(name, REMOVE_TAG)
    if patch:
        result.put[change.id] = patch
    elif not any(one.id == change.id for one in result.conflicts[-1:]):
        result.unchanged.append(change.id)


def _is_same(held: Record, later: Sequence[Change]) -> bool:
    """Whether all these changes together left the persistent tags as they were."""
    tags: dict[str, Any] = dict(held.tags)
    for change in later:
        if change.kind != UPDATE:
            tags = dict(change.before.tags)
            continue
        for name in change.after:
            tags.pop(name, None)
        tags |= change.before.tags
    names = (tags.keys() | held.keys()) - TRANSIENT - {"mod"}
    return all(_same(tags.get(name), held.get(name)) for name in names)


def _same(one: Any, other: Any) -> bool:
    """Equal but for the names of refs, which follow the entities that they name."""
    return bool(_nameless(one) == _nameless(other))


def _nameless(value: Any) -> Any:
    """Values with a type, since 1 equals true, and NaN equal to itself."""
    if isinstance(value, Ref):
        return Ref, value.id
    if isinstance(value, list):
        return [_nameless(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _nameless(one) for name, one in value.items()}
    return type(value), display_text(value)


def _shown(value: Any) -> str:
    return "missing" if value is None else shortened(display_text(value))

"""Tags and values that occur among entities, for the REST API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..filters.ast import Filter
from ..kinds.scalars import is_tag_name
from ..kinds.transient import TRANSIENT
from ..storage.occurrences import ValueCount
from ..wire.zinc_writer import display_text
from .arguments import require_filter
from .registry import Context, OpError

__all__ = ["TagCount", "tag_counts", "value_counts"]

_LONGEST = 200


@dataclass(frozen=True)
class TagCount:
    """A tag and how many entities have it; None if the server sets it."""

    tag: str
    count: int | None


def tag_counts(
    context: Context, filter: str | None, prefix: str, limit: int
) -> Sequence[TagCount]:
    """The tags of entities that match a filter, the most frequent first.

    Then those that the server sets. ``prefix`` is in any case. Raises OpError and
    ParseError.
    """
    _check_prefix(prefix)
    counts = context.storage.tag_counts(_tree(filter))
    tags = [TagCount(*one) for one in counts.items()]
    tags += [TagCount(name, None) for name in TRANSIENT - counts.keys()]
    found = [one for one in tags if one.tag.lower().startswith(prefix.lower())]
    return sorted(found, key=lambda one: (-(one.count or 0), one.tag))[:limit]


def value_counts(
    context: Context, tag: str, filter: str | None, prefix: str, limit: int
) -> Sequence[ValueCount]:
    """Values of a tag, the most frequent first; see ``OccurrenceStore``.

    Raises OpError and ParseError.
    """
    if not is_tag_name(tag):
        raise OpError(
            "a tag begins with a small letter, and has letters, digits and _ only, not"
            f" {display_text(tag)}"
        )
    _check_prefix(prefix)
    return context.storage.value_counts(tag, _tree(filter), prefix=prefix, limit=limit)


def _tree(filter: Any) -> Filter | None:
    return None if filter is None else require_filter(filter)


def _check_prefix(prefix: str) -> None:
    if len(prefix) > _LONGEST or "\0" in prefix:
        raise OpError(f"prefix: at most {_LONGEST} characters, without U+0000")

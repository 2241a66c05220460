"""What a writer with a scope may set, from the texts of the filters of all groups.

A filter that compares a tag, such as ``tenant == "b"``, shows its group every entity
that gets this value. So writers whose own filters do not name the value must not set
it, or they could place entities in the view of another group. Refs are not guarded
here: a store refuses refs to entities that the writer does not see. A filter that only
tests for presence guards nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kinds.scalars import Ref
from .ast import And, Compare, Filter, Or
from .matcher import matches

__all__ = ["UNGUARDED", "Guard", "compared"]

_OF_DATETIMES = {"date", "time", "tz"}
"""The last name of a path to a part of a DateTime, which is the value of a tag."""

Comparisons = Mapping[str, tuple[Compare, ...]]


@dataclass(frozen=True, slots=True)
class Guard:
    """Comparisons by the tag that they test, and the ids that filters name.

    ``foreign`` are of groups that the writer does not belong to, ``own`` of the others.
    """

    foreign: Comparisons = field(default_factory=dict)
    own: Comparisons = field(default_factory=dict)
    foreign_ids: frozenset[str] = frozenset()
    own_ids: frozenset[str] = frozenset()

    @classmethod
    def of(cls, own: Iterable[Filter], foreign: Iterable[Filter]) -> Guard:
        own_ones, own_ids = _by_tag(own)
        foreign_ones, foreign_ids = _by_tag(foreign)
        return cls(foreign_ones, own_ones, foreign_ids, own_ids)

    @property
    def ids(self) -> frozenset[str]:
        """Ids of entities that the writer must not create."""
        return self.foreign_ids - self.own_ids

    def allows(self, tag: str, value: Any) -> bool:
        """Whether the writer may give a tag this value: one that own filters name.

        A range of an own filter allows its values, except those that a foreign filter
        shows.
        """
        if tag not in self.foreign:
            return True
        own = [one for one in self.own.get(tag, ()) if _holds(one, tag, value)]
        if any(one.op == "==" for one in own):
            return True
        is_foreign = any(_holds(one, tag, value) for one in self.foreign[tag])
        return not is_foreign and any(one.op != "!=" for one in own)

    def guarded(self, tags: Mapping[str, Any], path: str = "") -> Iterator[_Guarded]:
        """(path, tag, value) of the guarded tags of a record, in nested dicts too.

        Not of refs: filters that walk through them guard what they lead to.
        """
        for name, value in tags.items():
            if name in self.foreign and not _is_refs(value):
                yield f"{path}{name}", name, value
            if isinstance(value, Mapping):
                yield from self.guarded(value, f"{path}{name}.")


UNGUARDED = Guard()

_Guarded = tuple[str, str, Any]


def compared(tree: Filter) -> Iterator[tuple[str, Compare]]:
    """The comparisons of a filter, by the tags that they test."""
    if isinstance(tree, And | Or):
        for term in tree.terms:
            yield from compared(term)
    elif isinstance(tree, Compare):
        yield tree.path[-1], tree
        if len(tree.path) > 1 and tree.path[-1] in _OF_DATETIMES:
            yield tree.path[-2], tree


def _by_tag(trees: Iterable[Filter]) -> tuple[Comparisons, frozenset[str]]:
    """The comparisons with other values than refs, and the ids in those with refs."""
    by_tag: dict[str, list[Compare]] = {}
    ids: set[str] = set()
    for tree in trees:
        for tag, one in compared(tree):
            if isinstance(one.value, Ref):
                ids.add(one.value.id)
            else:
                by_tag.setdefault(tag, []).append(one)
    return {tag: tuple(ones) for tag, ones in by_tag.items()}, frozenset(ids)


def _holds(one: Compare, tag: str, value: Any) -> bool:
    """Whether the comparison is true for a value of the tag, or of a part of it."""
    path = one.path[-1:] if one.path[-1] == tag else one.path[-2:]
    return matches(Compare(path, one.op, one.value), {tag: value}, lambda _: None)


def _is_refs(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, Ref) for item in value)
    return isinstance(value, Ref)

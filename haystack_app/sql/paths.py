"""Paths of filters as sets of ids, by the table of edges."""

from __future__ import annotations

from collections.abc import Iterator

from ..filters.ast import Path
from ..kinds.transient import TRANSIENT
from .fragments import Sql, Test, sql
from .tables import ENTITIES, ENTITY_REF

__all__ = [
    "PARTS_OF_DATE_TIME",
    "after",
    "from_record",
    "ids_of_refs",
    "is_set",
    "steps",
    "targets",
]

PARTS_OF_DATE_TIME = frozenset({"date", "time", "tz"})


def from_record(path: Path) -> Path:
    """The path without names that lead back to the record, such as its own id."""
    while path[0] == "id" and len(path) > 1:
        path = path[1:]
    return path


def is_set(path: Path, test: Test) -> bool:
    """Whether sets of ids express the test of a path exactly.

    The table of edges has no transient tags. ``not`` differs for lists of refs.
    """
    path = from_record(path)
    return len(path) > 1 and test.op != "missing" and path[0] not in TRANSIENT


def ids_of_refs(name: str, is_one: Sql) -> Sql:
    """A query of the entities whose tag may refer to one of some ids; the tag decides.

    ``is_one`` is the condition on the column ``dst`` of edges. Edges of rows that plain
    SQL changed are out of date until the worker updates them.
    """
    return sql(
        f"SELECT src FROM {ENTITY_REF} WHERE path = %s AND {{}}"
        f" UNION ALL SELECT m.id FROM {ENTITIES} m WHERE m.tag_set_id = 0",
        name,
        is_one,
    )


def after(path: Path, at: int) -> int:
    """The place of the name that an edge to place ``at`` continues with.

    A record's id refers to the record, so names ``id`` before the last are skipped.
    """
    while path[at] == "id" and at < len(path) - 1:
        at += 1
    return at


def steps(path: Path) -> Iterator[tuple[int, int, str]]:
    """(start, end, path of edges) of every edge that a path may follow."""
    for start in range(len(path) - 1):
        if path[start] not in TRANSIENT and after(path, start) == start:
            for end in range(start + 1, len(path)):
                yield start, after(path, end), ".".join(path[start:end])


def targets(path: Path, at: int) -> Sql:
    """The ids that edges lead to, from which the names from ``at`` on continue."""
    paths = sorted({edge for _, end, edge in steps(path) if end == at})
    places = ", ".join(["%s"] * len(paths))
    return sql(
        f"SELECT DISTINCT dst FROM {ENTITY_REF} WHERE path IN ({places})", *paths
    )

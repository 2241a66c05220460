"""Which indexes PostgreSQL uses for the filters of the bench."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connections

from haystack_app import filters
from haystack_app.storage.orm import OrmAdapter

__all__ = ["GIN", "indexes_of", "plan_of", "print_plans", "scanned_tables"]

GIN = "entities_tags_gin"


def plan_of(adapter: OrmAdapter, filter: str, **options: Any) -> str:
    """EXPLAIN of what the op ``read`` asks the database for."""
    tree = filters.parse(f"({filter}) and not trash")
    rows = adapter.matching(tree).values_list("tags", "cur", "tag_set_id")
    return rows.explain(**options)


def indexes_of(adapter: OrmAdapter, filter: str) -> list[str]:
    """Names of the indexes in a plan on PostgreSQL, in its order."""
    return _found(adapter, filter, "Index Name")


def scanned_tables(adapter: OrmAdapter, filter: str) -> list[str]:
    """Tables that a plan on PostgreSQL reads from end to end."""
    return _found(adapter, filter, "Relation Name", {"Seq Scan"})


def _found(
    adapter: OrmAdapter, filter: str, key: str, types: set[str] | None = None
) -> list[str]:
    [plan] = json.loads(plan_of(adapter, filter, format="json"))
    return list(
        dict.fromkeys(
            node[key]
            for node in _nodes(plan["Plan"])
            if key in node and (types is None or node["Node Type"] in types)
        )
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def print_plans(adapter: OrmAdapter, questions: dict[str, str]) -> None:
    """Every filter with its plan, and on PostgreSQL its indexes."""
    postgres = connections[adapter.using].vendor == "postgresql"
    for name, filter in questions.items():
        print(f"\nEXPLAIN {name}: {filter}")
        if postgres:
            found = indexes_of(adapter, filter)
            print(f"  indexes: {', '.join(found) or 'none'}")
            if scanned := scanned_tables(adapter, filter):
                print(f"  reads all of: {', '.join(scanned)}")
        options = {"analyze": True} if postgres else {}
        for line in plan_of(adapter, filter, **options).splitlines():
            print(f"    {line[:160]}")

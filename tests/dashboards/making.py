"""Dashboards of some users."""

from __future__ import annotations

from typing import Any

from haystack_app.models import Dashboard

CONTENT = {"sections": [{"tiles": [{"kind": "chart", "filter": "point and his"}]}]}


def dashboard(slug: str, owner: Any = None, **values: Any) -> Dashboard:
    groups = values.pop("groups", ())
    made = Dashboard.objects.create(
        slug=slug, title=slug.title(), owner=owner, **{"content": CONTENT, **values}
    )
    made.groups.set(groups)
    return made

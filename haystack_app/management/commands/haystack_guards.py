"""``haystack_guards``: list the values that are guarded by filters of groups."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from haystack_app.auth.permissions import parsed_scope
from haystack_app.filters.ast import Compare
from haystack_app.filters.guards import compared
from haystack_app.kinds.scalars import Ref
from haystack_app.kinds.transient import TRANSIENT
from haystack_app.models import GroupScope
from haystack_app.wire.zinc_writer import display_text


class Command(BaseCommand):
    help = (
        "List the tags and ids that filters of groups compare. Members of other groups "
        "with filters must keep the values of such tags, or set one that a filter of "
        "their own names, and must not add entities with such ids."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        groups: dict[str, set[str]] = {}
        for scope in GroupScope.objects.select_related("group"):
            for tag, one in compared(parsed_scope(scope.filter)):
                groups.setdefault(_line(tag, one), set()).add(scope.group.name)
        for line, names in sorted(groups.items()):
            self.stdout.write(f"{line}: {', '.join(sorted(names))}")
        if not groups:
            self.stdout.write("no filter of a group compares a value")


def _line(tag: str, one: Compare) -> str:
    """What is guarded, and the comparison by which."""
    value = display_text(one.value)
    if isinstance(one.value, Ref):
        return f"id {value}"
    note = " (not guarded: it is set by samples)" if tag in TRANSIENT else ""
    return f"tag {tag}{note}, by {'->'.join(one.path)} {one.op} {value}"

"""``haystack_views``: views for people who use SQL."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import CommandError, CommandParser

from haystack_app import filters
from haystack_app.models import GroupScope
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm.views import (
    InvalidView,
    create_views,
    drop_views,
    grant_views,
    view_names,
)
from haystack_app.wire.errors import ParseError

from ._storage import StorageCommand

_APART = (
    "views need entities and samples in one database, and HISTORY_DATABASE_URL has the"
    " samples in another one: make views of your own there, of foreign tables"
    " (postgres_fdw); see docs/history-database.md"
)


class Command(StorageCommand):
    help = (
        "Create the views haystack_points, haystack_samples and, on PostgreSQL, "
        "haystack_rollups. They show everything: the rights of the API do not hold in "
        "SQL. With --group they show what one group sees, by its filter as it is now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--group",
            metavar="NAME",
            help="views of the entities that this group sees, such as "
            "haystack_points_north",
        )
        parser.add_argument(
            "--grant",
            metavar="ROLE",
            action="append",
            default=[],
            help="let a role of PostgreSQL select from the views",
        )
        parser.add_argument(
            "--drop", action="store_true", help="drop the views instead"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        adapter = self.adapter(options)
        if not isinstance(adapter, OrmAdapter):
            raise CommandError(
                f"storage {adapter.alias!r} is not in a database that has views"
            )
        if adapter.is_split:
            raise CommandError(_APART)
        if options["drop"] and options["grant"]:
            raise CommandError("give --grant or --drop, not both of them")
        group: str | None = options["group"]
        try:
            if options["drop"]:
                names = drop_views(adapter.using, group)
            else:
                if group is not None:
                    _check_name(group)
                scope = None if group is None else _scope(adapter, group)
                names = create_views(adapter.using, group, scope)
            for role in options["grant"]:
                grant_views(adapter.using, names, role)
        except InvalidView as err:
            raise CommandError(str(err)) from None
        done = "dropped" if options["drop"] else "made"
        self.stdout.write(f"{done}: {', '.join(names)}" if names else "no views")


def _scope(adapter: OrmAdapter, name: str) -> filters.Filter:
    """The filter of a group, with resolved symbols. Raises CommandError."""
    try:
        group = Group.objects.get(name=name)
        text = GroupScope.objects.get(group=group).filter
        return adapter.parsed(text)
    except Group.DoesNotExist:
        raise CommandError(f"--group: unknown group {name!r}") from None
    except GroupScope.DoesNotExist:
        raise CommandError(
            f"--group: {name!r} has no filter, so that its members see all entities:"
            " use the views without --group"
        ) from None
    except ParseError as err:
        raise CommandError(
            f"--group: the filter of {name!r} is invalid: {err}"
        ) from None


def _check_name(name: str) -> None:
    """Raises CommandError if the views of another group would be replaced.

    Roles that may select from them would see what this group sees.
    """
    for other in Group.objects.exclude(name=name).values_list("name", flat=True):
        try:
            same = view_names(other) == view_names(name)
        except InvalidView:
            continue
        if same:
            raise CommandError(
                f"--group: the views of {name!r} would have the names of those of"
                f" {other!r}: rename one of the groups"
            )

"""``haystack_adopt``: a database of haystack-py into a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from haystack_app import databases
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.transfer.haystack_py import rename_tables
from haystack_app.transfer.haystack_py.adopt import Adopted, Wishes, adopt
from haystack_app.transfer.haystack_py.json3 import AUTO, FORMATS
from haystack_app.transfer.haystack_py.tables import (
    OLD,
    Layout,
    NoSuchTables,
    layouts,
    opened,
)
from haystack_app.transfer.stores import check_migrated

from ._storage import Bars, StorageCommand, check_zone

_SHOWN = 5


class Command(StorageCommand):
    help = (
        "Bring over a database of haystack-py (tables entities and history, or "
        "hs_entities, hs_history and hs_priority). What the storage has already stays "
        "as it is there. Run it again after an interruption: it goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "dsn", nargs="?", help="postgresql://user:password@host:port/name"
        )
        parser.add_argument(
            "--in-place",
            action="store_true",
            help="the tables are in the storage's own database: rename those whose "
            "names are needed to *_haystack_py, and migrate",
        )
        parser.add_argument(
            "--drop-old",
            action="store_true",
            help="with --in-place: drop the old tables when all has come over",
        )
        parser.add_argument(
            "--tables", metavar="NAME", help="the table of entities, where two are"
        )
        parser.add_argument("--format", choices=FORMATS, default=AUTO)
        parser.add_argument(
            "--default-tz", metavar="CITY", help="tz of points with samples without it"
        )
        parser.add_argument(
            "--default-kind",
            choices=["Number", "Bool"],
            help="kind of points with samples without it",
        )
        parser.add_argument(
            "--add-his",
            action="store_true",
            help="make what has samples a point with history where it is none",
        )
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="old tags, samples and levels in place of what is here already",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="tell what would come, store nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _check_options(options)
        if options["default_tz"] is not None:
            check_zone(options["default_tz"], "--default-tz")
        target = self.writable_adapter(options)
        wishes = Wishes(
            options["format"],
            options["default_tz"],
            options["default_kind"],
            options["add_his"],
            options["overwrite"],
            options["dry_run"],
        )
        with _source(options, target) as connection:
            name = options["tables"]
            if options["in_place"]:
                name = self._make_room(connection, target, options)
            elif isinstance(target, OrmAdapter):
                check_migrated(target.using, "manage.py migrate")
            layout = _layout(connection, name)
            with Bars() as watch:
                done = adopt(connection, layout, target, wishes, watch)
        self._tell(layout, done, dry_run=wishes.dry_run)
        if options["drop_old"]:
            self._drop(target, layout)

    # -- in place ---------------------------------------------------------------

    def _make_room(
        self,
        connection: BaseDatabaseWrapper,
        target: StorageAdapter,
        options: dict[str, Any],
    ) -> str:
        """What the table of entities that was asked for is called then."""
        if not isinstance(target, OrmAdapter) or not rename_tables.is_same_database(
            connection, connections[target.using]
        ):
            raise CommandError("--in-place: the DSN is not the storage's own database")
        name = _layout(connection, options["tables"]).entities
        if options["dry_run"]:
            check_migrated(target.using, "a dry run needs the tables of this app")
        theirs = [table for one in layouts(connection) for table in one.tables]
        renamed = rename_tables.make_room(target.using, theirs)
        for table in renamed:
            self.stdout.write(f"renamed {table} to {table}{OLD}")
        call_command("migrate", database=target.using, interactive=False, verbosity=0)
        return name + OLD if name in renamed else name

    def _drop(self, target: StorageAdapter, layout: Layout) -> None:
        assert isinstance(target, OrmAdapter)
        rename_tables.drop(target.using, layout.tables)
        self.stdout.write(f"dropped {', '.join(layout.tables)}")

    # -- telling ----------------------------------------------------------------

    def _tell(self, layout: Layout, done: Adopted, *, dry_run: bool) -> None:
        prefix = "dry run, nothing stored: " if dry_run else ""
        self.stdout.write(
            f"{prefix}{done.entities:,} entities ({done.format}), {done.samples:,} "
            f"samples of {done.points:,} points, {done.levels:,} levels from "
            f"{', '.join(layout.tables)}"
        )
        if done.kept:
            names = ", ".join(f"@{id}" for id in done.kept[:_SHOWN])
            more = ", .." if len(done.kept) > _SHOWN else ""
            self.stdout.write(
                f"{len(done.kept):,} entities stay as they are here, with other tags: "
                f"{names}{more}"
            )
        if done.empty:
            self.stdout.write(f"{done.empty:,} samples have no value: left out")
        if done.merged:
            self.stdout.write(
                f"{done.merged:,} samples are at the same time as a later one: left out"
            )
        for id, reason in done.refused:
            self.stderr.write(f"refused: @{id}: {reason}")
        if done.refused:
            raise CommandError(
                f"{len(done.refused):,} things were refused; all others came over"
                if not dry_run
                else f"{len(done.refused):,} things would be refused"
            )


def _check_options(options: dict[str, Any]) -> None:
    if options["dsn"] is None and not options["in_place"]:
        raise CommandError("give the DSN of haystack-py's database, or --in-place")
    if options["drop_old"] and not options["in_place"]:
        raise CommandError("--drop-old is for --in-place")
    if options["drop_old"] and options["dry_run"]:
        raise CommandError("--drop-old has no dry run")


@contextmanager
def _source(
    options: dict[str, Any], target: StorageAdapter
) -> Iterator[BaseDatabaseWrapper]:
    """A connection to the DSN, or else to the storage's own database."""
    if options["dsn"] is not None:
        try:
            config = databases.postgres(options["dsn"])
        except ImproperlyConfigured as err:
            raise CommandError(str(err)) from None
    elif isinstance(target, OrmAdapter):
        config = connections.settings[target.using]
    else:
        raise CommandError("--in-place is for storages in a database")
    if not config["ENGINE"].endswith("postgresql"):
        raise CommandError("haystack-py keeps its tables in PostgreSQL")
    with opened(config) as connection:
        yield connection


def _layout(connection: BaseDatabaseWrapper, name: str | None) -> Layout:
    """The one set of tables there is, or that was named."""
    found = [one for one in layouts(connection) if name in (None, one.entities)]
    if not found:
        raise NoSuchTables(
            "no tables of haystack-py there: neither entities(id, tags) nor hs_entities"
        )
    if len(found) > 1:
        names = " and ".join(one.entities for one in found)
        raise NoSuchTables(f"{names} are there: name one with --tables")
    return found[0]

"""``haystack_adopt``: import a database of haystack-py into a store."""

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
from haystack_app.transfer.haystack_py.adopt import AdoptOptions, AdoptResult, adopt
from haystack_app.transfer.haystack_py.json3 import AUTO, FORMATS
from haystack_app.transfer.haystack_py.rename_tables import (
    drop_tables,
    is_same_database,
    rename_tables,
)
from haystack_app.transfer.haystack_py.tables import (
    OLD_SUFFIX,
    Layout,
    UnusableTables,
    connect,
    layouts,
)
from haystack_app.transfer.stores import check_migrated

from ._storage import ProgressBars, StorageCommand, check_zone

_MAX_SHOWN = 5


class Command(StorageCommand):
    help = (
        "Import a database of haystack-py (tables entities and history, or "
        "hs_entities, hs_history and hs_priority). Data that the storage already has "
        "is kept. After an interruption, run the command again to continue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "dsn", nargs="?", help="postgresql://user:password@host:port/name"
        )
        parser.add_argument(
            "--in-place",
            action="store_true",
            help="the tables are in the storage's own database: rename those with "
            "names that this app needs to *_haystack_py, then migrate",
        )
        parser.add_argument(
            "--drop-old",
            action="store_true",
            help="with --in-place: drop the old tables if everything was imported",
        )
        parser.add_argument(
            "--tables",
            metavar="NAME",
            help="the table of entities, if the database has several",
        )
        parser.add_argument(
            "--format",
            choices=FORMATS,
            default=AUTO,
            help="the JSON of the tags (default: detected)",
        )
        parser.add_argument(
            "--default-tz",
            metavar="CITY",
            help="tz of points that have samples but no tz",
        )
        parser.add_argument(
            "--default-kind",
            choices=["Number", "Bool"],
            help="kind of points that have samples but no kind",
        )
        parser.add_argument(
            "--add-his",
            action="store_true",
            help="add the tags point and his to entities that have samples",
        )
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="replace existing tags, samples and levels with the old ones",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="show what would be imported; store nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _check_options(options)
        if options["default_tz"] is not None:
            check_zone(options["default_tz"], "--default-tz")
        target = self.writable_adapter(options)
        adopt_options = AdoptOptions(
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
                name = self._rename(connection, target, options)
            elif isinstance(target, OrmAdapter):
                for using in target.databases:
                    check_migrated(using, "run manage.py migrate")
            layout = _layout(connection, name)
            with ProgressBars() as progress:
                result = adopt(connection, layout, target, adopt_options, progress)
        self._report(layout, result, dry_run=adopt_options.dry_run)
        if options["drop_old"]:
            self._drop(target, layout)

    # -- in place ---------------------------------------------------------------

    def _rename(
        self,
        connection: BaseDatabaseWrapper,
        target: StorageAdapter,
        options: dict[str, Any],
    ) -> str:
        """Make room for this app's tables. Returns the new name of the entity table."""
        if isinstance(target, OrmAdapter) and target.is_split:
            raise CommandError(
                "--in-place needs entities and samples in one database: adopt from the"
                " DSN of haystack-py's database instead"
            )
        if not isinstance(target, OrmAdapter) or not is_same_database(
            connection, connections[target.using]
        ):
            raise CommandError("--in-place: the DSN is not the storage's own database")
        name = _layout(connection, options["tables"]).entities
        if options["dry_run"]:
            check_migrated(target.using, "--dry-run requires the tables of this app")
        old = [table for one in layouts(connection) for table in one.tables]
        renamed = rename_tables(target.using, old)
        for table in renamed:
            self.stdout.write(f"renamed {table} to {table}{OLD_SUFFIX}")
        call_command("migrate", database=target.using, interactive=False, verbosity=0)
        return name + OLD_SUFFIX if name in renamed else name

    def _drop(self, target: StorageAdapter, layout: Layout) -> None:
        assert isinstance(target, OrmAdapter)
        drop_tables(target.using, layout.tables)
        self.stdout.write(f"dropped {', '.join(layout.tables)}")

    # -- output -----------------------------------------------------------------

    def _report(self, layout: Layout, result: AdoptResult, *, dry_run: bool) -> None:
        prefix = "dry run, nothing stored: " if dry_run else ""
        self.stdout.write(
            f"{prefix}{result.entities:,} entities ({result.format}), "
            f"{result.samples:,} samples of {result.points:,} points, "
            f"{result.levels:,} levels from {', '.join(layout.tables)}"
        )
        if result.kept:
            names = ", ".join(f"@{id}" for id in result.kept[:_MAX_SHOWN])
            more = ", .." if len(result.kept) > _MAX_SHOWN else ""
            self.stdout.write(
                f"{len(result.kept):,} existing entities with different tags kept: "
                f"{names}{more}"
            )
        if result.empty:
            self.stdout.write(f"{result.empty:,} samples without a value skipped")
        if result.duplicates:
            self.stdout.write(
                f"{result.duplicates:,} samples with a later one at the same time "
                "skipped"
            )
        for id, reason in result.rejected:
            self.stderr.write(f"rejected: @{id}: {reason}")
        if result.rejected:
            raise CommandError(
                f"{len(result.rejected):,} errors: the rejected data was not imported; "
                "all other data was"
                if not dry_run
                else f"{len(result.rejected):,} errors: this data would be rejected"
            )


def _check_options(options: dict[str, Any]) -> None:
    if options["dsn"] is None and not options["in_place"]:
        raise CommandError(
            "the DSN of haystack-py's database is required without --in-place"
        )
    if options["drop_old"] and not options["in_place"]:
        raise CommandError("--drop-old requires --in-place")
    if options["drop_old"] and options["dry_run"]:
        raise CommandError("--drop-old cannot be combined with --dry-run")


@contextmanager
def _source(
    options: dict[str, Any], target: StorageAdapter
) -> Iterator[BaseDatabaseWrapper]:
    """A connection to the DSN, or without one to the storage's own database."""
    if options["dsn"] is not None:
        try:
            config = databases.postgres(options["dsn"])
        except ImproperlyConfigured as err:
            raise CommandError(str(err)) from None
    elif isinstance(target, OrmAdapter):
        config = connections.settings[target.using]
    else:
        raise CommandError("--in-place requires a storage in a database")
    if not config["ENGINE"].endswith("postgresql"):
        raise CommandError("the database of haystack-py must be PostgreSQL")
    with connect(config) as connection:
        yield connection


def _layout(connection: BaseDatabaseWrapper, name: str | None) -> Layout:
    """The only set of tables, or the one with that table of entities."""
    found = [one for one in layouts(connection) if name in (None, one.entities)]
    if not found:
        raise UnusableTables(
            "no tables of haystack-py found: neither entities(id, tags) nor hs_entities"
        )
    if len(found) > 1:
        names = " and ".join(one.entities for one in found)
        raise UnusableTables(f"both {names} exist: select one with --tables")
    return found[0]

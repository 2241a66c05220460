"""``haystack_chunks``: show and set how much time a chunk of the history covers."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from haystack_app.history_router import history_databases
from haystack_app.storage.orm.hypertable import Chunks, chunks_of, set_days

from ._storage import refusals

AUTO = "auto"


def _days(text: str) -> int | str:
    if text == AUTO:
        return text
    if not text.isdecimal() or not 1 <= int(text) <= 3_650:
        raise ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 3650 or auto"
        )
    return int(text)


class Command(BaseCommand):
    help = (
        "Show the chunks of the history on TimescaleDB, and the interval that suits "
        "the samples of the last 90 days. With --days, set the interval of new chunks; "
        "chunks that exist stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database",
            default=history_databases().get(DEFAULT_DB_ALIAS, DEFAULT_DB_ALIAS),
            metavar="ALIAS",
            help="a database of the setting DATABASES (default: %(default)s)",
        )
        parser.add_argument(
            "--days",
            type=_days,
            help="days of a new chunk, or auto for the recommended number",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] not in connections:
            raise CommandError(f"unknown database {options['database']!r}")
        connection = connections[options["database"]]
        with refusals():
            chunks = chunks_of(connection)
            if chunks is None:
                raise CommandError(
                    "the history is not a hypertable: "
                    "chunks are a feature of TimescaleDB"
                )
            self._show(chunks)
            if options["days"] is None:
                return
            days = chunks.recommended if options["days"] == AUTO else options["days"]
            set_days(connection, days)
        self.stdout.write(f"new chunks cover {days} days; the others stay as they are")

    def _show(self, chunks: Chunks) -> None:
        self.stdout.write(
            f"{chunks.number:,} chunks, {_megabytes(chunks.bytes)}; "
            f"new chunks cover {chunks.days:g} days\n"
            f"{_megabytes(chunks.bytes_per_day)} a day in the last 90 days; "
            f"recommended: {chunks.recommended} days"
        )


def _megabytes(size: float) -> str:
    return f"{size / 1024**2:,.1f} MB"

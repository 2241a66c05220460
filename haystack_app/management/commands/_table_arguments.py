"""Arguments of all commands that read tables of other systems."""

from __future__ import annotations

from argparse import _ArgumentGroup
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from haystack_app.transfer.tables.bad_rows import BadRowReport
from haystack_app.transfer.tables.rows import NAMES
from haystack_app.transfer.tables.stamps import ORDERS
from haystack_app.wire.files import UnreadableFile

__all__ = ["add_dialect_arguments", "add_errors_argument", "error_report"]


def add_errors_argument(parser: CommandParser) -> None:
    parser.add_argument(
        "--errors",
        type=Path,
        metavar="FILE",
        help="write all errors to a CSV file",
    )


def add_dialect_arguments(group: _ArgumentGroup) -> None:
    """How texts are read where a table has two readings."""
    group.add_argument(
        "--dates",
        choices=sorted(ORDERS),
        help="the order of day, month and year in dates of numbers",
    )
    group.add_argument(
        "--decimal", choices=["comma", "point"], help="the decimal sign of numbers"
    )
    group.add_argument(
        "--delimiter", choices=list(NAMES), help="what separates the cells of a row"
    )
    group.add_argument(
        "--no-value",
        action="append",
        default=[],
        metavar="WORD",
        help="text of cells without a value, besides empty, NaN, null, N/A, - and Calm",
    )


@contextmanager
def error_report(path: Path | None) -> Iterator[Callable[[UnreadableFile], object]]:
    """What writes each error to the file of ``--errors``."""
    if path is None:
        yield lambda _: None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield BadRowReport(file)
    except OSError as err:
        raise CommandError(f"--errors: {path}: {err.strerror}") from None

"""Arguments of ``haystack_his_import`` for tables of other systems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from haystack_app.transfer.tables.mapping import read_mapping
from haystack_app.transfer.tables.options import TableOptions

from ._table_arguments import add_dialect_arguments

__all__ = ["add_table_arguments", "table_options"]


def add_table_arguments(parser: CommandParser) -> None:
    group = parser.add_argument_group("tables of other systems")
    group.add_argument(
        "--point", metavar="ID", help="the point of a table with one column of values"
    )
    group.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE",
        help="CSV with the columns header, id, unit, factor, kind: the points of "
        "headers or names; an empty id leaves the column out",
    )
    group.add_argument(
        "--save-mapping",
        type=Path,
        metavar="FILE",
        help="write the points of all headers and names as a file for --mapping",
    )
    group.add_argument(
        "--create",
        action="store_true",
        help="make the points of the mapping that are missing and have samples, in the "
        "zone of --tz",
    )
    group.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="HEADER",
        help="leave a column out; '*' leaves out all that are not those of points",
    )
    group.add_argument(
        "--time",
        action="append",
        default=[],
        metavar="HEADER",
        help="the column of times; twice for date and time of day",
    )
    add_dialect_arguments(group)
    group.add_argument(
        "--status",
        choices=["skip", "na", "keep"],
        default="skip",
        help="samples with a bad status such as {fault}: left out, stored as NA, or as "
        "they are (default: %(default)s)",
    )


def table_options(options: dict[str, Any]) -> TableOptions:
    """Raises UnreadableFile for an invalid mapping."""
    mapping = options["mapping"]
    return TableOptions(
        delimiter=options["delimiter"],
        decimal=options["decimal"],
        dates=options["dates"],
        point=options["point"],
        time=tuple(options["time"]),
        ignore=tuple(options["ignore"]),
        no_value=tuple(options["no_value"]),
        status=options["status"],
        mapping={} if mapping is None else read_mapping(Path(mapping)),
    )

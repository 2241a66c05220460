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
        "--sheet",
        action="append",
        default=[],
        metavar="NAME",
        help="a sheet of an .xlsx (default: all with content)",
    )
    group.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE",
        help="CSV with the columns header, id, unit, factor, kind, or the same in "
        "YAML or JSON: the points of headers or names; an empty id leaves the column "
        "out",
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
        help="make the points of the mapping, or without one those of headers and "
        "names in rows, that are missing and have samples",
    )
    group.add_argument(
        "--site", metavar="ID", help="the site of points that --create makes"
    )
    group.add_argument(
        "--equip", metavar="ID", help="the equip of points that --create makes"
    )
    group.add_argument(
        "--stamps",
        choices=["start", "end"],
        help="values are amounts of intervals whose start, or end, is the time; starts "
        "are moved to the ends, and the points get hisMode consumption",
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
    group.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HEADER",
        help="the column of the points' names; several times for the parts of a path",
    )
    group.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="HEADER",
        help="the column of values beside names; several times for several points of "
        "each name",
    )
    group.add_argument(
        "--year", type=int, help="the year of times without one, such as 01/15 08:00"
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
        name=tuple(options["name"]),
        value=tuple(options["value"]),
        no_value=tuple(options["no_value"]),
        status=options["status"],
        year=options["year"],
        stamps=options["stamps"],
        mapping={} if mapping is None else read_mapping(Path(mapping)),
    )

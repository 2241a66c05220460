"""``haystack_quality``: what the histories of points are lacking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser

from haystack_app.kinds.datetimes import DateTime
from haystack_app.ops import Context, OpError
from haystack_app.ops.quality import (
    DAYS,
    FLAT_HOURS,
    SORTS,
    PointQuality,
    as_grid,
    as_json,
    quality,
    read_hours,
)
from haystack_app.wire import csv_writer, zinc_writer
from haystack_app.wire.errors import ParseError

from ._storage import StorageCommand

_HEADER = (
    "score",
    "age",
    "samples",
    "interval",
    "share",
    "gaps",
    "longest gap",
    "flat",
    "outside",
    "kind",
    "future",
    "NA",
    "point",
)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Command(StorageCommand):
    help = (
        "Show the quality of the histories of points, all or those that match a "
        "filter, the worst first: age, gaps, flat lines, values that are out of range."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("filter", nargs="?", metavar="FILTER")
        parser.add_argument(
            "--range",
            metavar="RANGE",
            help="the period, as for hisRead, in the time zone of each point "
            f"(default: the last {DAYS} days)",
        )
        parser.add_argument(
            "--flat",
            default=str(FLAT_HOURS),
            metavar="HOURS",
            help="hours that a sensor may stay at one value (default: %(default)s)",
        )
        parser.add_argument(
            "--sort",
            default="score",
            metavar="FIELD",
            help=f"one of {', '.join(SORTS)}; --sort=-FIELD sorts in descending order "
            "(default: %(default)s)",
        )
        parser.add_argument(
            "--limit", type=int, metavar="N", help="show the first N points only"
        )
        parser.add_argument(
            "--format",
            choices=tuple(_WRITERS),
            default="table",
            help="(default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        most: int | None = options["limit"]
        if most is not None and most < 1:
            raise CommandError(f"--limit must be 1 or greater, not {most}")
        try:
            found = quality(
                Context(self.adapter(options)),
                options["filter"],
                options["range"],
                read_hours(options["flat"]),
                options["sort"],
            )
        except (OpError, ParseError) as err:
            raise CommandError(str(err)) from None
        for text in _WRITERS[options["format"]](found[:most]):
            self.stdout.write(text, ending="")
        if options["format"] == "table":
            self.stdout.write(f"{len(found):,} points")


def _csv(rows: Iterable[PointQuality]) -> Iterator[str]:
    return csv_writer.grid_chunks(as_grid(rows))


def _zinc(rows: Iterable[PointQuality]) -> Iterator[str]:
    return zinc_writer.grid_chunks(as_grid(rows))


def _json(rows: Iterable[PointQuality]) -> Iterator[str]:
    indent = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    yield orjson.dumps([as_json(row) for row in rows], option=indent).decode()


def _table(rows: Iterable[PointQuality]) -> Iterator[str]:
    """Columns of numbers, right-aligned, then the point."""
    lines = [_HEADER, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for *cells, point in lines:
        padded = (cell.rjust(width) for cell, width in zip(cells, widths, strict=False))
        yield "  ".join([*padded, point]) + "\n"


def _cells(row: PointQuality) -> tuple[str, ...]:
    return (
        f"{row.score:.1f}",
        _duration(row.age),
        f"{row.samples:,}",
        _duration(row.interval),
        _percent(row.share),
        "" if row.gaps is None else str(row.gaps),
        _since(row.gap, row.gapStart),
        _since(row.flat, row.flatStart),
        str(row.outside),
        str(row.mismatched),
        str(row.future),
        _percent(row.na),
        f"@{row.id}" + (f" {row.dis}" if row.dis else ""),
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _since(seconds: float | None, start: DateTime | None) -> str:
    if start is None:
        return ""
    return f"{_duration(seconds)} from {start.local:%Y-%m-%d %H:%M}"


def _duration(seconds: float | None) -> str:
    """In the largest unit of which there is at least one."""
    if seconds is None:
        return ""
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


_WRITERS = {"table": _table, "csv": _csv, "json": _json, "zinc": _zinc}

"""``haystack_his_import``: import samples from files of many forms."""

from __future__ import annotations

import datetime as dt
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.kinds.datetimes import DateTime
from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer import his_files, timestamps
from haystack_app.transfer.his_export import exported_files
from haystack_app.transfer.his_import import ImportResult, import_histories
from haystack_app.transfer.his_points import ReadingOptions, SamplePoints
from haystack_app.transfer.tables.bad_rows import BadRowReport, allowed_rows
from haystack_app.transfer.tables.description import description
from haystack_app.transfer.tables.options import TableOptions
from haystack_app.transfer.tables.recognition import is_table
from haystack_app.transfer.tables.understanding import Table, understood
from haystack_app.wire.file_errors import FileErrors
from haystack_app.wire.files import UnreadableFile

from ._his_import_options import add_table_arguments, table_options
from ._storage import StorageCommand, check_zone, progress_bar

_RECENT = 100
"""Changes of samples among which that of an import is."""
_LISTED = 50


class Command(StorageCommand):
    help = (
        "Import samples of any number of points. All files are checked before anything "
        "is stored.\n\n"
        f"{his_files.__doc__}\n"
        "Values are parsed by the point's kind. Numbers may have the point's unit, "
        "NA is\nthe value NA, and empty cells of columns are skipped. Of several "
        "samples at the\nsame time the last one is stored.\n\n"
        f"{timestamps.__doc__}"
    )

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", type=Path, metavar="FILE or DIR")
        parser.add_argument(
            "--tz",
            metavar="CITY",
            help="zone of times without an offset (default: that of each point); "
            "GMT+5 is the standard time of New York",
        )
        parser.add_argument(
            "--dst",
            choices=["first", "second"],
            help="which one is meant of a local time that occurs twice, where the "
            "order of the rows does not show it",
        )
        parser.add_argument(
            "--convert",
            action="store_true",
            help="convert numbers in another unit to the unit of the point",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="check everything, print what was understood, and store nothing",
        )
        parser.add_argument(
            "--errors",
            type=Path,
            metavar="FILE",
            help="write all errors to a CSV file",
        )
        parser.add_argument(
            "--skip-bad",
            metavar="N",
            help="leave invalid rows out if they are at most N, or N%%, of all",
        )
        add_table_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        paths = list(_files(options["paths"]))
        if options["tz"] is not None:
            check_zone(options["tz"], "--tz")
        total = sum(map(_size, paths))
        adapter = self.writable_adapter(options)
        reading = ReadingOptions(options["tz"], options["dst"], options["convert"])
        with _report(options["errors"]) as report:
            errors = FileErrors(report)
            tables = _tables(adapter, paths, reading, table_options(options), errors)
            shows = options["dry_run"] or tables or options["skip_bad"] is not None
            read = partial(
                import_histories, adapter, paths, options=reading, tables=tables
            )
            with _progress("checking", total) as progress:
                result = read(progress=progress, errors=errors, dry_run=True)
            if shows:
                self._print(adapter, result, options["tz"])
            left_out = _left_out(errors, result.rows, options["skip_bad"])
            if options["dry_run"]:
                self.stdout.write(f"{_summary(result)}; nothing was stored")
                return
            errors = FileErrors(left_out=left_out)
            with _progress("importing", total) as progress:
                result = read(progress=progress, errors=errors, is_checked=True)
        self.stdout.write(_summary(result, sum(map(len, left_out.values()))))
        self._print_change(adapter, result.change)

    def _print_change(self, adapter: StorageAdapter, change: str) -> None:
        """How to get back what was replaced or removed, if anything was."""
        for one in adapter.sample_changes(_RECENT):
            if one.origin.change == change:
                self.stdout.write(
                    f"{one.samples:,} samples of {one.points:,} points were replaced,"
                    " removed or put between others:"
                    f" haystack_his_undo undo {change} restores them"
                )

    def _print(
        self, adapter: StorageAdapter, result: ImportResult, tz: str | None
    ) -> None:
        """What was understood, and what each point gets."""
        for reader in result.readers.values():
            for line in description(reader, tz):
                self.stdout.write(line)
        points = SamplePoints(adapter, ReadingOptions())
        for id, (first, last, count) in sorted(result.extents.items())[:_LISTED]:
            city = points[id].tz
            self.stdout.write(
                f"@{id}: {count:,} samples, {_time(first, city)} to {_time(last, city)}"
            )
        if (rest := len(result.extents) - _LISTED) > 0:
            self.stdout.write(f".. and {rest:,} more points")


def _files(paths: list[Path]) -> Iterator[Path]:
    """The paths, with those of an export in place of its folder."""
    for path in paths:
        if path.is_dir():
            yield from exported_files(path)
        else:
            yield path


def _tables(
    adapter: StorageAdapter,
    paths: list[Path],
    reading: ReadingOptions,
    options: TableOptions,
    errors: FileErrors,
) -> dict[Path, Table]:
    """The files that are tables of other systems. Raises UnreadableFile."""
    points = SamplePoints(adapter, reading)
    found = {}
    for path in paths:
        try:
            if is_table(path, points, options):
                found[path] = understood(path, points, options)
        except UnreadableFile as err:
            errors.add(err)
    errors.check()
    return found


def _left_out(
    errors: FileErrors, rows: int, allowed: str | None
) -> dict[Path, set[int]]:
    """The invalid rows, if they are few enough. Raises UnreadableFile."""
    if not errors:
        return {}
    if allowed is None or errors.others:
        errors.check()
    bad = sum(map(len, errors.lines.values()))
    try:
        limit = allowed_rows(allowed or "", rows + bad)
    except ValueError as err:
        raise CommandError(f"--skip-bad: {err}") from None
    if bad > limit:
        errors.check()
    return errors.lines


@contextmanager
def _report(path: Path | None) -> Iterator[Callable[[UnreadableFile], object]]:
    if path is None:
        yield lambda _: None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield BadRowReport(file)
    except OSError as err:
        raise CommandError(f"--errors: {path}: {err.strerror}") from None


@contextmanager
def _progress(desc: str, total: int) -> Iterator[Callable[[IO[bytes]], None]]:
    with progress_bar(desc=desc, unit="B", unit_scale=True, total=total) as bar:
        yield _FileProgress(bar)


def _time(microseconds: int, city: str) -> str:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return DateTime(epoch + dt.timedelta(microseconds=microseconds), city).iso


def _summary(result: ImportResult, left_out: int = 0) -> str:
    counts = [f"{result.rows:,} rows", f"{result.samples:,} samples"]
    if result.repeated:
        counts.append(f"{result.repeated:,} repeated times, last one kept")
    if result.removed:
        counts.append(f"{result.removed:,} removed")
    if left_out:
        counts.append(f"{left_out:,} invalid rows left out")
    of = " of" if len(counts) == 2 else ";"
    origin = f"{len(result.points):,} points from {result.files:,} files"
    return f"{', '.join(counts)}{of} {origin}"


def _size(path: Path) -> int:
    if not path.is_file():
        raise UnreadableFile(path, "", "no such file")
    return path.stat().st_size


class _FileProgress:
    """Updates a progress bar by the bytes that have been read."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar
        self.file: IO[bytes] | None = None
        self.before = 0

    def __call__(self, file: IO[bytes]) -> None:
        if file is not self.file:
            self.file, self.before = file, 0
        position = file.tell()
        self.bar.update(position - self.before)
        self.before = position

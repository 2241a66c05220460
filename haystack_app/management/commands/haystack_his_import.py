"""``haystack_his_import``: import samples from CSV files and history grids."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandParser

from haystack_app.transfer import his_files, timestamps
from haystack_app.transfer.his_import import ImportResult, import_histories
from haystack_app.transfer.his_points import ReadingOptions
from haystack_app.wire.files import UnreadableFile

from ._storage import StorageCommand, check_zone, progress_bar


class Command(StorageCommand):
    help = (
        "Import samples of any number of points, all files or none.\n\n"
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
        parser.add_argument("paths", nargs="+", type=Path, metavar="FILE")
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

    def handle(self, *args: Any, **options: Any) -> None:
        paths: list[Path] = options["paths"]
        if options["tz"] is not None:
            check_zone(options["tz"], "--tz")
        total = sum(map(_size, paths))
        adapter = self.writable_adapter(options)
        with progress_bar(
            desc="importing", unit="B", unit_scale=True, total=total
        ) as bar:
            result = import_histories(
                adapter,
                paths,
                options=ReadingOptions(
                    options["tz"], options["dst"], options["convert"]
                ),
                progress=_FileProgress(bar),
            )
        self.stdout.write(_summary(result))


def _summary(result: ImportResult) -> str:
    counts = [f"{result.rows:,} rows", f"{result.samples:,} samples"]
    if result.repeated:
        counts.append(f"{result.repeated:,} repeated times, last one kept")
    if result.removed:
        counts.append(f"{result.removed:,} removed")
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

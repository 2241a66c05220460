"""``haystack_his_import``: import samples from CSV files and history grids."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandParser

from haystack_app.transfer import his_files, timestamps
from haystack_app.transfer.his_import import import_histories
from haystack_app.wire.files import UnreadableFile

from ._storage import StorageCommand, check_zone, progress_bar


class Command(StorageCommand):
    help = (
        "Import samples of any number of points, all files or none.\n\n"
        f"{his_files.__doc__}\n"
        "Values are parsed by the point's kind. Numbers may have the point's unit, "
        "NA is\nthe value NA, and empty cells of columns are skipped.\n\n"
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
            help="zone of times without an offset (default: that of each point)",
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
                adapter, paths, tz=options["tz"], progress=_FileProgress(bar)
            )
        self.stdout.write(
            f"{result.samples:,} samples of {len(result.points):,} points "
            f"from {result.files:,} files"
        )


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

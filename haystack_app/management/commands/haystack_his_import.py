"""``haystack_his_import``: samples from CSV and history grids."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandParser

from haystack_app.transfer import his_files, timestamps
from haystack_app.transfer.his_importing import import_histories
from haystack_app.wire.files import UnreadableFile

from ._storage import StorageCommand, bar, check_zone


class Command(StorageCommand):
    help = (
        "Import samples of any number of points, all files or none.\n\n"
        f"{his_files.__doc__}\n"
        "Values are read by the point's kind; Numbers may carry the point's unit, "
        "NA is NA,\nand an empty cell of a column is no sample.\n\n"
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
        with bar(desc="importing", unit="B", unit_scale=True, total=total) as progress:
            done = import_histories(
                adapter, paths, tz=options["tz"], watch=_Watch(progress)
            )
        self.stdout.write(
            f"{done.samples:,} samples of {len(done.points):,} points "
            f"from {done.files:,} files"
        )


def _size(path: Path) -> int:
    if not path.is_file():
        raise UnreadableFile(path, "", "no such file")
    return path.stat().st_size


class _Watch:
    """Moves a bar by the bytes that were read of one file after another."""

    def __init__(self, progress: Any) -> None:
        self.progress = progress
        self.file: IO[bytes] | None = None
        self.before = 0

    def __call__(self, file: IO[bytes]) -> None:
        if file is not self.file:
            self.file, self.before = file, 0
        position = file.tell()
        self.progress.update(position - self.before)
        self.before = position

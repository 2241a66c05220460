"""``haystack_his_import``: import samples from files of many forms."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer import his_files, timestamps
from haystack_app.transfer.his_folders import folder_files
from haystack_app.transfer.his_points import ReadingOptions
from haystack_app.transfer.import_report import summary
from haystack_app.transfer.sample_import import Places, SampleImport
from haystack_app.transfer.tables.saved_mapping import found_mapping, mapping_text
from haystack_app.transfer.tables.source import file_of, sheet_paths
from haystack_app.wire.file_errors import FileErrors
from haystack_app.wire.files import UnreadableFile

from ._his_import_options import add_table_arguments, table_options
from ._standard_input import with_standard_input
from ._storage import (
    StorageCommand,
    check_zone,
    progress_bar,
    without_collections,
)
from ._table_arguments import add_errors_argument, error_report

_RECENT = 100
"""Changes of samples among which that of an import is."""


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
        parser.add_argument("paths", nargs="+", type=Path, metavar="FILE, DIR or -")
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
        add_errors_argument(parser)
        parser.add_argument(
            "--skip-bad",
            metavar="N",
            help="leave invalid rows out if they are at most N, or N%%, of all",
        )
        add_table_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with with_standard_input(options["paths"]) as paths, without_collections():
            self._import(list(_files(paths, options["sheet"])), options)

    def _import(self, paths: list[Path], options: dict[str, Any]) -> None:
        if options["tz"] is not None:
            check_zone(options["tz"], "--tz")
        total = sum(file_of(path).stat().st_size for path in paths)
        adapter = self.writable_adapter(options)
        reading = ReadingOptions(options["tz"], options["dst"], options["convert"])
        skips = options["skip_bad"]
        with error_report(options["errors"]) as report:
            found = SampleImport(
                *(adapter, paths, reading, table_options(options), _places(options)),
                errors=FileErrors(report),
            )
            with _progress("checking", total) as progress, _errors_of_options():
                found.check(progress)
            if options["dry_run"] or found.tables or skips is not None:
                for line in found.lines():
                    self.stdout.write(line)
            _save(found, options["save_mapping"])
            left_out = _left_out(found, skips)
            if options["dry_run"]:
                self.stdout.write(f"{summary(found.result)}; nothing was stored")
                return
            with _progress("importing", total) as progress:
                result = found.store(progress, left_out)
        self.stdout.write(summary(result, sum(map(len, left_out.values()))))
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


def _places(options: dict[str, Any]) -> Places | None:
    """None without ``--create``. Raises CommandError."""
    site, equip = options["site"], options["equip"]
    if options["create"]:
        return Places(site, equip, options["tz"])
    if site or equip:
        raise CommandError("--site and --equip are for points that --create makes")
    return None


@contextmanager
def _errors_of_options() -> Iterator[None]:
    """Raises CommandError instead of ValueError."""
    try:
        yield
    except UnreadableFile:
        raise
    except ValueError as err:
        raise CommandError(str(err)) from None


def _save(found: SampleImport, path: Path | None) -> None:
    """The mapping of what was understood. Raises CommandError."""
    if path is None:
        return
    try:
        mapping = found_mapping(found.result.readers.values(), found.options.mapping)
        text = mapping_text(mapping, path.suffix.lower())
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as err:
        raise CommandError(f"--save-mapping: {path}: {err.strerror}") from None
    except ValueError as err:
        raise CommandError(f"--save-mapping: {err}") from None


def _left_out(found: SampleImport, allowed: str | None) -> dict[Path, set[int]]:
    """Raises UnreadableFile, and CommandError."""
    try:
        return found.left_out(allowed)
    except UnreadableFile:
        raise
    except ValueError as err:
        raise CommandError(f"--skip-bad: {err}") from None


def _files(paths: list[Path], sheets: list[str]) -> Iterator[Path]:
    """The paths, with the files of a folder, or the sheets of a file, in its place."""
    for path in paths:
        for file in folder_files(path) if path.is_dir() else [path]:
            _check_exists(file)
            yield from sheet_paths(file, sheets)


@contextmanager
def _progress(desc: str, total: int) -> Iterator[Callable[[IO[bytes]], None]]:
    with progress_bar(desc=desc, unit="B", unit_scale=True, total=total) as bar:
        yield _FileProgress(bar)


def _check_exists(path: Path) -> None:
    if not file_of(path).is_file():
        raise UnreadableFile(path, "", "no such file")


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

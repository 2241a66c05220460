"""``haystack_dump``: write the records of a store as one grid."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser

from haystack_app import filters
from haystack_app.filters.ast import Filter
from haystack_app.transfer.entity_dump import dump_chunks
from haystack_app.wire.errors import ParseError
from haystack_app.wire.registry import FORMATS

from ._storage import StorageCommand, progress_bar

_FORMATS = {format.name: format for format in FORMATS if format.write is not None}


class Command(StorageCommand):
    help = (
        "Write records as one grid: all of them, including the trash, or those that "
        "match a filter."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--format", choices=sorted(_FORMATS), default="zinc")
        parser.add_argument("--filter", metavar="F", help="a Haystack filter")
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="the file to write (default: standard output)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tree = None if options["filter"] is None else _parsed(options["filter"])
        count = _Count(progress_bar(desc="reading", unit=" records"))
        chunks = dump_chunks(
            self.adapter(options), _FORMATS[options["format"]], tree, progress=count
        )
        output: Path | None = options["output"]
        if output is None:
            self._print(chunks)
        else:
            with _replacing(output) as file:
                file.writelines(chunks)
        count.progress.close()
        # standard output may be the grid itself
        summary = self.stderr if output is None else self.stdout
        style = None if output is None else str
        summary.write(f"{count.records:,} records", style)

    def _print(self, chunks: Iterable[str]) -> None:
        """Write to standard output until a reader such as ``head`` closes it."""
        try:
            for chunk in chunks:
                self.stdout.write(chunk, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # otherwise Python fails again when it flushes at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("standard output was closed") from None


def _parsed(text: str) -> Filter:
    try:
        return filters.parse(text)
    except ParseError as err:
        raise CommandError(f"--filter: {err}") from None


class _Count:
    """Counts calls; a disabled progress bar does not count."""

    def __init__(self, progress: Any) -> None:
        self.progress, self.records = progress, 0

    def __call__(self) -> None:
        self.records += 1
        self.progress.update()


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    """A temporary file that replaces ``path`` when it is complete."""
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=path.parent, delete=False
        ) as file:
            try:
                yield file
            except BaseException:
                os.unlink(file.name)
                raise
        os.chmod(file.name, 0o666 & ~_umask())
        os.replace(file.name, path)
    except OSError as err:
        raise CommandError(f"{path}: {err.strerror or err}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

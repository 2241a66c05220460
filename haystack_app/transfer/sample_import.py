"""An import of files of samples, as commands and the API do it.

All files are understood and checked before anything is stored: first the points that
are missing and may be made, then the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from ..storage.base import StorageAdapter
from ..wire.file_errors import FileErrors
from .his_import import ImportResult, import_histories
from .his_plan import left_out_rows, new_points, understood_tables
from .his_points import ReadingOptions
from .import_report import points_without_mode, understood_lines
from .new_points import NewPoints
from .tables.options import TableOptions
from .tables.understanding import Table

__all__ = ["Places", "Progress", "SampleImport"]

Progress = Callable[[IO[bytes]], None]


class Places(NamedTuple):
    """Ids of the site and the equip of points that are made, and their zone."""

    site: str | None = None
    equip: str | None = None
    tz: str | None = None


@dataclass(slots=True)
class SampleImport:
    """``places`` is None if no points may be made; ``user`` is who imports.

    ``check`` comes first, then ``store``.
    """

    adapter: StorageAdapter
    paths: Sequence[Path]
    reading: ReadingOptions
    options: TableOptions
    places: Places | None = None
    user: str = ""
    errors: FileErrors = field(default_factory=FileErrors)
    tables: Mapping[Path, Table] = field(default_factory=dict)
    result: ImportResult = field(default_factory=ImportResult)

    def check(self, progress: Progress | None = None) -> None:
        """Understand and check the files: ``tables``, ``result`` and ``errors``.

        Raises UnreadableFile for files that are not understood, and ValueError for
        invalid options.
        """
        planned: dict[str, dict[str, Any]] = {}
        if self.places is not None:
            new = self._new_points(self.places)
            planned = new.planned
            if not self.options.mapping:
                self.options = self.options._replace(new=new.add)
        self.reading = self.reading._replace(planned=planned)
        self.tables = understood_tables(
            *(self.adapter, self.paths, self.reading, self.options, self.errors)
        )
        self.result = self._read(progress, self.errors, dry_run=True)

    def _new_points(self, places: Places) -> NewPoints:
        try:
            return new_points(
                self.adapter,
                self.options,
                tz=places.tz,
                site=places.site,
                equip=places.equip,
            )
        except ValueError as err:
            raise ValueError(f"--create: {err}") from None

    @property
    def created(self) -> list[Mapping[str, Any]]:
        """The tags of points that are made."""
        planned = self.reading.planned.items()
        return [tags for id, tags in planned if id in self.result.points]

    @property
    def modes(self) -> list[dict[str, Any]]:
        """The tags that points of amounts get."""
        return points_without_mode(
            self.adapter, self.result, self.reading, self.options
        )

    def lines(self) -> list[str]:
        """What was understood, and what each point gets."""
        result = self.result
        found = understood_lines(self.adapter, result, self.reading, self.options)
        return list(found)

    def left_out(self, allowed: str | None) -> dict[Path, set[int]]:
        """The invalid rows, if they are at most a number or a percentage.

        Raises UnreadableFile if there are more, and ValueError.
        """
        return left_out_rows(self.errors, self.result.rows, allowed)

    def store(
        self,
        progress: Progress | None = None,
        left_out: Mapping[Path, set[int]] | None = None,
    ) -> ImportResult:
        """Store points and samples. Raises UnreadableFile and StorageError."""
        if made := self.created:
            self.adapter.load_entities(made, who=self.user)
        if modes := self.modes:
            self.adapter.update_entities(modes, force=True, who=self.user)
        errors = FileErrors(left_out=dict(left_out or {}))
        return self._read(progress, errors, is_checked=True)

    def _read(
        self,
        progress: Progress | None,
        errors: FileErrors,
        dry_run: bool = False,
        is_checked: bool = False,
    ) -> ImportResult:
        return import_histories(
            self.adapter,
            self.paths,
            options=self.reading,
            progress=progress,
            tables=self.tables,
            errors=errors,
            user=self.user,
            dry_run=dry_run,
            is_checked=is_checked,
        )

"""What is decided of files of samples before they are imported.

Which of them are tables, which points are made, and which invalid rows are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..storage.base import StorageAdapter
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from .his_points import ReadingOptions, SamplePoints
from .new_points import NewPoints, tags_of_places
from .tables.bad_rows import allowed_rows
from .tables.options import TableOptions
from .tables.recognition import is_table
from .tables.understanding import Table, understood

__all__ = ["left_out_rows", "new_points", "understood_tables"]


def new_points(
    adapter: StorageAdapter,
    table: TableOptions,
    *,
    tz: str | None,
    site: str | None = None,
    equip: str | None = None,
) -> NewPoints:
    """The points that may be made, those of the mapping among them.

    Raises ValueError.
    """
    tags = tags_of_places(adapter, site, equip)
    if tz is not None:
        tags["tz"] = tz
    if "tz" not in tags:
        raise ValueError("the points need a zone: --tz, or --site with a tag tz")
    if table.stamps is not None:
        tags["hisMode"] = "consumption"
    found = NewPoints(adapter, tags, (equip or site or "").removeprefix("@"))
    found.add_mapped(table.mapping)
    return found


def understood_tables(
    adapter: StorageAdapter,
    paths: Sequence[Path],
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


def left_out_rows(
    errors: FileErrors, rows: int, allowed: str | None
) -> dict[Path, set[int]]:
    """The invalid rows, if they are few enough.

    Raises UnreadableFile with the errors if they are not, and ValueError if ``allowed``
    is neither a number nor a percentage.
    """
    if not errors:
        return {}
    if allowed is None or errors.others:
        errors.check()
    bad = sum(map(len, errors.lines.values()))
    if bad > allowed_rows(allowed or "", rows + bad):
        errors.check()
    return errors.lines

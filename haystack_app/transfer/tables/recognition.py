"""Which files are tables of another system, and which are CSV of our own.

Our own begin with the columns ``ts``, ``id`` and ``val`` in any order, or with ``ts``
and the ids of points, in UTF-8, with times in our form; they are read as exactly that.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from ...kinds.scalars import Ref
from ...wire.csv_cells import csv_rows
from ...wire.errors import ParseError
from ...wire.files import UnreadableFile
from ..his_csv import UNNAMED
from ..his_points import SamplePoints
from ..his_units import split_unit
from ..timestamps import is_own_stamp
from .options import TableOptions
from .source import TABLE_SUFFIXES, suffix_of, unpacked
from .stamps import stamp_of

__all__ = ["is_table"]


def is_table(path: Path, points: SamplePoints, options: TableOptions) -> bool:
    """Whether the file is read as a table. Raises UnreadableFile."""
    if suffix_of(path) not in TABLE_SUFFIXES:
        return False
    if suffix_of(path) == ".csv" and not options.decides:
        return not _is_own(path, points)
    return True


def _is_own(path: Path, points: SamplePoints) -> bool:
    found: list[list[str]] = []
    is_cut = False
    try:
        with unpacked(path) as raw:
            lines = (line.decode("utf-8") for line in raw)
            found.extend(cells for _, cells in islice(csv_rows(lines), 2))
    except UnicodeDecodeError:
        return False
    except ParseError:
        is_cut = True
    except UnreadableFile:  # the reader of our own says why
        return True
    if not found:
        return not is_cut
    header = [cell.strip().removeprefix("\ufeff") for cell in found[0]]
    if any("\0" in name for name in header):  # UTF-16, or not a text
        return False
    is_rows = {"ts", "id", "val"} <= {name.partition(" ")[0] for name in header}
    if not is_rows and header[0] != "ts":
        return len(found) == 1 and not is_cut
    at = next(at for at, name in enumerate(header) if name.startswith("ts"))
    time = found[1][at].strip() if len(found) > 1 and len(found[1]) > at else ""
    if not is_own_stamp(time) and stamp_of(time) is not None:
        return False
    return is_rows or len(found) == 1 or _names_points(header, points)


def _names_points(header: list[str], points: SamplePoints) -> bool:
    """Whether an id is among the columns; the others are then errors as ever."""
    for name in header[1:]:
        if name.startswith("@") or UNNAMED.fullmatch(name):
            return True
        try:
            points[Ref(split_unit(name)[0]).id]
        except ValueError:
            continue
        return True
    return False

"""Exports of histories: a folder of files by month, with a manifest.

``year=2024/month=03/samples.parquet`` has the samples of March 2024 in UTC, of all
points: programs that know such folders (DuckDB, pandas, polars) read only the months
that they are asked for. ``manifest.json`` says what was asked for, of which points, and
of each month its rows, bytes and SHA-256. It is written after each month, so that an
export that was stopped goes on where it was; a month that has changed in the store in
the meantime is as it was when it was written.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ..kinds.grid import Col, Grid
from ..kinds.scalars import Ref
from ..kinds.series import Chunk, JoinedSeries, Series, instant_of, microseconds_of
from ..storage.base import StorageAdapter
from ..storage.samples import HisPoint
from ..wire import zinc_writer
from ..wire.files import UnreadableFile
from .frames.arrow import parquet_chunks, pyarrow
from .frames.csv_text import csv_chunks
from .frames.frame import Column, Frame

__all__ = ["FORMATS", "MANIFEST", "ExportedPoint", "Exports", "exported_files"]

FORMATS = ("parquet", "csv", "zinc")
MANIFEST = "manifest.json"
_VERSION = 1
_CHUNK = 65_536
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExportedPoint:
    """A point, and the times from which, and up to which, its samples are exported.

    In microseconds since 1970 UTC; ``end`` is excluded. ``dis`` is the point's name.
    """

    point: HisPoint
    dis: str | None
    start: int
    end: int


class Exports:
    """An export into a folder: a new one, or one that goes on.

    ``asked`` is what the manifest says was asked for: a folder with another export is
    refused. ``begun`` is the time of the first attempt, which words such as ``today``
    are about. Raises UnreadableFile.
    """

    def __init__(
        self, folder: Path, asked: Mapping[str, Any], now: dt.datetime
    ) -> None:
        self.folder, self.format = folder, str(asked["format"])
        if self.format == "parquet":
            pyarrow()
        self.manifest = _found(folder)
        if not self.manifest:
            if folder.exists() and any(folder.iterdir()):
                raise UnreadableFile(
                    folder, "", f"neither empty nor an export: there is no {MANIFEST}"
                )
            self.manifest = {
                "version": _VERSION,
                **asked,
                "begun": now.isoformat(),
                "points": [],
                "months": {},
                "complete": False,
            }
        for name, value in asked.items():
            if self.manifest.get(name) != value:
                held = self.manifest.get(name)
                reason = f"has an export with {name} {held!r}, not {value!r}"
                raise UnreadableFile(folder, "", f"{reason}: use another folder")

    @property
    def begun(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.manifest["begun"])

    @property
    def rows(self) -> int:
        return sum(month["rows"] for month in self.manifest["months"].values())

    def write(
        self,
        store: StorageAdapter,
        points: Sequence[ExportedPoint],
        progress: Callable[[int], object],
    ) -> None:
        """Write the months that are missing; ``progress`` gets numbers of samples."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.manifest["points"] = [_described(it) for it in points]
        self.manifest["complete"] = False
        for start, end in _months(points):
            name = f"{instant_of(start):%Y-%m}"
            known = self.manifest["months"].get(name)
            if known is not None and _is_whole(self.folder, known):
                progress(known["rows"])
                continue
            self.manifest["months"][name] = self._month(
                store, points, start, end, progress
            )
            self._save()
        self.manifest["complete"] = True
        self._save()

    def _month(
        self,
        store: StorageAdapter,
        points: Sequence[ExportedPoint],
        start: int,
        end: int,
        progress: Callable[[int], object],
    ) -> dict[str, Any]:
        parts = [it for it in points if it.start < end and it.end > start]
        count = _Count(progress)
        series = [_series(store, it, start, end, count) for it in parts]
        at = instant_of(start)
        folder = f"year={at:%Y}/month={at:%m}"
        path = f"{folder}/samples.{self.format}"
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.part")
        digest, size = hashlib.sha256(), 0
        with partial.open("wb") as file, store.snapshot():
            for data in _WRITERS[self.format](parts, series):
                digest.update(data)
                size += len(data)
                file.write(data)
        if not count.samples:
            partial.unlink()
            target.unlink(missing_ok=True)
            return {"rows": 0}
        os.replace(partial, target)
        return {
            "path": path,
            "rows": count.samples,
            "bytes": size,
            "sha256": digest.hexdigest(),
        }

    def _save(self) -> None:
        rows = {"rows": self.rows}
        text = orjson.dumps({**self.manifest, **rows}, option=orjson.OPT_INDENT_2)
        partial = self.folder / f".{MANIFEST}.part"
        partial.write_bytes(text + b"\n")
        os.replace(partial, self.folder / MANIFEST)


class _Count:
    def __init__(self, progress: Callable[[int], object]) -> None:
        self.progress, self.samples = progress, 0

    def __call__(self, count: int) -> None:
        self.samples += count
        self.progress(count)


def _months(points: Iterable[ExportedPoint]) -> Iterator[tuple[int, int]]:
    """Of all points together, as bounds in UTC."""
    held = [it for it in points if it.start < it.end]
    if not held:
        return
    at = instant_of(min(it.start for it in held))
    start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = max(it.end for it in held)
    while microseconds_of(start) < last:
        after = (start + dt.timedelta(days=31)).replace(day=1)
        yield microseconds_of(start), microseconds_of(after)
        start = after


def _series(
    store: StorageAdapter,
    one: ExportedPoint,
    start: int,
    end: int,
    count: Callable[[int], object],
) -> Series:
    first, last = max(start, one.start), min(end, one.end)

    def read() -> Iterator[Chunk]:
        for chunk in store.his_chunks(one.point.id, first, last, _CHUNK):
            count(len(chunk.times))
            yield chunk

    return Series("UTC", one.point.unit, read)


# -- the formats -------------------------------------------------------------------


def _frame(points: Sequence[ExportedPoint], series: Sequence[Series]) -> Frame:
    columns = [Column.of(it.point, it.dis) for it in points]
    return Frame("UTC", columns, series)


def _parquet(
    points: Sequence[ExportedPoint], series: Sequence[Series]
) -> Iterator[bytes]:
    return parquet_chunks(_frame(points, series), long=True)


def _csv(points: Sequence[ExportedPoint], series: Sequence[Series]) -> Iterator[bytes]:
    texts = csv_chunks(_frame(points, series), long=True)
    return (text.encode() for text in texts)


def _zinc(points: Sequence[ExportedPoint], series: Sequence[Series]) -> Iterator[bytes]:
    """One grid of all points, in the form of a hisWrite request."""
    cols = [Col(f"v{at}", {"id": Ref(it.point.id)}) for at, it in enumerate(points)]
    rows = JoinedSeries("UTC", [col.name for col in cols], series)
    chunks = zinc_writer.grid_chunks(Grid([Col("ts"), *cols], rows))
    return (text.encode() for text in chunks)


_WRITERS = {"parquet": _parquet, "csv": _csv, "zinc": _zinc}


# -- manifests ---------------------------------------------------------------------


def _described(one: ExportedPoint) -> dict[str, Any]:
    point = one.point
    found = {"id": point.id, "dis": one.dis, "kind": point.kind, "unit": point.unit}
    return {**found, "tz": point.tz}


def _found(folder: Path) -> dict[str, Any]:
    """The manifest of a folder; empty if it has none. Raises UnreadableFile."""
    path = folder / MANIFEST
    if folder.exists() and not folder.is_dir():
        raise UnreadableFile(folder, "", "not a folder")
    if not path.exists():
        return {}
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as err:
        raise UnreadableFile(path, "", f"invalid JSON: {err}") from None
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise UnreadableFile(path, "", f"not a manifest of version {_VERSION}")
    return found


def _is_whole(folder: Path, month: Mapping[str, Any]) -> bool:
    return not month["rows"] or _damage(folder, month) is None


def _damage(folder: Path, month: Mapping[str, Any]) -> str | None:
    path = folder / month["path"]
    if not path.is_file():
        return "missing, although the manifest has it"
    if path.stat().st_size != month["bytes"]:
        return f"{path.stat().st_size:,} bytes, {month['bytes']:,} in the manifest"
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return None if digest.hexdigest() == month["sha256"] else "changed: wrong SHA-256"


def exported_files(folder: Path) -> list[Path]:
    """The files of an export, in the order of months. Raises UnreadableFile.

    An export must be complete, and its files as they were written.
    """
    manifest = _found(folder)
    if not manifest:
        reason = f"no {MANIFEST} in this folder: name the files"
        raise UnreadableFile(folder, "", reason)
    if not manifest.get("complete"):
        reason = "the export is not complete: run haystack_export again"
        raise UnreadableFile(folder, "", reason)
    files = []
    for _, month in sorted(manifest["months"].items()):
        if not month["rows"]:
            continue
        if (damage := _damage(folder, month)) is not None:
            raise UnreadableFile(folder / month["path"], "", damage)
        files.append(folder / month["path"])
    return files

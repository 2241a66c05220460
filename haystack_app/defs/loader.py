"""Loader of def libraries: Trio sources, Zinc and JSON grids, JSON lists.

A def belongs to the lib in its tag ``lib``, as in responses of the op ``defs``. Sources
leave the tag out: their defs belong to the lib that their folder defines (docHaystack
Libs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..kinds.scalars import Symbol
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile, files_in
from .files import SUFFIXES, file_records, may_have_defs
from .marker_words import MarkerWords
from .namespace import Namespace
from .records import Def, InvalidDef, check, feature_of, symbol_of

__all__ = ["read_libraries", "shipped"]

_LIBRARY = Path(__file__).with_name("library")


@dataclass(frozen=True, slots=True)
class _Source:
    """A record, its file, and its number in the file."""

    path: Path
    number: int
    tags: dict[str, Any]

    def error(self, reason: str) -> UnreadableFile:
        return UnreadableFile(self.path, f"record {self.number}", reason)


def read_libraries(
    paths: Sequence[Path], skipped: list[Path] | None = None
) -> dict[str, list[Def]]:
    """The defs and defxs of all files, by lib, such as ``lib:ph``.

    Folders are searched recursively; files in them without any def are added to
    ``skipped``. Raises UnreadableFile for all invalid records, and with both files if
    two records define the same symbol.
    """
    errors = FileErrors()
    files = files_in(paths, SUFFIXES)
    named = {path.resolve() for path in paths if path.is_file()}
    left_out = [
        path
        for path in files
        if path.resolve() not in named and not may_have_defs(path)
    ]
    if len(left_out) == len(files):
        raise UnreadableFile(paths[0], "", "no file in this folder has a def")
    if skipped is not None:
        skipped += left_out
    files = [path for path in files if path not in left_out]
    records = [source for path in files for source in _read(path, errors)]
    errors.check()
    _check_duplicates(records, errors)
    errors.check()
    folder_libs = _folder_libs(records)
    libraries: dict[str, list[Def]] = {}
    for record in records:
        try:
            lib = _lib_of(record, folder_libs)
        except UnreadableFile as err:
            errors.add(err)
        else:
            libraries.setdefault(lib.name, []).append({**record.tags, "lib": lib})
    errors.check()
    return libraries


@lru_cache(maxsize=1)
def shipped() -> Namespace:
    """The library that is shipped with this package, ``lib:hs``."""
    libraries = read_libraries([_LIBRARY])
    return Namespace(record for defs in libraries.values() for record in defs)


def _is_marker(name: str) -> bool:
    """Whether ``name:M`` is a Marker; the shipped library itself has no such value."""
    return MarkerWords(shipped())(name)


def _read(path: Path, errors: FileErrors) -> Iterator[_Source]:
    for number, tags in enumerate(file_records(path, _is_marker, errors), 1):
        record = _Source(path, number, tags)
        try:
            check(tags)
        except InvalidDef as err:
            errors.add(record.error(str(err)))
        else:
            yield record


def _check_duplicates(records: Iterable[_Source], errors: FileErrors) -> None:
    by_symbol: dict[str, _Source] = {}
    for record in records:
        if record.tags.get("def") is None:
            continue
        symbol = symbol_of(record.tags)
        if first := by_symbol.get(symbol):
            reason = f"is already defined in {first.path}, record {first.number}"
            errors.add(record.error(f"^{symbol} {reason}"))
        by_symbol.setdefault(symbol, record)


def _folder_libs(records: Iterable[_Source]) -> dict[Path, Symbol]:
    """The lib that each folder defines."""
    libs: dict[Path, Symbol] = {}
    for record in records:
        key = record.tags.get("def")
        if key is None or feature_of(key.name) != "lib" or "lib" in record.tags:
            continue
        folder = record.path.resolve().parent
        if folder in libs:
            raise record.error(f"{key}: the folder already defines {libs[folder]}")
        libs[folder] = key
    return libs


def _lib_of(record: _Source, folder_libs: dict[Path, Symbol]) -> Symbol:
    lib: Symbol | None = record.tags.get("lib")
    if lib is None:
        lib = folder_libs.get(record.path.resolve().parent) or _lib_file(record.path)
    if lib is None:
        symbol = symbol_of(record.tags)
        raise record.error(
            f"^{symbol}: missing tag lib, and the folder does not define a lib"
        )
    return lib


def _lib_file(path: Path) -> Symbol | None:
    """The lib that ``lib.trio`` in the folder of a single file defines."""
    source = path.with_name("lib.trio")
    if not source.is_file():
        return None
    keys = (record.tags.get("def") for record in _read(source, FileErrors()))
    return next((key for key in keys if key and feature_of(key.name) == "lib"), None)

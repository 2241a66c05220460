"""Def records from files: Trio sources, Zinc and JSON grids, JSON lists.

A def belongs to the lib that its tag ``lib`` names, as in an answer of the op
``defs``. Sources leave that out: there, as docHaystack Libs has it, the defs of a
folder belong to the lib that the folder defines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..kinds.scalars import Symbol
from ..wire.files import UnreadableFile, files_in
from .files import SUFFIXES, file_records
from .namespace import Namespace
from .records import Def, InvalidDef, check, feature_of, symbol_of

__all__ = ["read_libraries", "shipped"]

_LIBRARY = Path(__file__).with_name("library")


@dataclass(frozen=True, slots=True)
class _Found:
    """A record and where it is."""

    path: Path
    number: int
    tags: dict[str, Any]

    def fault(self, reason: str) -> UnreadableFile:
        return UnreadableFile(self.path, f"record {self.number}", reason)


def read_libraries(paths: Iterable[Path]) -> dict[str, list[Def]]:
    """The defs and defxs of all files, by libs such as ``lib:ph``.

    Folders are searched to any depth. Raises UnreadableFile naming file and
    record; for a symbol that two records define, both places.
    """
    found = [record for path in files_in(paths, SUFFIXES) for record in _checked(path)]
    _refuse_duplicates(found)
    owners = _owners(found)
    libraries: dict[str, list[Def]] = {}
    for record in found:
        lib = _lib_of(record, owners)
        libraries.setdefault(lib.name, []).append({**record.tags, "lib": lib})
    return libraries


@lru_cache(maxsize=1)
def shipped() -> Namespace:
    """The library that comes with this package, ``lib:hs``."""
    libraries = read_libraries([_LIBRARY])
    return Namespace(record for defs in libraries.values() for record in defs)


def _checked(path: Path) -> Iterator[_Found]:
    for number, tags in enumerate(file_records(path), 1):
        record = _Found(path, number, tags)
        try:
            check(tags)
        except InvalidDef as err:
            raise record.fault(str(err)) from None
        yield record


def _refuse_duplicates(found: Iterable[_Found]) -> None:
    places: dict[str, _Found] = {}
    for record in found:
        if record.tags.get("def") is None:
            continue
        symbol = symbol_of(record.tags)
        if first := places.get(symbol):
            reason = f"^{symbol} was defined in {first.path}, record {first.number}"
            raise record.fault(reason)
        places[symbol] = record


def _owners(found: Iterable[_Found]) -> dict[Path, Symbol]:
    """The lib that each folder defines."""
    owners: dict[Path, Symbol] = {}
    for record in found:
        key = record.tags.get("def")
        if key is None or feature_of(key.name) != "lib" or "lib" in record.tags:
            continue
        folder = record.path.resolve().parent
        if folder in owners:
            raise record.fault(f"{key}: the folder defines {owners[folder]} too")
        owners[folder] = key
    return owners


def _lib_of(record: _Found, owners: dict[Path, Symbol]) -> Symbol:
    lib: Symbol | None = record.tags.get("lib")
    if lib is None:
        lib = owners.get(record.path.resolve().parent) or _beside(record.path)
    if lib is None:
        symbol = symbol_of(record.tags)
        raise record.fault(f"^{symbol}: no tag lib, and the folder defines no lib")
    return lib


def _beside(path: Path) -> Symbol | None:
    """The lib of one file of a folder, which says so in its ``lib.trio``."""
    source = path.with_name("lib.trio")
    if not source.is_file():
        return None
    keys = (record.tags.get("def") for record in _checked(source))
    return next((key for key in keys if key and feature_of(key.name) == "lib"), None)

"""Files of def records, by the format that their suffix names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..kinds.grid import Grid
from ..wire import hayson_reader, json3_reader, trio_reader, zinc_reader
from ..wire.errors import ParseError

__all__ = ["SUFFIXES", "UnreadableDefs", "def_files", "file_records"]

Records = list[dict[str, Any]]


class UnreadableDefs(ValueError):
    """A file whose defs cannot be taken; one line says where and why."""

    def __init__(self, path: Path, where: str, reason: str) -> None:
        place = f"{path}, {where}" if where else f"{path}"
        super().__init__(f"{place}: {reason}")


def def_files(paths: Iterable[Path]) -> list[Path]:
    """The files named and those in the folders named, each of them once."""
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _files(path):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _files(path: Path) -> list[Path]:
    endings = " or ".join(SUFFIXES)
    if path.is_dir():
        inside = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        files = sorted(file for file in inside if file.is_file())
        if not files:
            raise UnreadableDefs(path, "", f"no {endings} file in it")
        return files
    if not path.is_file():
        raise UnreadableDefs(path, "", "no such file or folder")
    if path.suffix.lower() not in SUFFIXES:
        raise UnreadableDefs(path, "", f"the name must end in {endings}")
    return [path]


def file_records(path: Path) -> Records:
    """All records of a file, defs or not."""
    try:
        return _READERS[path.suffix.lower()](path.read_bytes().decode("utf-8-sig"))
    except ParseError as err:
        raise UnreadableDefs(path, err.position, err.message) from None
    except UnicodeDecodeError as err:
        raise UnreadableDefs(path, f"byte {err.start}", "invalid UTF-8") from None
    except OSError as err:
        raise UnreadableDefs(path, "", err.strerror or str(err)) from None


def _zinc(text: str) -> Records:
    return [dict(row) for row in zinc_reader.read_grid(text).rows]


def _json(text: str) -> Records:
    """A grid, or a list of dicts, of version 4 or 3.

    Defs in version 4 cannot do without ``_kind``: their keys are symbols.
    """
    reader = hayson_reader if '"_kind"' in text else json3_reader
    value = reader.read_value(text)
    items = value.rows if isinstance(value, Grid) else value
    if not isinstance(items, Sequence):
        raise ParseError("expected a grid, or a list of dicts", "the root")
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise ParseError("expected a dict of tags", f"[{number}]")
    return [dict(item) for item in items]


_READERS: dict[str, Callable[[str], Records]] = {
    ".trio": trio_reader.read_dicts,
    ".zinc": _zinc,
    ".json": _json,
}
SUFFIXES = tuple(_READERS)

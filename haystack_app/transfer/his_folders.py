"""Folders of samples: exports of our own, and files of other systems."""

from __future__ import annotations

from pathlib import Path

from ..wire.files import UnreadableFile
from .his_export import MANIFEST, exported_files
from .his_files import HIS_SUFFIXES
from .tables.source import suffix_of

__all__ = ["folder_files"]

_EXPORT = "year=*"
"""Folders of an export, whose manifest says whether it is whole."""


def folder_files(folder: Path) -> list[Path]:
    """The files of an export, or all files below the folder whose names fit.

    Raises UnreadableFile.
    """
    if (folder / MANIFEST).exists() or any(folder.glob(_EXPORT)):
        return exported_files(folder)
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and suffix_of(path) in HIS_SUFFIXES
    )
    if not found:
        endings = f"{', '.join(HIS_SUFFIXES[:-1])} or {HIS_SUFFIXES[-1]}"
        raise UnreadableFile(folder, "", f"no {endings} file in this folder")
    return found

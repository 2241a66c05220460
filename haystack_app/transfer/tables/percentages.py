"""Cells of a spreadsheet that are shown as percentages: 0.45 as 45 %.

The library reads 0.45, and not how it is shown. Source: ECMA-376 part 1, sections 18.8
(styles) and 18.3.1.4 (cells).
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Set
from typing import IO
from xml.etree import ElementTree

__all__ = ["percent_cells"]

Cell = tuple[int, int]
_BUILT_IN = frozenset(("9", "10"))
_LITERAL = re.compile(r'"[^"]*"|\\.')
"""In the code of a format, where a % is a text."""
_TAG = re.compile(rb"<(?:\w+:)?c\s[^>]*>")
_ATTRIBUTE = re.compile(rb"""\b(r|s)=["']([A-Z]*)(\d+)["']""")
_LARGEST = 16 * 1024**2
_MOST = 2_000_000
_BLOCK = 1024**2
_ROOT = "xl"


def percent_cells(file: IO[bytes], sheet: str) -> Set[Cell]:
    """The rows, from 1, and columns, from 0, of such cells of a sheet.

    Raises ValueError for too many of them, and BadZipFile.
    """
    file.seek(0)
    with zipfile.ZipFile(file) as parts:
        if not (styles := _styles(parts)):
            return frozenset()
        found = set[Cell]()
        for cell, style in _cells(parts, _part_of(parts, sheet)):
            if style in styles:
                found.add(cell)
            if len(found) > _MOST:
                raise ValueError("too many cells are percentages: save it as CSV")
        return found


def _styles(parts: zipfile.ZipFile) -> Set[int]:
    """The numbers of the styles whose numbers are shown as percentages."""
    name = f"{_ROOT}/styles.xml"
    if name not in parts.namelist():
        return frozenset()
    formats, used = set(_BUILT_IN), list[str]()
    for element in _tree(parts, name).iter():
        tag = _local(element.tag)
        if tag == "numFmt" and "%" in _LITERAL.sub("", element.get("formatCode", "")):
            formats.add(element.get("numFmtId", ""))
        elif tag == "cellXfs":
            used = [one.get("numFmtId", "") for one in element]
    return {at for at, number in enumerate(used) if number in formats}


def _part_of(parts: zipfile.ZipFile, sheet: str) -> str:
    """The name of the part that a sheet is in."""
    ids = {
        element.get("name"): value
        for element in _tree(parts, f"{_ROOT}/workbook.xml").iter()
        if _local(element.tag) == "sheet"
        for name, value in element.items()
        if _local(name) == "id"
    }
    targets = {
        element.get("Id"): element.get("Target", "")
        for element in _tree(parts, f"{_ROOT}/_rels/workbook.xml.rels").iter()
    }
    target = targets.get(ids.get(sheet), "")
    return posixpath.normpath(posixpath.join("/", _ROOT, target)).removeprefix("/")


def _tree(parts: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """Raises BadZipFile."""
    try:
        with parts.open(name) as part:
            text = part.read(_LARGEST + 1)
        if len(text) > _LARGEST or b"<!DOCTYPE" in text:
            raise zipfile.BadZipFile(f"{name} is not that of a workbook")
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, KeyError) as err:
        raise zipfile.BadZipFile(str(err)) from None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _cells(parts: zipfile.ZipFile, name: str) -> Iterator[tuple[Cell, int]]:
    """Cells with a style. Raises BadZipFile."""
    rest = b""
    try:
        part = parts.open(name)
    except KeyError as err:
        raise zipfile.BadZipFile(str(err)) from None
    with part:
        while block := part.read(_BLOCK):
            text = rest + block
            end = text.rfind(b">") + 1
            text, rest = text[:end], text[end:]
            for tag in _TAG.finditer(text):
                found = {it[0]: it[1:] for it in _ATTRIBUTE.findall(tag[0])}
                if len(found) == 2:
                    yield _place(*found[b"r"]), int(found[b"s"][1])


def _place(letters: bytes, row: bytes) -> Cell:
    column = 0
    for letter in letters:
        column = column * 26 + letter - ord("A") + 1
    return int(row), column - 1

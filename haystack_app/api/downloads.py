"""Answers as files, for people who follow a link in a browser.

The parameter ``format`` names the format of the file, and ``download`` the file itself,
whose ending is its format; either is enough. They count for browsers and for programs
that accept anything: a program that names a media type in Accept gets that one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.http import QueryDict
from rest_framework.exceptions import NotAcceptable
from rest_framework.request import Request

from ..kinds.display import quoted
from ..transfer.workbooks import sheet
from ..wire.registry import CSV, HAYSON, TRIO, ZINC, Format
from .media_ranges import media_ranges
from .renderers import XLSX, GridRenderer, WorkbookRenderer

__all__ = [
    "FILE_STEM",
    "FORMATS",
    "Download",
    "download_of",
    "is_for_person",
    "renderer_of",
    "workbook_of",
]

FORMATS: Mapping[str, Format] = {
    "zinc": ZINC,
    "json": HAYSON,
    "trio": TRIO,
    "csv": CSV,
    "xlsx": XLSX,
}
"""By the words of ``format``, which are endings of files, too."""
FILE_STEM = re.compile(r"[\w][\w .,+@-]{0,150}")
"""A name of a file before its ending."""
_OTHER = re.compile(r"[^\w .,@+-]+")
_NO_WORKBOOKS = (
    "xlsx needs the package 'xlsxwriter' on the server: install"
    " haystack-server[files]; without it there is csv"
)


class Download(NamedTuple):
    """A file: one of the words for a format, and its name."""

    word: str
    filename: str


def is_for_person(accept: str) -> bool:
    """Whether Accept is that of a browser, or asks for nothing in particular.

    Raises NotAcceptable.
    """
    names = {one.name for one in media_ranges(accept) if one.q > 0}
    return "text/html" in names or names <= {"*/*"}


def download_of(
    request: Request, stem: str, words: Collection[str] = tuple(FORMATS)
) -> Download | None:
    """The file that a GET request asks for; ``stem`` names it unless ``download`` does.

    None for programs, and without both parameters. Raises NotAcceptable.
    """
    params = request.query_params
    is_asked = bool(params.get("format") or params.get("download"))
    if not is_asked or request.method not in ("GET", "HEAD"):
        return None
    if not is_for_person(request.headers.get("Accept", "")):
        return None
    if found := _named(params, words):
        return found
    word = _word(params["format"], words)
    return Download(word, f"{_safe(stem)}.{word}")


def workbook_of(request: Request, stem: str) -> Download | None:
    """The workbook of a program that accepts nothing else, by any method."""
    accept = request.headers.get("Accept", "")
    if accept.strip().lower() != XLSX.media_types[0].name:
        return None
    return Download("xlsx", f"{_safe(stem)}.xlsx")


def _named(params: QueryDict, words: Collection[str]) -> Download | None:
    name = params.get("download")
    if not name:
        return None
    stem, _, ending = name.rpartition(".")
    word = ending.lower()
    if word not in words or not FILE_STEM.fullmatch(stem):
        endings = ", ".join(f".{one}" for one in words)
        raise NotAcceptable(
            f"download must be the name of a file that ends in {endings}, not"
            f" {quoted(name)}"
        )
    if (given := params.get("format")) and _word(given, words) != word:
        raise NotAcceptable(f"format is {given}, but download ends in .{ending}")
    return Download(word, name)


def _word(text: str, words: Collection[str]) -> str:
    if text not in words:
        known = ", ".join(words)
        raise NotAcceptable(f"format must be one of {known}, not {quoted(text)}")
    return text


def _safe(stem: str) -> str:
    """A name that every file system takes."""
    return _OTHER.sub("-", stem).strip("-. ")[:100] or "answer"


def renderer_of(download: Download) -> GridRenderer:
    """Raises NotAcceptable if the server has no library for the format."""
    format = FORMATS[download.word]
    media_type = format.media_types[0].name
    if format is not XLSX:
        return GridRenderer(format, media_type, download.filename)
    if not sheet.is_installed():
        raise NotAcceptable(_NO_WORKBOOKS)
    return WorkbookRenderer(format, media_type, download.filename)

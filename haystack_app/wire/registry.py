"""The wire formats, by name and by media type.

A format is two functions on whole grids. Formats may share a media type; its
``version`` parameter then selects one of them.
"""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..kinds.grid import Grid
from . import (
    csv_reader,
    csv_writer,
    hayson_reader,
    hayson_writer,
    json3_reader,
    json3_writer,
    trio_reader,
    trio_writer,
    zinc_reader,
    zinc_writer,
)
from .errors import ParseError

__all__ = ["DEFAULT", "FORMATS", "Format", "MediaType", "text_of"]


@dataclass(frozen=True, slots=True)
class MediaType:
    """``type/subtype`` and the ``version`` parameter that selects the format.

    A version of None matches a request without the parameter, and a request for any
    version if no other media type of that name has a version.
    """

    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A wire format.

    ``read`` takes text and raises ParseError; ``write`` yields pieces of text.
    Either is None in a format for one direction only. ``download`` writes a file for
    a person, if that differs. Without ``has_meta`` the grid's meta is lost.
    ``versions`` are further ones that clients name, which select nothing.
    """

    name: str
    media_types: tuple[MediaType, ...]
    read: Callable[[str], Grid] | None
    write: Callable[[Grid], Iterator[str]] | None
    has_meta: bool = True
    download: Callable[[Grid], Iterator[str]] | None = None
    versions: frozenset[str] = frozenset()

    def read_bytes(self, body: bytes) -> Grid:
        return self.read_text(text_of(body))

    def read_text(self, text: str) -> Grid:
        if self.read is None:
            raise ParseError(f"{self.name} cannot be read")
        return self.read(text)


def text_of(body: bytes) -> str:
    """Decode UTF-8, without a byte order mark. Raises ParseError."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        utf16 = body.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
        hint = ": this text is UTF-16" if utf16 else ""
        raise ParseError(f"invalid UTF-8{hint}", f"byte {err.start}") from None


ZINC = Format(
    "zinc",
    (MediaType("text/zinc"),),
    zinc_reader.read_grid,
    zinc_writer.grid_chunks,
    versions=frozenset({"3", "3.0"}),
)
HAYSON = Format(
    "hayson",
    (
        MediaType("application/json"),
        MediaType("application/json", "4"),
        MediaType("application/vnd.haystack+json"),
        MediaType("application/vnd.haystack+json", "4"),
    ),
    hayson_reader.read_grid,
    hayson_writer.grid_chunks,
)
JSON3 = Format(
    "json3",
    (
        MediaType("application/json", "3"),
        MediaType("application/vnd.haystack+json", "3"),
    ),
    json3_reader.read_grid,
    json3_writer.grid_chunks,
)
TRIO = Format(
    "trio",
    (MediaType("text/trio"),),
    trio_reader.read_grid,
    trio_writer.grid_chunks,
    has_meta=False,
)
CSV = Format(
    "csv",
    (MediaType("text/csv"),),
    csv_reader.read_grid,
    csv_writer.grid_chunks,
    has_meta=False,
    download=csv_writer.download_chunks,
)

FORMATS = (ZINC, HAYSON, JSON3, TRIO, CSV)
"""In order of preference for clients that accept several."""
DEFAULT = ZINC

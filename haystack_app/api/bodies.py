"""Reads the body of a request, decompressed if necessary.

Source: RFC 9110 section 8.4. This is not done by a layer in front of the application
because it must work with any server, and only for authorized callers.
"""

from __future__ import annotations

import zlib

from django.http import HttpRequest

from ..conf import limit
from ..kinds.display import quoted
from .exceptions import BodyTooLarge, InvalidBody, UnsupportedEncoding

__all__ = ["decompress", "request_body"]

_GZIP = {"gzip", "x-gzip"}
_WINDOW = 16 + zlib.MAX_WBITS
"""For zlib: only the header and trailer of gzip."""
_SLICE = 16 * 1024
_MAX_MEMBERS = 10_000
"""Each takes a new decompressor; parallel compressors write 500 for 32 MB."""


def request_body(request: HttpRequest) -> bytes:
    """Raises UnsupportedEncoding, BodyTooLarge or InvalidBody."""
    is_compressed = _is_compressed(request.headers.get("Content-Encoding", ""))
    maximum = limit("BODY")
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not (declared.isascii() and declared.isdecimal()):  # Django reads it as 0
        raise InvalidBody(f"invalid Content-Length {quoted(declared)}")
    # int() refuses thousands of digits
    if len(declared) > 20 or int(declared) > maximum:
        raise _too_large(maximum)
    # request.body is limited by DATA_UPLOAD_MAX_MEMORY_SIZE, which is for forms
    body: bytes = request.read(maximum + 1)
    if len(body) > maximum:
        raise _too_large(maximum)
    return decompress(body, maximum) if is_compressed else body


def decompress(body: bytes, maximum: int) -> bytes:
    """Decompress gzip, in one or more members, to at most ``maximum`` bytes.

    Decompression stops at the limit. Raises BodyTooLarge or InvalidBody.
    """
    found = bytearray()
    members = 1
    unpacker = zlib.decompressobj(_WINDOW)
    for at in range(0, len(body), _SLICE):
        data = body[at : at + _SLICE]
        while data:
            if unpacker.eof:
                unpacker = zlib.decompressobj(_WINDOW)
                members += 1
            try:
                found += unpacker.decompress(data, maximum + 1 - len(found))
            except zlib.error as err:
                raise InvalidBody(f"invalid gzip body: {err}") from None
            if len(found) > maximum:
                raise _too_large(maximum)
            if members > _MAX_MEMBERS:
                raise InvalidBody(f"more than {_MAX_MEMBERS} gzip members")
            data = unpacker.unused_data
    if not unpacker.eof:
        raise InvalidBody("incomplete gzip body")
    return bytes(found)


def _is_compressed(header: str) -> bool:
    codings = [coding.strip().lower() for coding in header.split(",")]
    applied = [coding for coding in codings if coding not in ("", "identity")]
    if len(applied) > 1 or not _GZIP.issuperset(applied):
        raise UnsupportedEncoding(
            f"unsupported Content-Encoding {header!r}: use gzip or identity"
        )
    return bool(applied)


def _too_large(maximum: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {maximum} bytes (cap BODY)")

"""The bytes of a request's body, inflated where the client has compressed them.

Source: RFC 9110 section 8.4. This is done here and not in front of the
application: it must hold under any server, and only for who may ask at all.
"""

from __future__ import annotations

import zlib

from django.http import HttpRequest

from ..conf import limit
from .exceptions import BodyTooLarge, UnknownCoding, UnreadableBody

__all__ = ["inflated", "request_body"]

_GZIP = {"gzip", "x-gzip"}
_WINDOW = 16 + zlib.MAX_WBITS
"""To zlib: the header and trailer of gzip are expected, and no others."""
_SLICE = 16 * 1024
_MOST_MEMBERS = 10_000
"""Each costs a new decompressor; tools that pack in parallel make 500 of 32 MB."""


def request_body(request: HttpRequest) -> bytes:
    """Raises UnknownCoding, BodyTooLarge or UnreadableBody."""
    is_packed = _is_packed(request.headers.get("Content-Encoding", ""))
    most = limit("BODY")
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdecimal() and int(declared) > most:  # Django takes others for 0
        raise _too_large(most)
    # request.body would keep to DATA_UPLOAD_MAX_MEMORY_SIZE, which is for forms
    body: bytes = request.read(most + 1)
    if len(body) > most:
        raise _too_large(most)
    return inflated(body, most) if is_packed else body


def inflated(body: bytes, most: int) -> bytes:
    """What gzip packed, in one member or several; ``most`` bytes at most.

    Inflating stops at the cap, whatever the rest would become.
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
                found += unpacker.decompress(data, most + 1 - len(found))
            except zlib.error as err:
                raise UnreadableBody(f"the gzip body is corrupt: {err}") from None
            if len(found) > most:
                raise _too_large(most)
            if members > _MOST_MEMBERS:
                raise UnreadableBody(f"more than {_MOST_MEMBERS} gzip members")
            data = unpacker.unused_data
    if not unpacker.eof:
        raise UnreadableBody("the gzip body is cut short")
    return bytes(found)


def _is_packed(header: str) -> bool:
    codings = [coding.strip().lower() for coding in header.split(",")]
    applied = [coding for coding in codings if coding not in ("", "identity")]
    if len(applied) > 1 or not _GZIP.issuperset(applied):
        raise UnknownCoding(f"Content-Encoding {header!r}: use gzip or identity")
    return bool(applied)


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {most} bytes (cap BODY)")

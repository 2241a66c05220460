"""``ETag``, ``If-Match`` and ``If-None-Match``: the ``mod`` of an entity in headers.

For reads, ``serving.conditions`` compares the ETag. Source: RFC 9110 sections 8.8.3,
13.1.1 and 13.1.2; RFC 6585 section 3 for status 428.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.http import parse_etags
from rest_framework.request import Request

from ..kinds.datetimes import DateTime
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .exceptions import BadRequest, PreconditionFailed, PreconditionRequired

__all__ = ["etag_of", "expected_mod", "refuse_matching"]


def etag_of(record: Record) -> str:
    return f'"{record["mod"].iso}"'


def expected_mod(request: Request, body: Any = None) -> DateTime | None:
    """The ``mod`` that the stored entity must have; None for any.

    It is read from If-Match, or else from the body. Raises PreconditionRequired if
    both are missing, PreconditionFailed for an ETag of another form, BadRequest.
    """
    header = request.headers.get("If-Match", "").strip()
    if header == "*":
        return None
    if header:
        # a proxy or the gzip middleware may have made the ETag weak
        text = header.removeprefix("W/").strip('"')
        try:
            return DateTime.parse(text, "UTC")
        except ValueError:
            raise PreconditionFailed("If-Match is not an ETag of this entity") from None
    if body is None:
        raise PreconditionRequired
    if not isinstance(body, DateTime):
        raise BadRequest(f"mod must be a DateTime, not {display_text(body)}")
    return body


def refuse_matching(request: Request, stored: Callable[[], Record]) -> None:
    """Raises PreconditionFailed for a change whose If-None-Match names the state."""
    header = request.headers.get("If-None-Match")
    if header is None:
        return
    tags = [tag.removeprefix("W/") for tag in parse_etags(header)]
    etag = etag_of(stored())
    if tags == ["*"] or etag in tags:
        raise PreconditionFailed("If-None-Match is the ETag of this entity")

"""``ETag`` and ``If-Match``: an entity's ``mod`` as HTTP says it.

Source: RFC 9110 sections 8.8.3 and 13.1.1; RFC 6585 section 3 for the status
that asks for one.
"""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from ..kinds.datetimes import DateTime
from ..wire.record import Record
from .exceptions import PreconditionRequired, Stale, UnreadableRequest

__all__ = ["etag_of", "wanted_mod"]


def etag_of(record: Record) -> str:
    return f'"{record["mod"].iso}"'


def wanted_mod(request: Request, body: Any = None) -> DateTime | None:
    """The state that the request is about; None for any.

    From If-Match, else from the body. Raises PreconditionRequired where there is
    neither, Stale for a tag that is none of ours, UnreadableRequest.
    """
    header = request.headers.get("If-Match", "").strip()
    if header == "*":
        return None
    if header:
        # a proxy or our own gzip may have made the tag a weak one
        text = header.removeprefix("W/").strip('"')
        try:
            return DateTime.parse(text, "UTC")
        except ValueError:
            raise Stale("If-Match names no state of this entity") from None
    if body is None:
        raise PreconditionRequired
    if not isinstance(body, DateTime):
        raise UnreadableRequest(f"mod must be a DateTime, not {body!r}")
    return body

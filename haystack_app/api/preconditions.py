"""``ETag``, ``If-Match`` and ``If-None-Match``: the ``mod`` of an entity in headers.

An ETag also tells states apart with other transient tags, or other names of what refs
refer to, if the entity has any. These do not matter to If-Match: a sensor's new value
does not refuse a change of its tags.
For reads, ``serving.conditions`` compares the ETag. Source: RFC 9110 sections 8.8.3,
13.1.1 and 13.1.2; RFC 6585 section 3 for status 428.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import orjson
from django.utils.http import parse_etags
from rest_framework.request import Request

from ..kinds.datetimes import DateTime
from ..kinds.transient import TRANSIENT
from ..ops.entities import names_in
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .exceptions import BadRequest, PreconditionFailed, PreconditionRequired

__all__ = ["etag_of", "expected_mod", "refuse_matching"]


_SEPARATOR = ";"


def etag_of(record: Record) -> str:
    mod = record["mod"].iso
    cur = {name: tag for name, tag in record.json.items() if name in TRANSIENT}
    names = names_in(record)
    if not cur and not names:
        return f'"{mod}"'
    moving = [cur, names] if names else cur
    state = blake2b(orjson.dumps(moving, option=orjson.OPT_SORT_KEYS), digest_size=8)
    return f'"{mod}{_SEPARATOR}{state.hexdigest()}"'


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
        text = header.removeprefix("W/").strip('"').partition(_SEPARATOR)[0]
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
    mod = f'"{stored()["mod"].iso}"'
    if tags == ["*"] or mod in (_of_mod(tag) for tag in tags):
        raise PreconditionFailed("If-None-Match is the ETag of this entity")


def _of_mod(tag: str) -> str:
    """The ETag of the same ``mod`` without transient tags."""
    mod, separator, _ = tag.partition(_SEPARATOR)
    return f'{mod}"' if separator else tag

"""ETags of answers that consist of entities, and 304 for clients that have them.

An ETag covers the request, the format, the caller's scope, and the revision of each
entity in the answer: which entities these are is found out anew for each request, by
the same filter as the answer's. So changes elsewhere in the store do not matter, but
changes of what a path of a filter or of a scope leads to do. The ETags are weak,
because the order of rows is not defined.

Source: RFC 9110 sections 8.8.3, 13.1.2 and 13.2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from rest_framework.request import Request

from .. import __version__
from ..auth.caller import Caller
from ..ops.revisions import revisions_of

__all__ = ["Validator"]

_Response = TypeVar("_Response", bound=HttpResponseBase)


class Validator:
    """The ETags of answers to a GET or HEAD request by a caller.

    ``media_type`` is that of the answer, with its parameters.
    """

    def __init__(self, request: Request, caller: Caller, media_type: str) -> None:
        parts = [__version__, request.get_full_path(), media_type, *caller.scope_texts]
        self._prefix = f'"{_digest(parts, 8)}-'
        self._known = _known_tags(request, self._prefix)

    @property
    def may_match(self) -> bool:
        """Whether the client has an earlier answer to the same request."""
        return bool(self._known)

    def etag(self, revisions: Iterable[str]) -> str:
        return f'{self._prefix}{_digest(sorted(revisions), 16)}"'

    def not_modified(self, revisions: Sequence[str]) -> HttpResponseBase | None:
        """The response 304 if the client has these entities."""
        etag = self.etag(revisions)
        return _not_modified(etag) if etag in self._known else None

    def respond(
        self, rows: Iterable[Any], full: Callable[[], _Response]
    ) -> _Response | HttpResponseBase:
        """304 for rows that the client has, or else the full answer with its ETag."""
        if (held := revisions_of(rows)) is None:
            return full()
        if (etag := self.etag(held)) in self._known:
            return _not_modified(etag)
        response = full()
        response["ETag"] = f"W/{etag}"
        return response


def _not_modified(etag: str) -> HttpResponseBase:
    # streaming, because Django adds `Content-Length: 0` to others, which would be
    # the length of the answer that the client has
    response = StreamingHttpResponse((), status=304, headers={"ETag": f"W/{etag}"})
    del response["Content-Type"]
    return response


def _known_tags(request: Request, prefix: str) -> set[str]:
    """ETags of If-None-Match with this prefix, as weak comparison sees them."""
    if "If-Match" in request.headers:  # it comes first
        return set()
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    found = {tag.removeprefix("W/") for tag in tags}
    return {tag for tag in found if tag.startswith(prefix)}


def _digest(parts: Iterable[str], size: int) -> str:
    # neither part of a header nor JSON has a newline
    return blake2b("\n".join(parts).encode(), digest_size=size).hexdigest()

"""Content codings of answers: gzip or none, as ``Accept-Encoding`` says.

Source: RFC 9110 sections 12.4.2, 12.5.3, 14.2 and 15.5.7. Django's middleware and
WhiteNoise look for the word ``gzip`` in the header, so that ``gzip;q=0`` gets gzip.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

__all__ = ["REFUSED", "Codings", "ContentCoding"]

_ITEM = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)"
    r"(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?",
    re.ASCII | re.IGNORECASE,
)
_ALIASES = {"x-gzip": "gzip"}
_LEAST = 0.0005
"""The weight of a response without a coding that the header does not mention: less
than that of any coding it lists."""
_NO_CONTENT = {204, 205, 304}
_EVENTS = "text/event-stream"
_LONGEST = 4_000
REFUSED = (
    "Accept-Encoding excludes every content coding of this response: accept gzip or"
    " identity"
)


@dataclass(frozen=True)
class Codings:
    """What a client accepts: the weights by the names of codings in lower case."""

    weights: dict[str, float]

    @classmethod
    def parse(cls, header: str | None) -> Codings:
        """Without a header only identity is used. Malformed items are ignored."""
        weights: dict[str, float] = {}
        for name, weight in _items(header or ""):
            weights[name] = max(weight, weights.get(name, 0.0))
        return cls(weights)

    @property
    def identity(self) -> float:
        return self.weights.get("identity", self.weights.get("*", _LEAST))

    @property
    def gzip(self) -> float:
        return self.weights.get("gzip", self.weights.get("*", 0.0))

    @property
    def prefers_gzip(self) -> bool:
        return self.gzip > 0 and self.gzip >= self.identity

    @property
    def is_possible(self) -> bool:
        return self.identity > 0 or self.gzip > 0


def _items(header: str) -> Iterator[tuple[str, float]]:
    for item in header[:_LONGEST].split(","):
        if found := _ITEM.fullmatch(item.strip(" \t")):
            name = found[1].lower()
            yield _ALIASES.get(name, name), float(found[2] or 1)


class ContentCoding(GZipMiddleware):
    """Middleware in place of Django's, outside of all that sends content.

    What is inside sees ``Accept-Encoding: gzip`` or no such header. Requests that
    accept no coding of the server are answered 406 without being run.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        codings = Codings.parse(request.META.pop("HTTP_ACCEPT_ENCODING", None))
        if not codings.is_possible:
            return _refusal()
        if codings.prefers_gzip:
            request.META["HTTP_ACCEPT_ENCODING"] = "gzip"
        if not codings.identity:
            # a part of a file has no coding, and servers may send the whole file
            request.META.pop("HTTP_RANGE", None)
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Encoding",))
        if codings.prefers_gzip and _can_be_coded(response):
            response = self.process_response(request, response)
        if not codings.identity and not response.has_header("Content-Encoding"):
            return _coded(response)
        return response


def _can_be_coded(response: HttpResponseBase) -> bool:
    return not (
        response.has_header("Content-Range") or response.status_code in _NO_CONTENT
    )


def _coded(response: HttpResponseBase) -> HttpResponseBase:
    """A response that gzip makes no shorter, for a client that refuses others."""
    if response.get("Content-Type", "").startswith(_EVENTS):
        response.close()
        return _refusal()  # events would wait for a whole block
    if isinstance(response, HttpResponse) and response.content:
        response.content = gzip.compress(response.content)
        response.headers["Content-Length"] = str(len(response.content))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _refusal() -> JsonResponse:
    return JsonResponse(
        {"status": 406, "dis": REFUSED},
        status=406,
        content_type="application/json; charset=utf-8",
        headers={"Vary": "Accept-Encoding"},
    )

"""``If-None-Match`` and the other conditions of GET and HEAD requests.

Source: RFC 9110 section 13. Django's ``ConditionalGetMiddleware`` leaves HEAD and
``*`` out, and WhiteNoise lists and weak ETags.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import parse_http_date_safe

__all__ = ["answer_conditions"]

GetResponse = Callable[[HttpRequest], HttpResponseBase]
_ANY = '"*"'


def answer_conditions(get_response: GetResponse) -> GetResponse:
    """Middleware, inside of ``ContentCoding``: 304 for what the client has, or 412."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method not in ("GET", "HEAD"):
            return response
        etag = response.get("ETag")
        if etag is None and request.headers.get("If-None-Match", "").strip() == "*":
            etag = _ANY  # each response is a representation, also without an ETag
        modified = parse_http_date_safe(response.get("Last-Modified", ""))
        if not etag and modified is None:
            return response
        answer = get_conditional_response(request, etag, modified, response)
        if answer is not response:
            # closing the answer ends the streams and files of the response
            answer._resource_closers += response._resource_closers
        return answer

    return answer

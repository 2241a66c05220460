"""Header fields as clients write them: none that cannot be read is an internal error.

Django and REST framework parse parameters with the email package, which raises errors
of many types for mixtures of RFC 2231, and they do so before any view runs. All code of
the app reads such fields by ``parsed_media_type``, and all its requests are made here.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import MediaType
from django.utils.functional import cached_property
from django.utils.http import parse_header_parameters

__all__ = ["InvalidHeader", "TolerantRequest", "parsed_media_type", "request_of_scope"]


class InvalidHeader(ValueError):
    """A header field cannot be parsed."""


def parsed_media_type(text: str) -> tuple[str, dict[str, str]]:
    """``type/subtype`` in lower case and its parameters. Raises InvalidHeader."""
    try:
        name, parameters = parse_header_parameters(text)
    except Exception as err:  # LookupError, TypeError, ValueError and others
        raise InvalidHeader(f"invalid header {text[:100]!r}") from err
    return name, parameters


class _Tolerant(HttpRequest):
    """A request whose Content-Type, Accept and cookies need not be readable.

    Views still find the header, and refuse it where it matters.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = "", {}
        with suppress(InvalidHeader):
            text = meta.get("CONTENT_TYPE", "")
            self.content_type, self.content_params = parsed_media_type(text)
        charset = self.content_params.get("charset", "")
        if charset and _decodes(charset):
            self.encoding = charset

    def _load_post_and_files(self) -> None:
        try:
            super()._load_post_and_files()
        except (LookupError, TypeError, AttributeError) as err:
            raise MultiPartParserError("invalid header of a part") from err

    @cached_property
    def accepted_types(self) -> list[MediaType]:
        """None if the header cannot be read."""
        try:
            return super().accepted_types
        except Exception:  # LookupError, TypeError, ValueError and others
            return []

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]
        """Without those with U+0000, which no database takes as a session's key."""
        found: dict[str, str] = super().COOKIES
        return {name: text for name, text in found.items() if "\0" not in text}


def _decodes(charset: str) -> bool:
    """Whether the name is that of an encoding of texts, with any error handler."""
    try:
        b"a\xff".decode(charset, "replace")
    except (LookupError, ValueError):  # such as base64 and idna
        return False
    return True


class TolerantRequest(_Tolerant, WSGIRequest):
    """The request of Django's WSGI handler."""


class _ScopeRequest(_Tolerant, ASGIRequest):
    pass


def request_of_scope(scope: Mapping[str, Any]) -> ASGIRequest:
    """A GET request without a body, with the headers of an ASGI scope."""
    query = scope.get("query_string", b"").decode("latin-1").encode("ascii", "replace")
    method = {"method": "GET", "query_string": query}
    return _ScopeRequest({**scope, **method}, io.BytesIO())

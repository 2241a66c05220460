"""Django's WSGI application, for any Content-Type."""

from __future__ import annotations

from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

__all__ = ["get_wsgi_application"]


class TolerantRequest(WSGIRequest):
    """A request whose Content-Type need not be readable.

    Django reads it before any view or middleware runs, and a parameter in an
    encoding that does not exist would end as a status 500. Views still find the
    header, and refuse it where it matters.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (LookupError, ValueError):
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    request_class = TolerantRequest


def get_wsgi_application() -> WSGIHandler:
    """For hosts that insist on WSGI: no websockets, no events, and chunked uploads
    arrive empty. Prefer ``get_asgi_application``."""
    django.setup(set_prefix=False)
    return Handler()

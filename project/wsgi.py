"""For hosts that insist on WSGI. Chunked uploads arrive empty there: prefer ASGI."""

from __future__ import annotations

import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


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


django.setup(set_prefix=False)
application = Handler()

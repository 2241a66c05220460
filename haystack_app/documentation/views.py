"""Serves the built documentation. It is public, for it has no data of a store."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.static import serve

from ..conf import app_settings

__all__ = ["documentation", "is_built"]

_OF_PACKAGE = Path(__file__).resolve().parent / "site"
_FIRST = "index.html"
_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # icons of the style sheet
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
"""tools/build_docs.py leaves neither inline scripts nor inline styles."""
_CACHED = "max-age=60, public"
"""As WhiteNoise says of static files."""


def is_built() -> bool:
    """Whether there is a site to serve."""
    return (_folder() / _FIRST).is_file()


@require_safe
def documentation(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """A file of the site, or a page with status 404 that says what is missing."""
    try:
        response = serve(request, path or _FIRST, document_root=str(_folder()))
    except (Http404, SuspiciousFileOperation, ValueError):  # the last one for a NUL
        return _missing(request, path)
    response["Content-Security-Policy"] = _POLICY
    response["Cache-Control"] = _CACHED
    return response


def _folder() -> Path:
    given: str = app_settings.DOCUMENTATION
    return Path(given) if given else _OF_PACKAGE


def _missing(request: HttpRequest, path: str) -> HttpResponse:
    context = {"is_built": is_built(), "path": path}
    return render(request, "haystack_app/no_documentation.html", context, status=404)

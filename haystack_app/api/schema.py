"""The OpenAPI document of the REST resources, and a page that shows it.

They are of this app alone: a project's ``SPECTACULAR_SETTINGS`` and other APIs
appear in neither.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, patched_settings
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from .authentication import AUTHENTICATION
from .base import ApiView
from .throttling import RequestThrottle

__all__ = ["DocsView", "SchemaView", "only_ours"]

_SETTINGS: dict[str, Any] = {
    **{
        name: value
        for name, value in SPECTACULAR_DEFAULTS.items()
        # these are attributes of views
        if not name.startswith("SERVE_") and name != "DEFAULT_GENERATOR_CLASS"
    },
    "TITLE": "Haystack server",
    "DESCRIPTION": "Entities as REST resources. The Haystack ops are in docs/api.md.",
    "VERSION": "1",
    "PREPROCESSING_HOOKS": ["haystack_app.api.schema.only_ours"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
_patching = Lock()
"""``patched_settings`` changes what all threads see."""


def only_ours(endpoints: list[Any], **_: Any) -> list[Any]:
    """Hook of drf-spectacular: rows of (path, regex, method, view)."""
    return [row for row in endpoints if issubclass(row[3].cls, ApiView)]


class _PublicView(APIView):
    """As public as the documentation in docs/ is."""

    authentication_classes = AUTHENTICATION
    permission_classes = [AllowAny]
    throttle_classes = [RequestThrottle]
    content_negotiation_class = DefaultContentNegotiation
    versioning_class = None
    schema = None


class SchemaView(_PublicView, SpectacularAPIView):
    """As YAML, or as JSON."""

    generator_class = SchemaGenerator
    serve_public = True
    urlconf = None
    custom_settings = _SETTINGS

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        with _patching:
            return super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]


class DocsView(_PublicView, SpectacularSwaggerSplitView):
    """Swagger UI, from the files of drf-spectacular-sidecar."""

    title = _SETTINGS["TITLE"]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        with _patching, patched_settings(_SETTINGS):
            return super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]

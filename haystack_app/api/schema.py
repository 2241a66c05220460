"""The OpenAPI schema of the resources and ops, and the page that shows it.

All settings are defined here, so that a host's settings of drf-spectacular only apply
to the host's own API.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from ..client_headers import InvalidHeader, parsed_media_type
from ..ops import Op, all_ops
from ..wire.registry import FORMATS
from . import exceptions, openapi
from .authentication import AUTHENTICATION
from .examples import EXAMPLES, Example
from .renderers import XLSX
from .throttling import RequestThrottle

__all__ = ["DocsView", "SchemaView"]

_TITLE = "Haystack server"
_SIDECAR = "drf_spectacular_sidecar/swagger-ui-dist"
_GRID = "A grid in one of Haystack's formats."


def only_this_api(endpoints: list[Any]) -> list[Any]:
    """Preprocessing hook that excludes views of the host project."""
    return [
        endpoint
        for endpoint in endpoints
        if endpoint[3].cls.__module__.startswith("haystack_app.")
    ]


def add_ops(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook that adds all registered ops.

    The ops share one view and one path, so they cannot be generated.
    """
    paths = result["paths"]
    root = next(path for path in paths if path.endswith("/changes/"))
    for op in all_ops():
        paths[root.removesuffix("changes/") + op.name] = _operations(op)
    return result


def _operations(op: Op) -> dict[str, Any]:
    body = {"description": _GRID, "content": _bodies(op), "required": True}
    post = _operation(op, "post") | {"requestBody": body}
    if op.side_effects:
        return {"post": post}
    get = _operation(op, "get") | {"parameters": list(_parameters(op))}
    if op.download:
        get["responses"]["200"]["content"] |= {XLSX.media_types[0].name: {}}
    return {"get": get, "post": post}


def _bodies(op: Op) -> dict[str, Any]:
    """Bodies of a POST, with an example in Zinc and in the forms of JSON."""
    content = _content("read")
    example = EXAMPLES.get(op.name)
    if example is None:
        return content
    for name, value in {
        openapi.ZINC: example.zinc,
        openapi.JSON: example.json,
        openapi.HAYSON: example.json,
    }.items():
        content[name] = {**content[name], "example": value}
    return content


def _parameters(op: Op) -> Iterator[dict[str, Any]]:
    text = {"type": "string"}
    example = EXAMPLES.get(op.name, Example())
    for name, description in op.arguments.items():
        parameter = _parameter(name, description, text)
        if name in example.parameters:
            parameter["example"] = example.parameters[name]
        yield parameter
    for one in openapi.DOWNLOAD if op.download else ():
        schema = one.type if isinstance(one.type, dict) else text
        yield _parameter(one.name, str(one.description), schema)


def _parameter(name: str, description: str, schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _operation(op: Op, method: str) -> dict[str, Any]:
    permission = f" Requires the permission `{op.permission}`." if op.permission else ""
    return {
        "operationId": f"op_{op.name}_{method}",
        "tags": ["ops"],
        "summary": op.name,
        "description": f"{op.doc}{permission}",
        "security": [{"bearerAuth": []}, {"basicAuth": []}, {"cookieAuth": []}],
        "responses": {
            "200": {
                "description": "The answer, or an error grid with `err` and `dis`.",
                "content": _content("write"),
            },
            **openapi.op_error_responses(method),
        },
    }


def _content(direction: str) -> dict[str, Any]:
    """Media types that are read or written, with grids as opaque objects."""
    return {
        media_type.name: {"schema": openapi.GRID if "json" in media_type.name else {}}
        for format in FORMATS
        if getattr(format, direction)
        for media_type in format.media_types
        if media_type.version is None
    }


_SETTINGS = {
    "TITLE": _TITLE,
    "DESCRIPTION": (
        "Entities, users and changes as REST resources, and the Haystack ops. "
        "docs/api.md describes both."
    ),
    "VERSION": "1",
    "PREPROCESSING_HOOKS": ["haystack_app.api.schema.only_this_api"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "haystack_app.api.schema.add_ops",
    ],
    # of fields with the same name and other choices
    "ENUM_NAME_OVERRIDES": {
        "TransitionKindEnum": "haystack_app.models.alarm.AlarmTransition.Kind",
    },
}


class CachedGenerator(SchemaGenerator):
    """Generates the schema once per language: it takes a second of CPU."""

    _schemas: dict[str | None, Any] = {}
    _lock = Lock()

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        language = get_language()
        # the lock is necessary because settings are patched for all threads
        with self._lock:
            if language not in self._schemas:
                with patched_settings(_SETTINGS):
                    found = super().get_schema(  # type: ignore[no-untyped-call]
                        request=None, public=True
                    )
                self._schemas[language] = found
            return self._schemas[language]


class ReadableRanges(DefaultContentNegotiation):
    """Of the header Accept, what can be parsed; the rest would be an internal error."""

    def get_accept_list(self, request: Request) -> list[str]:
        return [it for it in super().get_accept_list(request) if _is_readable(it)]


def _is_readable(text: str) -> bool:
    try:
        parsed_media_type(text)
    except InvalidHeader:
        return False
    return True


class PublicView(APIView):
    authentication_classes = AUTHENTICATION
    permission_classes = [AllowAny]
    throttle_classes = [RequestThrottle]
    content_negotiation_class = ReadableRanges
    versioning_class = None
    schema = None

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(headers={"Content-Length": "0"})

    def get_exception_handler(self) -> Any:
        return exceptions.handle


class _Rendered:
    """Keeps the texts of schemas, which takes longer than all else of a request.

    The generator keeps the schemas themselves, so that their identities are unique.
    """

    _texts: dict[tuple[str, int], Any] = {}

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(data, dict) or "openapi" not in data:
            return super().render(data, *args, **kwargs)  # type: ignore[misc]
        key = type(self).__name__, id(data)
        if key not in self._texts:
            text = super().render(data, *args, **kwargs)  # type: ignore[misc]
            self._texts[key] = text
        return self._texts[key]


class SchemaView(PublicView, SpectacularAPIView):
    renderer_classes = [
        type(renderer.__name__, (_Rendered, renderer), {})
        for renderer in SpectacularAPIView.renderer_classes
    ]
    generator_class = CachedGenerator
    urlconf = None


class DocsView(PublicView, SpectacularSwaggerSplitView):
    url_name = "haystack:schema"
    title = _TITLE

    @staticmethod
    def _swagger_ui_resource(filename: str) -> str:
        return static(f"{_SIDECAR}/{filename}")

    @staticmethod
    def _swagger_ui_favicon() -> str:
        return static(f"{_SIDECAR}/favicon-32x32.png")

"""Components of the OpenAPI schema: bodies, parameters and error responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular import utils
from drf_spectacular.authentication import BasicScheme, SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

__all__ = [
    "CHANGES",
    "ENTITY",
    "ETAG",
    "GRID",
    "IF_MATCH",
    "ONE_OR_MORE",
    "PAGE_ETAG",
    "QUALITY",
    "bodies",
    "error_responses",
    "extend_schema",
    "id_in_path",
    "location",
    "op_error_responses",
    "query",
]

_F = TypeVar("_F", bound=Callable[..., Any] | type)

_JSON = "application/json"
_HAYSON = "application/vnd.haystack+json"
_ID = "[A-Za-z0-9_:.~-]+"

_REF = {
    "type": "object",
    "properties": {
        "_kind": {"type": "string", "enum": ["ref"]},
        "val": {"type": "string", "pattern": f"^{_ID}$"},
        "dis": {"type": "string"},
    },
    "required": ["_kind", "val"],
}
ENTITY: dict[str, Any] = {
    "type": "object",
    "description": "Tags by name, in Hayson.",
    "properties": {"id": _REF},
    "additionalProperties": True,
}
ONE_OR_MORE: dict[str, Any] = {
    "oneOf": [ENTITY, {"type": "array", "items": ENTITY}],
}
CHANGES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "changes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "cursor": {"type": "string"},
                    "at": {"type": "string", "format": "date-time"},
                    "who": {"type": "string"},
                    "id": {"type": "string"},
                    "kind": {"type": "string", "enum": ["add", "update", "remove"]},
                    "before": {"type": "object", "additionalProperties": True},
                    "after": {"type": "object", "additionalProperties": True},
                },
                "required": ["cursor", "at", "who", "id", "kind", "before", "after"],
            },
        },
        "cursor": {"type": "string", "description": "`since` of the next request"},
        "more": {"type": "boolean", "description": "whether there are more changes"},
    },
    "required": ["changes", "cursor", "more"],
}
_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "nullable": True, "description": "in seconds"}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1, "nullable": True}
_TIME = {"type": "string", "format": "date-time", "nullable": True}
_QUALITY = {
    "id": {"type": "string"},
    "dis": {"type": "string", "nullable": True},
    "score": {"type": "number", "minimum": 0, "maximum": 100},
    "newest": _TIME,
    "age": _SECONDS,
    "samples": _COUNT,
    "interval": _SECONDS,
    "share": _SHARE,
    "gaps": {**_COUNT, "nullable": True},
    "gap": _SECONDS,
    "gapStart": _TIME,
    "flat": _SECONDS,
    "flatStart": _TIME,
    "outside": _COUNT,
    "mismatched": _COUNT,
    "future": _COUNT,
    "na": _SHARE,
}
QUALITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": _QUALITY,
                "required": list(_QUALITY),
            },
        },
        "count": {**_COUNT, "description": "points that match"},
    },
    "required": ["results", "count"],
}
GRID: dict[str, Any] = {
    "type": "object",
    "description": "A grid in Hayson: `meta`, `cols` and `rows`.",
    "additionalProperties": True,
}
_ERROR = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "dis": {"type": "string"},
        "oldest": {
            "type": "string",
            "description": "with status 410: the oldest cursor",
        },
    },
    "required": ["status", "dis"],
}
_DESCRIPTIONS = {
    400: "invalid request: `dis` has the reason",
    401: "not authenticated",
    403: "missing permission",
    404: "unknown id or project",
    406: "unsupported media types in Accept",
    409: "conflict with stored data, such as references to the entity",
    410: "the change log no longer has this cursor: read all entities again",
    412: "the entity was changed in the meantime",
    413: "the body is too large, compressed or decompressed",
    415: "unsupported Content-Type, or Content-Encoding other than gzip",
    428: "missing If-Match or `mod`",
    501: "this server cannot send events: poll with JSON",
    429: "too many requests: wait for the seconds in `Retry-After`",
}

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="the ETag of the state to change, or `*` for any state",
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    description="begins with the entity's `mod`; differs if a transient tag does",
    response=[200, 201],
)
PAGE_ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    description="for If-None-Match; another one after each change of the page",
    response=[200, 304],
)


def extend_schema(**options: Any) -> Callable[[_F], _F]:
    """drf-spectacular's decorator, independent of ``DEFAULT_SCHEMA_CLASS``."""

    def decorate(method: _F) -> _F:
        if not hasattr(method, "schema"):
            vars(method)["schema"] = AutoSchema()  # classes inherit that of ApiView
        return utils.extend_schema(**options)(method)

    return decorate


def location(thing: str) -> OpenApiParameter:
    return OpenApiParameter(
        "Location",
        str,
        OpenApiParameter.HEADER,
        description=f"the path of the new {thing}",
        response=[201],
    )


def query(name: str, description: str, schema: Any = str) -> OpenApiParameter:
    return OpenApiParameter(name, schema, description=description)


def id_in_path() -> OpenApiParameter:
    schema = {"type": "string", "pattern": f"^{_ID}$"}
    return OpenApiParameter("id", schema, OpenApiParameter.PATH)


def bodies(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {_JSON: schema, _HAYSON: schema}


def error_responses(*statuses: int) -> dict[int, OpenApiResponse]:
    """Error responses of all operations, and those given."""
    return {
        status: OpenApiResponse(_ERROR, description=_DESCRIPTIONS[status])
        for status in sorted({400, 401, 404, 429, *statuses})
    }


def op_error_responses(method: str) -> dict[str, Any]:
    """Error responses of an op, for failures before the grid is read."""
    statuses = [400, 401, 403, 404, 406, 429]
    if method == "post":
        statuses += [413, 415]
    return {
        str(status): {
            "description": _DESCRIPTIONS[status],
            "content": {_JSON: {"schema": _ERROR}},
        }
        for status in sorted(statuses)
    }


class _Basic(BasicScheme):  # type: ignore[no-untyped-call]
    """Extensions are registered by defining them."""

    target_class = "haystack_app.api.authentication.CachedBasicAuthentication"


class _Bearer(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "haystack_app.api.authentication.BearerAuthentication"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class _Session(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "haystack_app.api.authentication.SessionAuthentication"

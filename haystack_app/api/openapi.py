"""What the OpenAPI schema says of the REST resources: bodies, parameters, statuses."""

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
    "bodies",
    "extend_schema",
    "id_in_path",
    "location",
    "op_refusals",
    "query",
    "refusals",
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
    "description": "Tags by their names, in Hayson.",
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
        "more": {"type": "boolean", "description": "whether there are others already"},
    },
    "required": ["changes", "cursor", "more"],
}
GRID: dict[str, Any] = {
    "type": "object",
    "description": "A grid in Hayson: `meta`, `cols` and `rows`.",
    "additionalProperties": True,
}
_REFUSAL = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "dis": {"type": "string"},
        "oldest": {"type": "string", "description": "of a 410: the oldest cursor"},
    },
    "required": ["status", "dis"],
}
_REASONS = {
    400: "what is asked for makes no sense: `dis` says what of it",
    401: "no log-in",
    403: "the right to do this is missing",
    404: "unknown id or project",
    406: "no media type of the Accept header can be written",
    409: "it does not go with what is there: others refer to it, say",
    410: "the change log does not go on from this cursor: read all entities anew",
    412: "it was changed meanwhile",
    413: "the body is too large, as sent or inflated",
    415: "the body is no JSON of this kind, or its Content-Encoding is not gzip",
    428: "neither If-Match nor `mod` says which state is changed",
    429: "too many requests: `Retry-After` says how many seconds to wait",
}

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="the ETag of the state that is changed, or `*` for any",
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    description="the entity's `mod`",
    response=[200, 201],
)


def extend_schema(**said: Any) -> Callable[[_F], _F]:
    """drf-spectacular's, whatever ``DEFAULT_SCHEMA_CLASS`` a project has."""

    def decorate(method: _F) -> _F:
        if not hasattr(method, "schema"):
            vars(method)["schema"] = AutoSchema()  # a class has that of ApiView
        return utils.extend_schema(**said)(method)

    return decorate


def location(thing: str) -> OpenApiParameter:
    return OpenApiParameter(
        "Location",
        str,
        OpenApiParameter.HEADER,
        description=f"the path of the {thing}, where one was added",
        response=[201],
    )


def query(name: str, description: str, schema: Any = str) -> OpenApiParameter:
    return OpenApiParameter(name, schema, description=description)


def id_in_path() -> OpenApiParameter:
    schema = {"type": "string", "pattern": f"^{_ID}$"}
    return OpenApiParameter("id", schema, OpenApiParameter.PATH)


def bodies(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {_JSON: schema, _HAYSON: schema}


def refusals(*statuses: int) -> dict[int, OpenApiResponse]:
    """Those of every request, and these."""
    return {
        status: OpenApiResponse(_REFUSAL, description=_REASONS[status])
        for status in sorted({400, 401, 404, 429, *statuses})
    }


def op_refusals(method: str) -> dict[str, Any]:
    """Of an op, as OpenAPI has them: whatever fails before the grid is read."""
    statuses = [400, 401, 403, 404, 406, 429]
    if method == "post":
        statuses += [413, 415]
    return {
        str(status): {
            "description": _REASONS[status],
            "content": {_JSON: {"schema": _REFUSAL}},
        }
        for status in sorted(statuses)
    }


class _Basic(BasicScheme):  # type: ignore[no-untyped-call]
    """To be defined is to be registered."""

    target_class = "haystack_app.api.authentication.CachedBasicAuthentication"


class _Bearer(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "haystack_app.api.authentication.BearerAuthentication"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class _Session(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "haystack_app.api.authentication.SessionAuthentication"

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
    "FRAME",
    "FRAME_EXAMPLE",
    "GRID",
    "IF_MATCH",
    "ONE_OR_MORE",
    "PAGE_ETAG",
    "QUALITY",
    "SAMPLE_CHANGES",
    "SAMPLE_EDITS",
    "SAMPLE_UNDO",
    "bodies",
    "change_in_path",
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
_TEXT = {"type": "string", "nullable": True}
_COLUMN = {
    "name": {"type": "string", "description": "its key in `values`"},
    "id": {"type": "string"},
    "dis": _TEXT,
    "kind": {"type": "string", "enum": ["Number", "Bool", "Str", "Coord"]},
    "unit": _TEXT,
    "tz": {"type": "string"},
    "rollup": {"type": "string"},
}
_LIST_OF_TEXTS = {"type": "array", "items": {"type": "string"}}
FRAME: dict[str, Any] = {
    "type": "object",
    "description": "Wide, with `values` by column; or long, with a list for each of"
    " `id`, `val` and `text`, and `fold` of roll-ups.",
    "properties": {
        "ts": {"type": "array", "items": {"type": "string", "format": "date-time"}},
        "values": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {}},
        },
        "id": _LIST_OF_TEXTS,
        "val": {"type": "array", "items": {"type": "number", "nullable": True}},
        "text": {"type": "array", "items": _TEXT},
        "columns": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": _COLUMN,
                "required": [name for name in _COLUMN if name != "rollup"],
            },
        },
        "tz": {"type": "string"},
        "hisStart": {"type": "string", "format": "date-time"},
        "hisEnd": {"type": "string", "format": "date-time"},
        "fold": _LIST_OF_TEXTS,
        "rollup": {"type": "string"},
        "interval": {"type": "string"},
        "partial": {"type": "boolean"},
    },
    "required": ["ts", "columns", "tz", "hisStart", "hisEnd"],
}
_DAYS = ["2024-03-01T00:00:00-05:00", "2024-03-02T00:00:00-05:00"]
FRAME_EXAMPLE: dict[str, Any] = {
    "ts": _DAYS,
    "values": {"ahu-1.temp": [71.5, 70.25], "ahu-2.temp": [68, None]},
    "tz": "New_York",
    "hisStart": _DAYS[0],
    "hisEnd": "2024-03-03T00:00:00-05:00",
    "rollup": "avg",
    "interval": "1day",
    "columns": [
        {
            "name": f"{id}.temp",
            "id": f"{id}.temp",
            "dis": "Discharge air temp",
            "kind": "Number",
            "unit": "°F",
            "tz": "New_York",
            "rollup": "avg",
        }
        for id in ("ahu-1", "ahu-2")
    ],
}


def _results(properties: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    """An object with a list of objects, all of whose properties are required."""
    item = {"type": "object", "properties": properties, "required": list(properties)}
    own = {"results": {"type": "array", "items": item}, **others}
    return {"type": "object", "properties": own, "required": list(own)}


_INSTANT = {"type": "string", "format": "date-time"}
_SAMPLE_VALUE = {"nullable": True, "description": "Hayson without a unit, null if none"}
SAMPLE_CHANGES: dict[str, Any] = _results(
    {
        "id": {"type": "string"},
        "at": _INSTANT,
        "kind": {"type": "string", "description": "hisWrite, import or undo"},
        "user": {"type": "string"},
        "points": _COUNT,
        "samples": _COUNT,
    }
)
SAMPLE_EDITS: dict[str, Any] = _results(
    {
        "id": {"type": "string", "description": "of the point"},
        "ts": _INSTANT,
        "before": _SAMPLE_VALUE,
        "after": _SAMPLE_VALUE,
    },
    count={**_COUNT, "description": "samples of the change"},
)
_SAMPLE = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "ts": _INSTANT},
    "required": ["id", "ts"],
}
SAMPLE_UNDO: dict[str, Any] = {
    "type": "object",
    "properties": {
        "restored": {**_COUNT, "description": "samples that are as before"},
        "conflicts": {**_COUNT, "description": "samples that were changed since"},
        "changedSince": {"type": "array", "items": _SAMPLE},
        "missing": {
            "type": "array",
            "items": {"type": "string"},
            "description": "points that do not exist any more",
        },
    },
    "required": ["restored", "conflicts", "changedSince", "missing"],
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


def change_in_path() -> OpenApiParameter:
    schema = {"type": "string", "description": "`id` in the list of changes"}
    return OpenApiParameter("change", schema, OpenApiParameter.PATH)


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

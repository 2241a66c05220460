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
    "COMMIT",
    "DOWNLOAD",
    "ENTITY",
    "ENTITY_CHANGES",
    "ETAG",
    "FILE",
    "FILES",
    "FRAME",
    "FRAME_EXAMPLE",
    "GRID",
    "HAYSON",
    "IF_MATCH",
    "JOB_ACCEPTED",
    "JSON",
    "ONE_OR_MORE",
    "PAGE_ETAG",
    "QUALITY",
    "REMOVAL",
    "REVERSAL",
    "SAMPLE_CHANGES",
    "SAMPLE_EDITED",
    "SAMPLE_EDITS",
    "SAMPLE_IMPORT",
    "SAMPLE_UNDO",
    "TAGS",
    "TAG_VALUES",
    "ZINC",
    "bodies",
    "change_in_path",
    "cursor_in_path",
    "error_responses",
    "extend_schema",
    "id_in_path",
    "location",
    "op_error_responses",
    "query",
    "tag_in_path",
]

_F = TypeVar("_F", bound=Callable[..., Any] | type)

JSON = "application/json"
HAYSON = "application/vnd.haystack+json"
ZINC = "text/zinc"
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
_CHANGES: dict[str, Any] = {
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
}
CHANGES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "changes": _CHANGES,
        "cursor": {"type": "string", "description": "`since` of the next request"},
        "more": {"type": "boolean", "description": "whether there are more changes"},
    },
    "required": ["changes", "cursor", "more"],
}
ENTITY_CHANGES: dict[str, Any] = {
    "type": "object",
    "properties": {"changes": _CHANGES},
    "required": ["changes"],
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
_MORE = {"type": "boolean", "description": "whether there are more than `limit`"}
TAGS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "tag": {"type": "string"},
                    "count": {
                        **_COUNT,
                        "nullable": True,
                        "description": "entities that have it; null if the server"
                        " sets it, such as `curVal`",
                    },
                },
                "required": ["tag", "count"],
            },
        },
        "more": _MORE,
    },
    "required": ["results", "more"],
}
TAG_VALUES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "val": {"description": "Hayson"},
                    "count": {**_COUNT, "description": "entities that have it"},
                },
                "required": ["val", "count"],
            },
        },
        "more": _MORE,
    },
    "required": ["results", "more"],
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
        "dropped": {
            "type": "object",
            "description": "by column: before when samples are gone, by a policy",
            "additionalProperties": {"type": "string", "format": "date-time"},
        },
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


def _strings(*names: str) -> dict[str, Any]:
    """An object of strings."""
    properties = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": properties, "required": list(names)}


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
        "kind": {"type": "string", "description": "hisWrite, import, edit or undo"},
        "user": {"type": "string"},
        "reason": {"type": "string", "description": "why, of an edit"},
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
SAMPLE_EDITED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "change": {
            "type": "string",
            "nullable": True,
            "description": "for the undo; null if nothing is kept of it",
        },
        "samples": {**_COUNT, "description": "samples that were edited"},
    },
    "required": ["change", "samples"],
}
SAMPLE_UNDO: dict[str, Any] = {
    "type": "object",
    "properties": {
        "restored": {**_COUNT, "description": "samples that are as before"},
        "conflicts": {**_COUNT, "description": "samples that were changed since"},
        "changedSince": {"type": "array", "items": _SAMPLE},
        "dropped": {
            "type": "array",
            "items": _SAMPLE,
            "description": "samples before what a policy dropped, which it refuses",
        },
        "missing": {
            "type": "array",
            "items": {"type": "string"},
            "description": "points that do not exist any more",
        },
    },
    "required": ["restored", "conflicts", "changedSince", "dropped", "missing"],
}
FILE: dict[str, Any] = {"type": "string", "format": "binary"}
JOB_ACCEPTED: dict[str, Any] = {
    "type": "object",
    "description": "The job; `Location` is where it is.",
    "additionalProperties": True,
}
SAMPLE_IMPORT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "stored": {"type": "boolean"},
        "understood": {
            **_LIST_OF_TEXTS,
            "description": "the layout, times, columns and points, a line each",
        },
        **dict.fromkeys(("rows", "samples", "repeated", "removed", "points"), _COUNT),
        "leftOut": {**_COUNT, "description": "invalid rows"},
        "created": {**_LIST_OF_TEXTS, "description": "ids of new points"},
        "change": {
            "type": "string",
            "description": "by which `samples/changes/` undoes what was replaced",
        },
        "errors": {
            "type": "array",
            "items": _strings("where", "column", "reason", "remedy"),
        },
        "errorCount": _COUNT,
    },
    "required": ["stored", "rows", "samples", "points", "created", "understood"],
}
_REVERSAL = {
    "updated": {**_LIST_OF_TEXTS, "description": "ids of entities that were set back"},
    "added": {**_LIST_OF_TEXTS, "description": "ids of removed ones that exist again"},
    "removed": {**_LIST_OF_TEXTS, "description": "ids of added ones"},
    "unchanged": {**_LIST_OF_TEXTS, "description": "ids of those that were as before"},
    "samplesLost": {
        **_LIST_OF_TEXTS,
        "description": "points of `added` whose samples were deleted with them",
    },
    "dangling": {
        "type": "array",
        "description": "restored refs to entities that do not exist",
        "items": _strings("id", "path", "target"),
    },
    "conflicts": {
        "type": "array",
        "description": "what was changed since, and stays as it is",
        "items": _strings("id", "tag", "reason"),
    },
}
REVERSAL: dict[str, Any] = {
    "type": "object",
    "properties": _REVERSAL,
    "required": list(_REVERSAL),
}
REMOVAL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "referrers": {"type": "array", "items": ENTITY},
        "more": {"type": "boolean"},
        "samples": {**_COUNT, "description": "that would be deleted with it"},
    },
    "required": ["referrers", "more", "samples"],
}
COMMIT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "at": _INSTANT,
        "who": {"type": "string"},
        "count": {**_COUNT, "description": "changes that you see"},
        "undo": {**REVERSAL, "description": "what an undo would do now"},
        "changes": _CHANGES,
    },
    "required": ["at", "who", "count", "undo", "changes"],
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


DOWNLOAD = [
    query(
        "format",
        "of a file to save, for people: unless `Accept` names a media type",
        {"type": "string", "enum": ["csv", "json", "trio", "xlsx", "zinc"]},
    ),
    query("download", "the name of the file, whose ending is its format"),
]
_TEXTS = ("text/csv", "text/trio", "text/zinc")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES: dict[tuple[int, str], Any] = {
    **{(200, name): {"type": "string"} for name in _TEXTS},
    (200, _XLSX): {"type": "string", "format": "binary"},
}
"""The responses that ``DOWNLOAD`` adds to JSON."""


def id_in_path() -> OpenApiParameter:
    schema = {"type": "string", "pattern": f"^{_ID}$"}
    return OpenApiParameter("id", schema, OpenApiParameter.PATH)


def change_in_path() -> OpenApiParameter:
    schema = {"type": "string", "description": "`id` in the list of changes"}
    return OpenApiParameter("change", schema, OpenApiParameter.PATH)


def tag_in_path() -> OpenApiParameter:
    schema = {"type": "string", "pattern": "^[a-z][a-zA-Z0-9_]*$"}
    return OpenApiParameter("tag", schema, OpenApiParameter.PATH)


def cursor_in_path() -> OpenApiParameter:
    schema = {"type": "string", "pattern": "^[0-9]+$"}
    return OpenApiParameter("cursor", schema, OpenApiParameter.PATH)


def bodies(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {JSON: schema, HAYSON: schema}


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
            "content": {JSON: {"schema": _ERROR}},
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

"""What the page of one entity shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.contrib.admin.utils import quote
from django.db.models import Count
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy

from ..filters import is_trash
from ..kinds.datetimes import DateTime
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Number, Ref
from ..kinds.transient import TRANSIENT
from ..models import Entity, EntityRef, HisSample, PriorityLevel
from ..storage.base import StorageAdapter
from ..storage.changes import UPDATE, Change
from ..storage.orm import OrmAdapter
from ..storage.write_log import LevelWrite
from ..wire import hayson_reader, zinc_writer
from .labels import display_name, label_of

__all__ = ["entity_context", "names_of"]

_SAMPLES = 50
_CHANGES = 20
_REFERRERS = 10
_PATHS = 30
_KINDS = {
    "add": pgettext_lazy("done", "add"),
    "update": pgettext_lazy("done", "update"),
    "remove": pgettext_lazy("done", "remove"),
    "set": pgettext_lazy("done", "set"),
    "release": pgettext_lazy("done", "release"),
    "expire": pgettext_lazy("done", "expire"),
}
"""What was done to an entity, or to a level of a point."""


@dataclass(frozen=True, slots=True)
class Referrers:
    """Entities that refer to one by the same path; the first few are named."""

    path: str
    count: int
    search: str
    first: list[SafeString]


def entity_context(entity: Entity, store: OrmAdapter) -> dict[str, Any]:
    """The context of the entity's template; ``store`` has all that may be shown."""
    [record] = store.shown([entity.record])
    tags = dict(record.items())
    refs = EntityRef.objects.filter(src=entity.id).exclude(dst="")  # nested dicts
    edges = list(refs.order_by("path", "dst"))
    names = names_of([*(edge.dst for edge in edges), *_refs_in(tags)], store)
    markers = [name for name, value in tags.items() if value is MARKER]
    return {
        "entity": entity,
        "title": display_name(tags),
        "thing": label_of(tags),
        "is_trash": is_trash(tags),
        "markers": sorted(markers),
        "tags": [
            (name, value_html(value, names))
            for name, value in sorted(tags.items())
            if value is not MARKER and name not in TRANSIENT and name != "id"
        ],
        "transient": [
            (name, value_html(value, names))
            for name, value in sorted(tags.items())
            if name in TRANSIENT
        ],
        "refs": [(edge.path, ref_link(edge.dst, names)) for edge in edges],
        "referrers": _referrers(entity.id, store),
        "samples": _samples(entity.id, tags),
        "levels": levels_of(entity.id) if "writable" in tags else None,
        "writes": writes_of(store, entity.id) if "writable" in tags else None,
        "changes": changes_of(store, entity.id),
        "sample_limit": _SAMPLES,
        "hayson": _pretty(record.raw),
    }


def names_of(ids: Iterable[str], store: OrmAdapter) -> dict[str, str]:
    """What those of some entities are called that the caller sees."""
    wanted = sorted(set(ids))
    rows = zip(wanted, store.read_by_ids(wanted), strict=True)
    return {id: display_name(row) for id, row in rows if row is not None}


def _refs_in(value: Any) -> Iterator[str]:
    """Ids of all refs in a value, those without an edge included."""
    if isinstance(value, Ref):
        yield value.id
    elif isinstance(value, list):
        for item in value:
            yield from _refs_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _refs_in(item)
    elif isinstance(value, Grid):
        yield from _refs_in(list(value.rows))


def entity_url(id: str) -> str:
    return reverse("admin:haystack_app_entity_change", args=[quote(id)])


def ref_link(id: str, names: Mapping[str, str], dis: str | None = None) -> SafeString:
    """A link to an entity; one that does not exist is only named."""
    if id not in names:
        shown = format_html(" {}", dis) if dis else ""
        return format_html(
            '<code>@{}</code>{} <em class="hs-soft">{}</em>',
            id,
            shown,
            gettext("missing"),
        )
    return format_html(
        '<a href="{}">{}</a> <code class="hs-soft">@{}</code>',
        entity_url(id),
        names[id],
        id,
    )


def value_html(value: Any, names: Mapping[str, str]) -> SafeString:
    """A value as Zinc; refs to what exists are links, grids are tables."""
    if isinstance(value, Ref):
        return ref_link(value.id, names, value.dis)
    if isinstance(value, list) and any(isinstance(item, Ref) for item in value):
        items = ((value_html(item, names),) for item in value)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", items))
    if isinstance(value, dict) and value:
        rows = ((name, value_html(inner, names)) for name, inner in value.items())
        cells = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", rows)
        return format_html("<table>{}</table>", cells)
    if isinstance(value, Grid):
        return _grid_html(value, names)
    return format_html("<code>{}</code>", zinc_writer.value_text(value))


def _grid_html(grid: Grid, names: Mapping[str, str]) -> SafeString:
    head = format_html_join("", "<th>{}</th>", ((name,) for name in grid.names))
    rows = (
        (
            format_html_join(
                "",
                "<td>{}</td>",
                (
                    (value_html(row[name], names) if name in row else "",)
                    for name in grid.names
                ),
            ),
        )
        for row in grid.rows
    )
    body = format_html_join("", "<tr>{}</tr>", rows)
    return format_html("<table><tr>{}</tr>{}</table>", head, body)


def _referrers(id: str, store: OrmAdapter) -> list[Referrers]:
    seen = store.visible.order_by().values("id")
    edges = EntityRef.objects.filter(dst=id, src__in=seen)
    counts = edges.values_list("path").annotate(count=Count("src")).order_by("path")
    found = []
    for path, count in counts[:_PATHS]:
        first = edges.filter(path=path).order_by("src")[:_REFERRERS]
        srcs = [edge.src_id for edge in first]
        names = names_of(srcs, store)
        found.append(
            Referrers(
                path,
                count,
                _search_url(_search(path, id)),
                [ref_link(src, names) for src in srcs],
            )
        )
    return found


def _search(path: str, id: str) -> str:
    """A filter for the referrers; into lists of dicts it cannot look."""
    tags, hidden, _ = path.replace(".", "->").partition("[]")
    return tags if hidden else f"{tags} == @{id}"


def _search_url(filter: str) -> str:
    return (
        f"{reverse('admin:haystack_app_entity_changelist')}?{urlencode({'q': filter})}"
    )


def _samples(id: str, tags: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """The newest samples; None for an entity that is not a point with history."""
    if "point" not in tags or "his" not in tags:
        return None
    tz, unit = str(tags.get("tz", "UTC")), tags.get("unit")
    rows = HisSample.objects.filter(point_id=id).order_by("-ts")[:_SAMPLES]
    return [(_time(row, tz), _value(row, unit)) for row in rows]


def _time(row: HisSample, tz: str) -> str:
    try:
        return str(DateTime(row.ts, tz))
    except ValueError:
        return row.ts.isoformat()


def _value(row: HisSample, unit: Any) -> str:
    if row.obj is not None:
        return zinc_writer.value_text(hayson_reader.read_value(row.obj))
    try:
        return str(Number(row.val or 0.0, unit if isinstance(unit, str) else None))
    except ValueError:
        return str(row.val)


def _pretty(raw: str) -> str:
    return orjson.dumps(orjson.loads(raw), option=orjson.OPT_INDENT_2).decode()


# -- what was written and changed ----------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownLevel:
    number: int
    val: str
    who: str
    user: str
    expires: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ShownChange:
    """``tags`` are (name, before, after) of an update, as Zinc."""

    at: dt.datetime
    who: str
    kind: str
    tags: list[tuple[str, str, str]]


def levels_of(id: str) -> list[ShownLevel]:
    """The levels of a point that are set, the first that counts first."""
    rows = PriorityLevel.objects.filter(point_id=id).order_by("number")
    return [
        ShownLevel(
            row.number,
            zinc_writer.value_text(hayson_reader.read_value(row.val)),
            row.who,
            row.user,
            row.expires,
        )
        for row in rows
    ]


def writes_of(store: StorageAdapter, id: str) -> list[LevelWrite]:
    """The last writes to a point's priority array, with values as Zinc."""
    return [
        replace(
            write,
            kind=str(_KINDS[write.kind]),
            val="" if write.val is None else zinc_writer.value_text(write.val),
        )
        for write in store.writes_of(id, _CHANGES)
    ]


def changes_of(store: StorageAdapter, id: str) -> list[ShownChange]:
    """The last changes of an entity, the newest first."""
    rows = store.changes_of(id, _CHANGES)
    return [
        ShownChange(row.at, row.who, str(_KINDS[row.kind]), _changed_tags(row))
        for row in rows
    ]


def _changed_tags(row: Change) -> list[tuple[str, str, str]]:
    if row.kind != UPDATE:
        return []
    names = sorted(row.before.keys() | row.after.keys())
    return [
        (name, _tag_text(row.before, name), _tag_text(row.after, name))
        for name in names
    ]


def _tag_text(tags: Mapping[str, Any], name: str) -> str:
    return zinc_writer.value_text(tags[name]) if name in tags else ""

"""Tests of tag values in PostgreSQL.

A test of a tag of the row itself uses operators of the GIN index on ``tags`` (``?``,
``@>``, ``@?``); a test of a value at the end of a path works on the value alone. Text
that might not parse is never cast: a value of another type fails the test, without an
error.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import orjson

from ..filters.ast import Path
from ..filters.times import LocalDay
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number, Ref
from ..kinds.transient import TRANSIENT
from ..wire import hayson_writer
from . import postgres_paths
from .fragments import Row, Sql, Test, all_of, any_of, sql
from .paths import from_record, is_set
from .tables import ENTITIES

__all__ = ["has_any", "holds", "part_of_date_time", "value_holds"]

_REF = '{"_kind":"ref"}'
_DATE_TIME = {"_kind": "dateTime"}
_OF_DATE_TIME = {
    "date": "jsonb_build_object('_kind', 'date', 'val', left({} ->> 'val', 10))",
    "time": (
        "jsonb_build_object('_kind', 'time', 'val',"
        " substring({} ->> 'val' from 'T([0-9:.]+)'))"
    ),
    "tz": "to_jsonb({} ->> 'tz')",
}
_INFINITY = {"<": "-INF", "<=": "-INF", ">": "INF", ">=": "INF"}


def holds(row: Row, path: Path, test: Test, *, walk: bool = False) -> Sql:
    """Whether the value at ``path`` passes.

    A path of several names is tested by sets of referring ids. With ``walk``, and if
    sets cannot express the test, the path is followed row by row.
    """
    path = from_record(path)
    if len(path) == 1:
        return _tag_holds(row, path[0], test)
    if walk or not is_set(path, test):
        return _walk(row, path, test)
    return sql("{} IN ({})", Sql(row.id), postgres_paths.ids_of_path(path, test))


def has_any(row: Row, names: Sequence[str]) -> Sql:
    """Whether the row has at least one of the tags."""
    columns = {row.cur: TRANSIENT & {*names}, row.tags: {*names} - TRANSIENT}
    return any_of(
        sql("{} ?| %s::text[]", Sql(column), sorted(tags))
        for column, tags in columns.items()
        if tags
    )


# -- a tag of the row itself --------------------------------------------------


def _column(row: Row, name: str) -> Sql:
    return Sql(row.cur if name in TRANSIENT else row.tags)


def _tag(row: Row, name: str) -> Sql:
    return sql("({} -> %s::text)", _column(row, name), name)


def _tag_holds(row: Row, name: str, test: Test) -> Sql:
    column = _column(row, name)
    present = sql("{} ? %s", column, name)
    if test.op == "has":
        return present
    if test.op == "missing":
        return sql("NOT ({})", present)
    if name == "id" and test.op == "in":
        return sql("{} = ANY(%s::text[])", Sql(row.id), list(test.literal))
    if name == "id" and test.op == "==" and isinstance(test.literal, Ref):
        return sql("{} = %s", Sql(row.id), test.literal.id)
    if test.op == "==" and not isinstance(test.literal, DateTime | LocalDay):
        return _contains(column, [name], test.literal)
    value = _tag(row, name)
    inner = None if test.op in ("!=", "in") else _partial(test.literal)
    if inner is None:
        return all_of([present, value_holds(value, test)])
    return all_of([_nested(column, [name], inner), value_holds(value, test)])


def _contains(column: Sql, names: Sequence[str], literal: Any) -> Sql:
    """Equality by the index; a Ref also matches inside a list."""
    equal = _nested(column, names, _plain(literal))
    if isinstance(literal, Ref):
        return any_of([equal, _nested(column, names, [_plain(literal)])])
    return equal


def _nested(column: Sql, names: Sequence[str], inner: Any) -> Sql:
    for name in reversed(names):
        inner = {name: inner}
    return sql("{} @> %s::jsonb", column, _json(inner))


def _partial(literal: Any) -> Any:
    """JSON that every value comparable with the literal contains, or None."""
    if isinstance(literal, Number) and literal.unit:
        return {"_kind": "number", "unit": literal.unit}
    if isinstance(literal, bool | str | Number | Ref | LocalDay):
        return None
    return {"_kind": _plain(literal)["_kind"]}


def _plain(literal: Any) -> Any:
    if isinstance(literal, Ref):
        literal = Ref(literal.id)  # equality ignores dis
    return hayson_writer.encode(literal)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


# -- a value of any origin ----------------------------------------------------


def value_holds(value: Sql, test: Test) -> Sql:
    """The test of a JSONB value, which is NULL if it is missing."""
    if test.op == "has":
        return sql("{} IS NOT NULL", value)
    if test.op == "missing":
        return sql("{} IS NULL", value)
    if test.op == "!=":
        equal = _equals(value, test.literal)
        return sql("({} IS NOT NULL AND NOT coalesce({}, false))", value, equal)
    own = _compared(value, test)
    if test.op != "in" and not isinstance(test.literal, Ref):
        return own
    element = _compared(Sql("el"), test)
    return sql(
        "({} OR EXISTS (SELECT 1 FROM jsonb_array_elements("
        "CASE WHEN jsonb_typeof({}) = 'array' THEN {} END) AS el WHERE {}))",
        own,
        value,
        value,
        element,
    )


def _compared(value: Sql, test: Test) -> Sql:
    if test.op == "==":
        return _equals(value, test.literal)
    if test.op == "in":
        return sql(
            f"({{}} @> '{_REF}' AND {{}} ->> 'val' = ANY(%s::text[]))",
            value,
            value,
            list(test.literal),
        )
    return _in_order(value, test.op, test.literal)


def _equals(value: Sql, literal: Any) -> Sql:
    if isinstance(literal, DateTime | LocalDay):
        return _in_order(value, "=", literal)
    if isinstance(literal, Ref):  # a stored ref may carry its dis
        return sql("{} @> %s::jsonb", value, _json(_plain(literal)))
    return sql("{} = %s::jsonb", value, _json(_plain(literal)))


def _in_order(value: Sql, op: str, literal: Any) -> Sql:
    if isinstance(literal, bool):
        return _typed(value, "boolean", op, _json(literal))
    if isinstance(literal, Number):
        return _number_in_order(value, op, literal)
    if isinstance(literal, str):
        return sql(
            "(jsonb_typeof({}) = 'string'"
            f' AND ({{}} #>> array[]::text[]) COLLATE "C" {op} %s)',
            value,
            value,
            literal,
        )
    if isinstance(literal, DateTime):
        return sql(
            "CASE WHEN {} @> %s::jsonb"
            f" THEN ({{}} ->> 'val')::timestamptz {op} %s::timestamptz END",
            value,
            _json(_DATE_TIME),
            value,
            _instant(literal),
        )
    if isinstance(literal, LocalDay):
        return _day_in_order(value, op, literal)
    plain = _plain(literal)
    return sql(
        f"({{}} @> %s::jsonb AND ({{}} ->> 'val') COLLATE \"C\" {op} %s)",
        value,
        _json({"_kind": plain["_kind"]}),
        value,
        plain["val"],
    )


def _day_in_order(value: Sql, op: str, literal: LocalDay) -> Sql:
    """Of a Date, or of a dateTime, whose text has the local date of its own zone."""
    most, others = literal.days_of_zones
    day = sql("%s", most.isoformat())
    for other, zones in others.items():
        day = sql(
            "CASE WHEN coalesce({} ->> 'tz', 'UTC') = ANY(%s::text[])"
            " THEN %s ELSE {} END",
            value,
            zones,
            other.isoformat(),
            day,
        )
    return sql(
        f"CASE {{}} ->> '_kind' WHEN 'date' THEN ({{}} ->> 'val') COLLATE \"C\" {op} %s"
        f" WHEN 'dateTime' THEN left({{}} ->> 'val', 10) COLLATE \"C\" {op} {{}} END",
        value,
        value,
        literal.day.isoformat(),
        value,
        day,
    )


def _typed(value: Sql, kind: str, op: str, literal: str) -> Sql:
    return sql(
        f"(jsonb_typeof({{}}) = '{kind}' AND {{}} {op} %s::jsonb)",
        value,
        value,
        literal,
    )


def _number_in_order(value: Sql, op: str, literal: Number) -> Sql:
    number = _json(_plain(Number(literal.val)))
    if literal.unit:
        inner = sql("({} -> 'val')", value)
        of_unit = sql("{} @> %s::jsonb", value, _json(_partial(literal)))
        return all_of([of_unit, _typed(inner, "number", op, number)])
    infinite = Number(float(_INFINITY[op]))
    return any_of(
        [
            _typed(value, "number", op, number),
            sql("{} = %s::jsonb", value, _json(_plain(infinite))),
        ]
    )


def _instant(literal: DateTime) -> str:
    return literal.utc.astimezone(dt.UTC).isoformat()


# -- paths --------------------------------------------------------------------


def _walk(row: Row, path: Path, test: Test) -> Sql:
    """Follow the path from one row; each step expands a list to its refs.

    Exact for every test. The final value is NULL if it is missing. OFFSET 0 keeps the
    planner from joining all entities instead of looking up one.
    """
    value = _tag(row, path[0])
    joins: list[Sql] = []
    wheres: list[Sql] = []
    for index, name in enumerate(path[1:]):
        item, target = Sql(f"j{index}.v"), Row.of(f"r{index}")
        joins.append(
            sql(
                ("CROSS JOIN LATERAL " if index else "")
                + "jsonb_array_elements(CASE WHEN jsonb_typeof({}) = 'array'"
                + f" THEN {{}} ELSE jsonb_build_array({{}}) END) AS j{index}(v)"
                + f" LEFT JOIN LATERAL (SELECT o.tags, o.cur FROM {ENTITIES} o WHERE"
                + f" o.id = CASE WHEN j{index}.v @> '{_REF}' THEN j{index}.v ->> 'val'"
                + f" END OFFSET 0) r{index} ON true",
                value,
                value,
                value,
            )
        )
        wheres.append(
            sql(
                f"(jsonb_typeof({{}}) IS DISTINCT FROM 'array' OR {{}} @> '{_REF}')",
                value,
                item,
            )
        )
        value = _step(item, target, name)
    return sql(
        "EXISTS (SELECT 1 FROM {} WHERE {} AND {})",
        Sql(
            " ".join(join.text for join in joins),
            tuple(param for join in joins for param in join.params),
        ),
        all_of(wheres),
        value_holds(value, test),
    )


def _step(item: Sql, target: Row, name: str) -> Sql:
    """The value after one ``->`` from an item that is not a list."""
    of_date_time = Sql("")
    if name in _OF_DATE_TIME:
        of_date_time = sql(
            " WHEN {} @> %s::jsonb THEN " + _OF_DATE_TIME[name],
            item,
            _json(_DATE_TIME),
            item,
        )
    return sql(
        "(CASE WHEN {} @> '" + _REF + "' THEN {}{} WHEN jsonb_typeof({}) = 'object'"
        " AND NOT ({} ? '_kind') THEN {} -> %s::text END)",
        item,
        _tag(target, name),
        of_date_time,
        item,
        item,
        item,
        name,
    )


def part_of_date_time(tags: Sql, path: Path, part: str) -> tuple[Sql, Sql]:
    """Whether the value at a path is a dateTime, and the part of it."""
    value = sql("({} #> %s::text[])", tags, list(path))
    number = _OF_DATE_TIME[part].count("{}")
    derived = sql(f"({_OF_DATE_TIME[part]})", *[value] * number)
    return _nested(tags, path, _DATE_TIME), derived

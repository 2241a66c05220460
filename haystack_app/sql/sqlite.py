"""Tests of tag values in SQLite, by its JSON functions.

A value is the JSON text that ``->`` returns, or NULL if it is missing. Whether a row
has a tag is known from its tag set, unless plain SQL changed the row. Which rows to
test at all is in ``sqlite_candidates``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from ..filters.ast import Path
from ..filters.times import LocalDay
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number, Ref
from ..kinds.series import microseconds_of
from ..kinds.transient import TRANSIENT
from ..wire import hayson_writer
from . import sqlite_paths
from .fragments import Row, Sql, Test, all_of, any_of, sql
from .paths import from_record, ids_of_refs, is_set
from .sqlite_terms import SET_TERMS
from .tables import ENTITIES, ENTITY_REF

__all__ = [
    "date_time_parts",
    "has_any",
    "holds",
    "json_path",
    "part_of_date_time",
    "value_holds",
]

_INFINITY = {"<": "-INF", "<=": "-INF", ">": "INF", ">=": "INF"}
_LOCAL_TIME = (
    "substr({} ->> '$.val', 12, length({} ->> '$.val') - 11 -"
    " CASE WHEN substr({} ->> '$.val', -1) = 'Z' THEN 1 ELSE 6 END)"
)
# strftime does not support offsets above 14 hours, which some old local times have
_SECONDS = (
    "CAST(strftime('%%s', substr({} ->> '$.val', 1, 19)) AS INTEGER) -"
    " CASE WHEN substr({} ->> '$.val', -1) = 'Z' THEN 0 ELSE"
    " (CASE substr({} ->> '$.val', -6, 1) WHEN '-' THEN -60 ELSE 60 END) *"
    " (substr({} ->> '$.val', -5, 2) * 60 + substr({} ->> '$.val', -2)) END"
)
_OF_DATE_TIME = {
    "date": "json_object('_kind', 'date', 'val', substr({} ->> '$.val', 1, 10))",
    "time": f"json_object('_kind', 'time', 'val', {_LOCAL_TIME})",
    "tz": "json_quote({} ->> '$.tz')",
}


def holds(row: Row, path: Path, test: Test, *, walk: bool = False) -> Sql:
    """Whether the value at ``path`` passes; with ``walk`` row by row, without sets."""
    path = from_record(path)
    if len(path) > 1:
        if walk or not is_set(path, test):
            return _walk(row, path, test)
        return sql("{} IN ({})", Sql(row.id), sqlite_paths.ids_of_path(path, test))
    ids = _ids_of(test)
    if path[0] == "id" and ids is not None:
        return sql("{} {}", Sql(row.id), _among(ids))
    exact = value_holds(_tag(row, path[0]), test)
    if path[0] in TRANSIENT:
        return exact
    if test.op in ("has", "missing"):
        return _in_set(row, [path[0]], exact, is_in=test.op == "has")
    if ids is None or walk:
        return exact
    return sql("({} AND {})", _may_refer(row, path[0], ids), exact)


def _in_set(row: Row, names: Sequence[str], exact: Sql, *, is_in: bool = True) -> Sql:
    """Whether the row's tag set has one of the names; ``exact`` if that is unknown."""
    having = sql(
        f"SELECT tag_set_id FROM {SET_TERMS} WHERE value = '' AND name IN"
        " (SELECT value FROM json_each(%s))",
        orjson.dumps(list(names)).decode(),
    )
    return sql(
        f"CASE WHEN {row.tag_set} > 0 THEN {row.tag_set} {'' if is_in else 'NOT '}IN"
        " ({}) ELSE {} END",
        having,
        exact,
    )


def _may_refer(row: Row, name: str, ids: Sequence[str]) -> Sql:
    """Whether an edge leads to one of the ids, at a fraction of the cost of the tag."""
    if len(ids) == 1:
        return sql(
            f"({row.tag_set} <= 0 OR EXISTS (SELECT 1 FROM {ENTITY_REF} r"
            f" WHERE r.path = %s AND r.dst = %s AND r.src = {row.id}))",
            name,
            ids[0],
        )
    candidates = ids_of_refs(name, sql("dst {}", _among(ids)))
    return sql("+{} IN ({})", Sql(row.id), candidates)


def _ids_of(test: Test) -> Sequence[str] | None:
    """The ids of an equality with Refs, or None for other tests."""
    if test.op == "in":
        return list(test.literal)
    is_equality = test.op == "==" and isinstance(test.literal, Ref)
    return [test.literal.id] if is_equality else None


def _among(ids: Sequence[str]) -> Sql:
    if len(ids) == 1:
        return sql("= %s", ids[0])
    return sql("IN (SELECT value FROM json_each(%s))", orjson.dumps(ids).decode())


def has_any(row: Row, names: Sequence[str]) -> Sql:
    """Whether the row has at least one of the tags."""
    tests = []
    if transient := TRANSIENT & {*names}:
        tests.append(_any_key(row.cur, sorted(transient)))
    if persistent := sorted({*names} - TRANSIENT):
        tests.append(_in_set(row, persistent, _any_key(row.tags, persistent)))
    return any_of(tests)


def _any_key(column: str, names: Sequence[str]) -> Sql:
    return sql(
        "EXISTS (SELECT 1 FROM json_each({}) AS tag WHERE tag.key IN"
        " (SELECT value FROM json_each(%s)))",
        Sql(column),
        orjson.dumps(list(names)).decode(),
    )


def _tag(row: Row, name: str) -> Sql:
    column = Sql(row.cur if name in TRANSIENT else row.tags)
    return sql("({} -> %s)", column, json_path(name))


def json_path(*names: str) -> str:
    """A JSON path: the operator would parse a plain label such as ``d.b`` as one."""
    return "$" + "".join(f'."{name}"' for name in names)


# -- values -------------------------------------------------------------------


def value_holds(value: Sql, test: Test) -> Sql:
    """The test of JSON text, which is NULL if the value is missing."""
    if test.op == "has":
        return sql("{} IS NOT NULL", value)
    if test.op == "missing":
        return sql("{} IS NULL", value)
    if test.op == "!=":
        equal = _compared(value, "=", test.literal)
        return sql("({} IS NOT NULL AND NOT coalesce({}, 0))", value, equal)
    op = "=" if test.op == "==" else test.op
    own = _compared(value, op, test.literal)
    if op != "in" and not isinstance(test.literal, Ref):
        return own
    return sql(
        "({} OR EXISTS (SELECT 1 FROM json_each(CASE WHEN json_type({}) = 'array'"
        " THEN {} ELSE '[]' END) AS el WHERE el.type = 'object' AND {}))",
        own,
        value,
        value,
        _compared(Sql("el.value"), op, test.literal),
    )


def _compared(value: Sql, op: str, literal: Any) -> Sql:
    if op == "in":
        return sql(
            "({} ->> '$._kind' = 'ref' AND ({} ->> '$.val') {})",
            value,
            value,
            _among(literal),
        )
    if isinstance(literal, bool):
        return sql(
            "(json_type({}) IN ('true', 'false')"
            f" AND (json_type({{}}) = 'true') {op} %s)",
            value,
            value,
            literal,
        )
    if isinstance(literal, Number):
        return _number(value, op, literal)
    if isinstance(literal, str):
        return sql(
            f"(json_type({{}}) = 'text' AND ({{}} ->> '$') {op} %s)",
            value,
            value,
            literal,
        )
    if isinstance(literal, DateTime):
        return _date_time(value, op, literal)
    if isinstance(literal, LocalDay):
        return _day(value, op, literal)
    plain = hayson_writer.encode(literal)
    return sql(
        f"({{}} ->> '$._kind' = %s AND ({{}} ->> '$.val') {op} %s)",
        value,
        plain["_kind"],
        value,
        plain["val"],
    )


def _number(value: Sql, op: str, literal: Number) -> Sql:
    if literal.unit:
        return sql(
            "({} ->> '$._kind' = 'number' AND {} ->> '$.unit' = %s"
            f" AND ({{}} ->> '$.val') {op} %s)",
            value,
            value,
            literal.unit,
            value,
            literal.val,
        )
    finite = sql(
        f"(json_type({{}}) IN ('integer', 'real') AND ({{}} ->> '$') {op} %s)",
        value,
        value,
        literal.val,
    )
    if op == "=":
        return finite
    infinite = sql(
        "({} ->> '$._kind' = 'number' AND ({} ->> '$.val') = %s)",
        value,
        value,
        _INFINITY[op],
    )
    return any_of([finite, infinite])


def _day(value: Sql, op: str, literal: LocalDay) -> Sql:
    """Of a Date, or of a dateTime, whose text has the local date of its own zone."""
    most, others = literal.days_of_zones
    day = sql("%s", most.isoformat())
    for other, zones in others.items():
        day = sql(
            "CASE WHEN coalesce({} ->> '$.tz', 'UTC') IN"
            " (SELECT value FROM json_each(%s)) THEN %s ELSE {} END",
            value,
            orjson.dumps(zones).decode(),
            other.isoformat(),
            day,
        )
    return sql(
        f"(CASE {{}} ->> '$._kind' WHEN 'date' THEN ({{}} ->> '$.val') {op} %s"
        f" WHEN 'dateTime' THEN substr({{}} ->> '$.val', 1, 10) {op} {{}} END)",
        value,
        value,
        literal.day.isoformat(),
        value,
        day,
    )


def date_time_parts() -> tuple[str, str]:
    """Templates of the whole seconds of a dateTime, and of its fraction as text."""
    return _SECONDS, f"substr({_LOCAL_TIME}, 9)"


def _date_time(value: Sql, op: str, literal: DateTime) -> Sql:
    """By whole seconds, then by the digits of the fraction, which sort as text."""
    seconds, fraction = divmod(microseconds_of(literal.utc), 1_000_000)
    own = f"({', '.join(date_time_parts())})"
    return sql(
        f"({{}} ->> '$._kind' = 'dateTime' AND {own} {op} (%s, %s))",
        *[value] * (1 + own.count("{}")),
        seconds,
        f".{fraction:06d}".rstrip("0") if fraction else "",
    )


# -- paths --------------------------------------------------------------------


def _walk(row: Row, path: Path, test: Test) -> Sql:
    """Follow the path from one row; each step expands a list to its refs."""
    value = _tag(row, path[0])
    joins: list[Sql] = []
    wheres: list[Sql] = []
    for index, name in enumerate(path[1:]):
        item = Sql(f"(CASE j{index}.type WHEN 'object' THEN j{index}.value END)")
        joins.append(
            sql(
                "json_each(CASE WHEN json_type({}) = 'array' THEN {}"
                f" ELSE json_array(json({{}})) END) AS j{index}"
                f" LEFT JOIN {ENTITIES} r{index} ON r{index}.id = CASE WHEN"
                " {} ->> '$._kind' = 'ref' THEN {} ->> '$.val' END",
                value,
                value,
                value,
                item,
                item,
            )
        )
        wheres.append(
            sql(
                "(json_type({}) IS NOT 'array' OR {} ->> '$._kind' = 'ref')",
                value,
                item,
            )
        )
        value = _step(item, Row.of(f"r{index}"), name)
    return sql(
        "EXISTS (SELECT 1 FROM {} WHERE {} AND {})",
        Sql(
            " JOIN ".join(join.text for join in joins),
            tuple(param for join in joins for param in join.params),
        ),
        all_of(wheres),
        value_holds(value, test),
    )


def _step(item: Sql, target: Row, name: str) -> Sql:
    """The value after one ``->`` from an item; NULL if it is not an object."""
    of_date_time = Sql("")
    if name in _OF_DATE_TIME:
        derived = _OF_DATE_TIME[name]
        of_date_time = sql(
            f" WHEN 'dateTime' THEN {derived}", *[item] * derived.count("{}")
        )
    return sql(
        "(CASE coalesce({} ->> '$._kind', '') WHEN 'ref' THEN {}{}"
        " WHEN '' THEN {} -> %s END)",
        item,
        _tag(target, name),
        of_date_time,
        item,
        json_path(name),
    )


def part_of_date_time(value: Sql, part: str) -> Sql:
    derived = _OF_DATE_TIME[part]
    return sql(f"({derived})", *[value] * derived.count("{}"))

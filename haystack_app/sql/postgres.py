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
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number, Ref
from ..kinds.transient import TRANSIENT
from ..wire import hayson_writer
from .fragments import Row, Sql, Test, all_of, any_of, sql
from .tables import ENTITIES, ENTITY_REF

__all__ = ["all_hold", "has_any", "holds", "is_set"]

_MAX_SET_PATH = 4
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
    while path[0] == "id" and len(path) > 1:
        path = path[1:]  # a record's id refers to the record
    if len(path) == 1:
        return _tag_holds(row, path[0], test)
    if walk or not is_set(path, test):
        return _walk(row, path, test)
    return sql("{} IN ({})", Sql(row.id), _ids(path, test))


def is_set(path: Path, test: Test) -> bool:
    """Whether sets of referring ids express the test exactly."""
    return (
        1 < len(path) <= _MAX_SET_PATH
        and test.op != "missing"
        and path[0] != "id"
        and path[0] not in TRANSIENT
    )


def all_hold(row: Row, terms: Sequence[tuple[Path, Test]]) -> Sql:
    """Whether all terms hold; each must be a set. At most once in a statement.

    The ids are computed once, as an array, and drive the statement regardless of
    statistics: with stale statistics, IN may become nested loops over the whole table.
    Before version 17, two arrays on one index would be multiplied.
    """
    sets = [_ids(path, test) for path, test in terms]
    text = " INTERSECT ".join(f"({one.text})" for one in sets)
    params = tuple(param for one in sets for param in one.params)
    return sql("{} = ANY(ARRAY({}))", Sql(row.id), Sql(text, params))


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
    if test.op == "==" and name == "id" and isinstance(test.literal, Ref):
        return sql("{} = %s", Sql(row.id), test.literal.id)
    if test.op == "==" and not isinstance(test.literal, DateTime):
        return _contains(column, [name], test.literal)
    value = _tag(row, name)
    partial = _partial(test.literal)
    if test.op == "!=" or partial is None:
        return all_of([present, value_holds(value, test)])
    return all_of([_nested(column, [name], partial), value_holds(value, test)])


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
    if isinstance(literal, bool | str | Number | Ref):
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
    if not isinstance(test.literal, Ref):
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
    return _in_order(value, test.op, test.literal)


def _equals(value: Sql, literal: Any) -> Sql:
    if isinstance(literal, DateTime):
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
    plain = _plain(literal)
    return sql(
        f"({{}} @> %s::jsonb AND ({{}} ->> 'val') COLLATE \"C\" {op} %s)",
        value,
        _json({"_kind": plain["_kind"]}),
        value,
        plain["val"],
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

    Exact for every test. The final value is NULL if it is missing.
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
                + f" LEFT JOIN {ENTITIES} r{index} ON r{index}.id ="
                + f" CASE WHEN j{index}.v @> '{_REF}' THEN j{index}.v ->> 'val' END",
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


def _ids(path: Path, test: Test) -> Sql:
    """The ids of all records whose path leads to a match.

    There is one arm for each name at which the path may leave the record by a ref, and
    one for values inside the record's own dicts. The arms are joined by UNION ALL,
    because OR would cost a sequential scan.
    """
    arms = [_edge_arm(path[:cut], path[cut:], test) for cut in range(1, len(path))]
    arms.append(_dict_arm(path, test))
    if path[-1] in _OF_DATE_TIME:
        arms.append(_date_time_arm(path, test))
    return Sql(
        " UNION ALL ".join(arm.text for arm in arms),
        tuple(param for arm in arms for param in arm.params),
    )


def _edge_arm(path: Path, rest: Path, test: Test) -> Sql:
    alias = f"t{len(rest)}"
    return sql(
        f"SELECT src FROM {ENTITY_REF} WHERE path = %s AND dst = ANY(ARRAY("
        f"SELECT {alias}.id FROM {ENTITIES} {alias} WHERE {{}}))",
        ".".join(path),
        holds(Row.of(alias), rest, test),
    )


def _dict_arm(path: Path, test: Test) -> Sql:
    return sql(
        f"SELECT d.id FROM {ENTITY_REF} m JOIN {ENTITIES} d ON d.id = m.src"
        " WHERE m.path = %s AND m.dst = '' AND {}",
        ".".join(path[:-1]),
        value_holds(sql("(d.tags #> %s::text[])", list(path)), test),
    )


def _date_time_arm(path: Path, test: Test) -> Sql:
    value = sql("(d.tags #> %s::text[])", list(path[:-1]))
    derived = sql(f"({_OF_DATE_TIME[path[-1]]})", value)
    dated = _nested(Sql("d.tags"), path[:-1], _DATE_TIME)
    return sql(
        f"SELECT d.id FROM {ENTITIES} d WHERE {{}} AND {{}}",
        dated,
        value_holds(derived, test),
    )

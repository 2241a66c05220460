"""The reference evaluation of filters. Every other evaluator must agree with it.

Source: docHaystack Filters, and the reference implementation for paths through lists,
dicts and dateTimes.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number, Ref, Symbol, Uri
from .ast import And, Compare, Filter, Has, HasAny, IsSpec, IsSymbol, Missing, Or, Path
from .times import LocalDay, Now, Today, day_of

__all__ = ["Resolve", "matches"]

Tags = Mapping[str, Any]
Resolve = Callable[[str], Tags | None]
"""Returns the record with an id, or None."""

Test = Callable[[Any], bool]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(tree: Filter, record: Tags, resolve: Resolve) -> bool:
    """Whether ``record`` matches the filter."""
    if isinstance(tree, And):
        return all(matches(term, record, resolve) for term in tree.terms)
    if isinstance(tree, Or):
        return any(matches(term, record, resolve) for term in tree.terms)
    if isinstance(tree, Has):
        return _holds(record, tree.path, _is_present, resolve)
    if isinstance(tree, HasAny):
        return any(record.get(name) is not None for name in tree.names)
    if isinstance(tree, Missing):
        return _holds(record, tree.path, _is_missing, resolve)
    if isinstance(tree, Compare):
        return _holds(record, tree.path, _comparison(tree.op, tree.value), resolve)
    if isinstance(tree, IsSymbol):
        return bool(tree.parts) and all(tag in record for tag in tree.parts)
    assert isinstance(tree, IsSpec)
    return False  # no namespace defines specs, so records are not instances


def _holds(record: Tags, path: Path, test: Test, resolve: Resolve) -> bool:
    return _value_holds(record.get(path[0]), path[1:], test, resolve)


def _value_holds(value: Any, rest: Path, test: Test, resolve: Resolve) -> bool:
    if isinstance(value, list):
        refs = (item for item in value if isinstance(item, Ref))
        if any(_value_holds(ref, rest, test, resolve) for ref in refs):
            return True
        # a list has no tags: a path through it fails every test, including "not"
        return not rest and test(value)
    if not rest:
        return test(value)
    return _value_holds(_step(value, rest[0], resolve), rest[1:], test, resolve)


def _step(value: Any, name: str, resolve: Resolve) -> Any:
    """The value after one ``->``, or None."""
    if isinstance(value, Ref):
        target = resolve(value.id)
        return None if target is None else target.get(name)
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, DateTime):
        if name == "date":
            return value.local.date()
        if name == "time":
            return value.local.time()
        return value.tz if name == "tz" else None
    return None


def _is_present(value: Any) -> bool:
    return value is not None


def _is_missing(value: Any) -> bool:
    return value is None


def _comparison(op: str, literal: Any) -> Test:
    assert not isinstance(literal, Now | Today), "times must be resolved first"
    if isinstance(literal, LocalDay):
        return _day_comparison(op, literal)
    if op == "==":
        return lambda value: _equal(value, literal)
    if op == "!=":
        return lambda value: value is not None and not _equal(value, literal)
    in_order = _ORDER[op]

    def holds(value: Any) -> bool:
        if type(value) is not type(literal):
            return False
        if isinstance(value, Number) and value.unit != literal.unit:
            return False
        return bool(in_order(_sort_key(value), _sort_key(literal)))

    return holds


def _day_comparison(op: str, literal: LocalDay) -> Test:
    """A Date, or the local date of a DateTime, with the day in its zone."""
    in_order = operator.eq if op in ("==", "!=") else _ORDER[op]

    def holds(value: Any) -> bool:
        days = day_of(value, literal)
        return days is not None and bool(in_order(*days))

    if op == "!=":
        return lambda value: value is not None and not holds(value)
    return holds


def _equal(value: Any, literal: Any) -> bool:
    if type(value) is not type(literal):
        return False
    if isinstance(value, DateTime):
        return bool(value.utc == literal.utc)
    return bool(value == literal)


def _sort_key(value: Any) -> float | str | dt.datetime | dt.date | dt.time:
    if isinstance(value, Number):
        return value.val
    if isinstance(value, Ref):
        return value.id
    if isinstance(value, Uri):
        return value.val
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, DateTime):
        return value.utc
    return value  # type: ignore[no-any-return]  # bool, str, date, time

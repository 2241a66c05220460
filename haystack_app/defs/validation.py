"""Validation of entities by defs.

Sources: docHaystack Subtyping (mandatory markers), Points, Associations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..filters.matcher import Resolve
from ..kinds.display import quoted
from ..kinds.scalars import MARKER, Number, Ref
from ..kinds.timezones import zone_of
from ..kinds.units import UnknownUnit, preferred_symbol
from .namespace import Namespace
from .problem import Problem, Severity
from .records import symbols_in
from .units import unit_problem
from .values import KINDS, is_of_kind, kind_of, kind_of_def

__all__ = ["problems", "refs_in"]

_NEEDS_SITE = ("point", "equip", "space")
_KIND_NAMES = {name: text for text, name in KINDS.items()}


def problems(
    record: Mapping[str, Any], namespace: Namespace, by_id: Resolve
) -> Iterator[Problem]:
    """The problems of one entity; ``by_id`` returns the entities it refers to."""
    case = _Case(record, namespace, by_id)
    for rule in _RULES:
        yield from rule(case)


def refs_in(value: Any, path: str) -> Iterator[tuple[str, Ref]]:
    """Each Ref of a value with the dotted path to it."""
    if isinstance(value, Ref):
        yield path, value
    elif isinstance(value, list):
        for item in value:
            yield from refs_in(item, path)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from refs_in(item, f"{path}.{name}")


@dataclass(frozen=True)
class _Case:
    record: Mapping[str, Any]
    namespace: Namespace
    by_id: Resolve

    @cached_property
    def implemented(self) -> frozenset[str]:
        return frozenset(self.namespace.implemented(self.record))

    @property
    def is_point(self) -> bool:
        return "point" in self.record

    @property
    def tags(self) -> Iterator[tuple[str, Any]]:
        for name, value in self.record.items():
            if value is not None:
                yield name, value

    def error(self, tag: str, message: str) -> Problem:
        return self.problem(tag, message, "error")

    def warning(self, tag: str, message: str) -> Problem:
        return self.problem(tag, message, "warning")

    def problem(self, tag: str, message: str, severity: Severity) -> Problem:
        return Problem(self.record["id"].id, tag, message, severity)


def _missing_site(case: _Case) -> Iterator[Problem]:
    """Points of a weather station do not need a site."""
    kind = next((name for name in _NEEDS_SITE if name in case.implemented), None)
    if kind and not {"siteRef", "weatherStationRef"} & case.record.keys():
        yield case.error("siteRef", f"missing on {_a(kind)}")


def _missing_markers(case: _Case) -> Iterator[Problem]:
    """Mandatory markers of the defs that the record implements.

    A point is often tagged with the equipment that it belongs to. That is only a
    warning: filters such as ``^equip`` then find the point as well.
    """
    for symbol in sorted(case.implemented):
        if "mandatory" not in (case.namespace.get(symbol) or {}):
            continue
        for tag in case.namespace.parts(symbol):
            if tag not in case.record:
                yield case.problem(
                    tag,
                    f"missing, but {_because(case, symbol)}",
                    "warning" if case.is_point else "error",
                )


def _because(case: _Case, symbol: str) -> str:
    for name in case.namespace.declared(case.record):
        if symbol in case.namespace.supertypes(name):
            return f"^{name} is a subtype of ^{symbol}"
    return f"^{symbol} is implemented"


def _point(case: _Case) -> Iterator[Problem]:
    if not case.is_point:
        return
    kind = case.record.get("kind")
    if kind is None:
        yield case.error("kind", "missing on a point")
    elif isinstance(kind, str) and kind not in KINDS:
        yield case.error("kind", f"unknown kind {quoted(kind)}")
    if "his" in case.record and "tz" not in case.record:
        yield case.error("tz", "missing on a point with history")
    for tag in ("curVal", "writeVal"):
        yield from _point_value(case, tag)


def _point_value(case: _Case, tag: str) -> Iterator[Problem]:
    """A current value must have the point's kind and unit."""
    value, kind = case.record.get(tag), case.record.get("kind")
    if value is None or not isinstance(kind, str) or kind not in KINDS:
        return
    unit = case.record.get("unit")
    if not is_of_kind(value, KINDS[kind]):
        yield case.error(tag, f"must be a {kind}, not {_kind_text(value)}")
    elif isinstance(value, Number) and value.unit and value.unit != _symbol(unit):
        expected = f"in {unit}" if unit else "without a unit"
        yield case.error(
            tag, f"must be {expected}, like the point, not in {value.unit}"
        )


def _names(case: _Case) -> Iterator[Problem]:
    """Names of time zones and units."""
    tz, unit = case.record.get("tz"), case.record.get("unit")
    if isinstance(tz, str) and not _is_zone(tz):
        yield case.error("tz", f"unknown time zone {tz!r}")
    if isinstance(unit, str) and _symbol(unit) is None:
        yield case.error("unit", f"unknown unit {quoted(unit)}")


def _tags(case: _Case) -> Iterator[Problem]:
    """Tags, against the defs of the same name."""
    for name, value in case.tags:
        if not case.namespace.is_tag(name):
            yield case.warning(name, "unknown tag: there is no def of this name")
            continue
        if value is MARKER and "marker" in case.namespace.supertypes(name):
            continue  # also of tags that may have a value instead
        kind = kind_of_def(name, case.namespace)
        if kind is not None and not is_of_kind(value, kind):
            expected = _KIND_NAMES.get(kind, "value")
            yield case.error(name, f"must be a {expected}, not {_kind_text(value)}")


def _units(case: _Case) -> Iterator[Problem]:
    """Units, against the quantities that defs require."""
    for name, value in case.tags:
        if isinstance(value, Number) and value.unit:
            found = unit_problem(value.unit, (name,), case.namespace)
            if found:
                yield case.problem(name, *found)
    unit = case.record.get("unit")
    if case.is_point and isinstance(unit, str):
        found = unit_problem(
            unit,
            _measured(case),
            case.namespace,
            # commands and setpoints may be in percent of the full range
            allow_percent=bool({"cmd", "sp"} & case.record.keys()),
        )
        if found:
            yield case.problem("unit", *found)


def _measured(case: _Case) -> list[str]:
    """The most specific quantities of a point."""
    namespace = case.namespace
    quantities = [
        name
        for name in namespace.declared(case.record)
        if "quantity" in namespace.supertypes(name)
    ]
    general = {other for name in quantities for other in namespace.supertypes(name)}
    return [name for name in quantities if name not in general]


def _refs(case: _Case) -> Iterator[Problem]:
    """Refs to missing entities, and to entities of another type than the def's."""
    for name, value in case.tags:
        if name == "id":
            continue
        for path, ref in refs_in(value, name):
            target = case.by_id(ref.id)
            if target is None:
                yield case.error(path, f"@{ref.id} not found")
            elif "trash" in target:
                yield case.warning(path, f"@{ref.id} is in the trash")
            elif path == name:
                yield from _target(case, name, ref, target)


def _target(
    case: _Case, tag: str, ref: Ref, target: Mapping[str, Any]
) -> Iterator[Problem]:
    """The type of a target is strict for containers; other refs get a warning."""
    expected = next(symbols_in(case.namespace.inherited(tag, "of")), None)
    if expected is None or expected not in case.namespace:
        return
    if expected not in case.namespace.implemented(target):
        is_container = case.namespace.inherited(tag, "containedBy") is not None
        message = f"@{ref.id} is not {_a(expected)}"
        yield case.problem(tag, message, "error" if is_container else "warning")


_RULES: tuple[Callable[[_Case], Iterator[Problem]], ...] = (
    _missing_site,
    _missing_markers,
    _point,
    _names,
    _tags,
    _units,
    _refs,
)


def _a(symbol: str) -> str:
    """The symbol after an indefinite article."""
    return f"{'an' if symbol[0] in 'aeio' else 'a'} {symbol}"


def _kind_text(value: Any) -> str:
    return _KIND_NAMES[kind_of(value)]


def _symbol(unit: Any) -> str | None:
    """The preferred symbol of a unit, or None if it is not a known unit."""
    try:
        return preferred_symbol(unit) if isinstance(unit, str) else None
    except UnknownUnit:
        return None


def _is_zone(tz: str) -> bool:
    try:
        zone_of(tz)
    except ValueError:
        return False
    return True

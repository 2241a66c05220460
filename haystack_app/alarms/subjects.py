"""A point as a rule sees it: by its tags, what the rule compares in it.

A rule whose units, kinds or refs do not fit a point does not work for it, and says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from ..filters import is_trash
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number, Ref
from ..kinds.series import microseconds_of
from ..models import AlarmRule
from ..storage.freshness import kept_period, stale_after
from ..storage.names import record_name
from ..wire.zinc_writer import display_text
from .conditions import AGE, LAST, SHARE, Condition

__all__ = ["Misfit", "Subject", "subjects"]

Tags = Mapping[str, Any]
Read = Callable[[Sequence[str]], Iterable[Tags | None]]
_SECOND = 1_000_000
_KINDS = {bool: "Bool", str: "Str", Number: "Number"}


class Misfit(ValueError):
    """The rule does not work for a point; the text is for people."""


@dataclass(frozen=True, slots=True)
class Subject:
    """``meaning`` is a digest of all that decides what the rule means for the point.

    ``hold`` is how long a value counts, None until the next sample. ``end`` and
    ``size`` are of its history.
    """

    id: str
    dis: str
    equip_id: str
    site_id: str
    unit: str | None
    hold: int | None
    condition: Condition
    reference: str | None
    meaning: str
    end: int | None
    size: int


def subjects(
    rule: AlarmRule, records: Sequence[Tags], read: Read
) -> tuple[list[Subject], list[Misfit]]:
    """What a rule means for points.

    ``read`` gives the tags of entities by their ids, for refs.
    """
    others = _others(rule, records, read)
    found: list[Subject] = []
    misfits: list[Misfit] = []
    for record in records:
        try:
            found.append(_subject(rule, record, others))
        except Misfit as misfit:
            misfits.append(misfit)
    return found, misfits


def _others(
    rule: AlarmRule, records: Sequence[Tags], read: Read
) -> dict[str, Tags | None]:
    """By id of point, the record that the path of the rule leads to."""
    if rule.operand != AlarmRule.Operand.POINT:
        return {}
    held: dict[str, Tags | None] = {row["id"].id: row for row in records}
    for step in rule.steps:
        targets = {id: _target(row, step) for id, row in held.items()}
        ids = list({target for target in targets.values() if target})
        rows = dict(zip(ids, read(ids), strict=True)) if ids else {}
        held = {id: rows.get(target or "") for id, target in targets.items()}
    return held


def _target(record: Tags | None, tag: str) -> str | None:
    value = None if record is None else record.get(tag)
    return value.id if isinstance(value, Ref) else None


def _subject(
    rule: AlarmRule, record: Tags, others: Mapping[str, Tags | None]
) -> Subject:
    id = record["id"].id
    unit = record.get("unit")
    limit, reference = _limit(rule, record, others)
    condition = Condition(
        rule.measure,
        rule.op,
        limit,
        rule.tolerance,
        rule.hysteresis,
        rule.window_seconds * _SECOND,
        rule.delay_seconds * _SECOND,
    )
    end, size = record.get("hisEnd"), record.get("hisSize")
    meant = repr(
        (condition, reference, unit, rule.suppress, _target(record, "equipRef"))
    )
    return Subject(
        id=id,
        dis=record_name(record) or id,
        equip_id=_target(record, "equipRef") or "",
        site_id=_target(record, "siteRef") or "",
        unit=unit if isinstance(unit, str) else None,
        hold=_hold(record),
        condition=condition,
        reference=reference,
        meaning=hashlib.sha256(meant.encode()).hexdigest()[:32],
        end=microseconds_of(end.utc) if isinstance(end, DateTime) else None,
        size=int(size.val) if isinstance(size, Number) else 0,
    )


def _hold(record: Tags) -> int | None:
    """How long a value counts: until the point is stale, if it can be."""
    try:
        return stale_after(record, kept_period(record))
    except ValueError:  # reported by haystack_validate
        return None


def _limit(
    rule: AlarmRule, record: Tags, others: Mapping[str, Tags | None]
) -> tuple[Any, str | None]:
    """The limit of a condition, and the id of the other point. Raises Misfit."""
    operand = AlarmRule.Operand
    if rule.measure == AGE:
        return round(_said_by(rule, "age_seconds") * _SECOND), None
    if rule.measure == SHARE:
        _check_kind(rule, record, "Bool")
        return float(_said_by(rule, "limit").val), None
    if rule.operand == operand.POINT:
        return None, _reference(rule, record, others)
    if rule.operand == operand.VALUE:
        value = _said_by(rule, "limit")
    elif (value := record.get(rule.operand)) is None:
        raise Misfit(f"@{record['id'].id} has no {rule.operand}")
    _check_kind(rule, record, _KINDS.get(type(value), "Number"))
    if isinstance(value, Number):
        _check_unit(display_text(value), value.unit, record)
        return float(value.val), None
    return value, None


def _said_by(rule: AlarmRule, name: str) -> Any:
    """Raises Misfit."""
    try:
        return getattr(rule, name)
    except ValidationError as error:  # not written by a form
        raise Misfit(f"value: {' '.join(error.messages)}") from None


def _reference(rule: AlarmRule, record: Tags, others: Mapping[str, Tags | None]) -> str:
    """The id of the point that is compared with. Raises Misfit."""
    id = record["id"].id
    other = others.get(id)
    if other is None or is_trash(other) or "his" not in other:
        raise Misfit(f"@{id} has no point with history at {rule.path}")
    if rule.op not in (AlarmRule.Op.EQUAL, AlarmRule.Op.UNEQUAL):
        _check_kind(rule, record, "Number")
    found: str = other["id"].id
    if other.get("kind") != record.get("kind"):
        raise Misfit(
            f"@{found} at {rule.path} has the kind {_said(other, 'kind')}, and @{id}"
            f" {_said(record, 'kind')}"
        )
    _check_unit(f"@{found} at {rule.path}", other.get("unit"), record)
    return found


def _check_kind(rule: AlarmRule, record: Tags, kind: str) -> None:
    if rule.measure not in (LAST, SHARE):
        kind = "Number"
    if record.get("kind") != kind:
        raise Misfit(
            f"@{record['id'].id} has the kind {_said(record, 'kind')}:"
            f" this rule is for points of the kind {kind}"
        )


def _check_unit(what: str, unit: Any, record: Tags) -> None:
    if record.get("kind") == "Number" and unit != record.get("unit"):
        has = f"the unit {unit}" if unit else "no unit"
        raise Misfit(
            f"{what} has {has}, and @{record['id'].id} has"
            f" {'the unit ' + _said(record, 'unit') if record.get('unit') else 'none'}"
        )


def _said(record: Tags, tag: str) -> str:
    return str(record.get(tag) or "none")

"""Whether a rule fits its points, for people that edit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from ..models import AlarmRule
from ..storage.base import StorageAdapter
from ..storage.handler import UnknownStorage, storages
from ..wire.errors import ParseError
from .subjects import subjects
from .survey import points_of

__all__ = ["check_fit"]

_LOOKED_AT = 500
_NAMED = 3


def check_fit(rule: AlarmRule) -> list[str]:
    """Warnings: no points, or some that the rule does not fit.

    Raises ValidationError, by field, if it fits none of its points.
    """
    store = _store_of(rule)
    try:
        page = store.page(points_of(store, rule), "", _LOOKED_AT)
        if rule.suppress:
            store.parsed(rule.suppress)
    except ParseError as error:
        raise ValidationError({"filter": f"not a Haystack filter: {error}"}) from None
    if not page:
        return [
            "The filter matches no points with history now: nothing will be raised"
            " until one matches."
        ]
    fitting, misfits = subjects(rule, page, store.read_by_ids)
    if not misfits:
        return []
    named = "; ".join(map(str, misfits[:_NAMED]))
    if not fitting:
        text = f"fits none of the points that the filter matches: {named}"
        raise ValidationError({_field(rule): text})
    return [f"The rule does not fit {len(misfits):,} of {len(page):,} points: {named}"]


def _store_of(rule: AlarmRule) -> StorageAdapter:
    try:
        return storages[rule.storage]
    except UnknownStorage as error:
        raise ValidationError({"storage": str(error)}) from None


def _field(rule: AlarmRule) -> str:
    operand = AlarmRule.Operand
    fields: Mapping[Any, str] = {operand.POINT: "path", operand.VALUE: "value"}
    return fields.get(rule.operand, "operand")

"""Normalization of loaded records to one dict per def.

Source: docHaystack Normalization. Inherited tags are not copied into the dicts:
``Namespace.inherited`` looks them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..kinds.scalars import Symbol
from .records import Def, check, feature_of, symbol_of

__all__ = ["normalised"]


def normalised(records: Sequence[Def]) -> dict[str, dict[str, Any]]:
    """The defs sorted by name, with the tags that defxs add to them.

    The later of two defs wins. A defx without a def has no effect. Raises InvalidDef.
    """
    defs: dict[str, dict[str, Any]] = {}
    for record in records:
        check(record)
        if record.get("def") is not None:
            defs[symbol_of(record)] = _with_feature(record)
    accumulated = {name for name, tags in defs.items() if "accumulate" in tags}
    for record in records:
        target = defs.get(symbol_of(record))
        if record.get("defx") is not None and target is not None:
            _extend(target, record, accumulated)
    return dict(sorted(defs.items()))


def _with_feature(record: Def) -> dict[str, Any]:
    """The tags, with the supertype that a feature key implies: ``op:read`` is an op."""
    tags = {name: value for name, value in record.items() if value is not None}
    if feature := feature_of(symbol_of(record)):
        tags.setdefault("is", Symbol(feature))
    return tags


def _extend(target: dict[str, Any], defx: Def, accumulated: set[str]) -> None:
    """Add the tags of a defx: ``accumulated`` ones collect values, others replace."""
    for name, value in defx.items():
        if name in ("defx", "lib") or value is None:
            continue
        if name in accumulated and name in target:
            target[name] = _distinct([*_items(target[name]), *_items(value)])
        else:
            target[name] = value


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _distinct(items: list[Any]) -> list[Any]:
    return [item for at, item in enumerate(items) if item not in items[:at]]

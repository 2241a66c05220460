"""From records as they were loaded to one dict a def.

Source: docHaystack Normalization. Inheritance is not written into the dicts:
``Namespace.inherited`` looks it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..kinds.scalars import Symbol
from .records import Def, check, feature_of, symbol_of

__all__ = ["normalised"]


def normalised(records: Sequence[Def]) -> dict[str, dict[str, Any]]:
    """The defs by name, in order, with the tags that defxs add to them.

    The later of two defs counts. A defx of what has no def waits for one.
    Raises InvalidDef.
    """
    defs: dict[str, dict[str, Any]] = {}
    for record in records:
        check(record)
        if record.get("def") is not None:
            defs[symbol_of(record)] = _with_feature(record)
    joined = {name for name, tags in defs.items() if "accumulate" in tags}
    for record in records:
        target = defs.get(symbol_of(record))
        if record.get("defx") is not None and target is not None:
            _extend(target, record, joined)
    return dict(sorted(defs.items()))


def _with_feature(record: Def) -> dict[str, Any]:
    """``op:read`` is an op, as its name says already."""
    tags = {name: value for name, value in record.items() if value is not None}
    if feature := feature_of(symbol_of(record)):
        tags.setdefault("is", Symbol(feature))
    return tags


def _extend(target: dict[str, Any], defx: Def, joined: set[str]) -> None:
    """Tags whose def has ``accumulate`` collect values, others are replaced."""
    for name, value in defx.items():
        if name in ("defx", "lib") or value is None:
            continue
        if name in joined and name in target:
            target[name] = _distinct([*_items(target[name]), *_items(value)])
        else:
            target[name] = value


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _distinct(items: list[Any]) -> list[Any]:
    return [item for at, item in enumerate(items) if item not in items[:at]]

"""Random data sets and filters from a seed: much faster than hypothesis.

Filters are derived from the data: a path follows the tags of a record, and a literal
is usually a value found there, so that a good part of the results has rows.
"""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

from haystack_app.filters import (
    And,
    Compare,
    Filter,
    Has,
    IsSpec,
    IsSymbol,
    Missing,
    Or,
)
from haystack_app.filters.parser import MAX_PATH
from haystack_app.kinds import (
    MARKER,
    NA,
    REMOVE,
    Col,
    Coord,
    DateTime,
    Grid,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
)
from tests import strategies as pool

Tags = dict[str, Any]

LITERALS = (bool, str, Number, Ref, Uri, Symbol, dt.date, dt.time, DateTime)
_IDS = [*pool.IDS[:8], *(f"n{index}" for index in range(24))]
_MISSING_IDS = pool.IDS[8:]


class Generator:
    """Values, records and filters of one random sequence."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)

    # -- values ---------------------------------------------------------------

    def ref(self) -> Ref:
        near = self.random.random() < 0.9
        id = self.random.choice(_IDS if near else _MISSING_IDS)
        return Ref(id, self.random.choice((None, None, "Some dis", "é")))

    def number(self) -> Number:
        choice = self.random.choice
        roll = self.random.random()
        if roll < 0.06:
            return Number(choice((float("nan"), float("inf"), float("-inf"))))
        if roll < 0.5:
            val = float(self.random.randint(-3, 3))
        elif roll < 0.9:
            val = choice(pool.FLOATS)
        else:
            val = self.random.uniform(-1, 1) * 10.0 ** self.random.randint(-300, 300)
        return Number(val, choice((None, None, None, *pool.SYMBOL_UNITS)))

    def date_time(self) -> DateTime:
        return DateTime(
            self.random.choice(pool.INSTANTS), self.random.choice(pool.ZONES)
        )

    def scalar(self) -> Any:
        choice = self.random.choice
        return choice(
            (
                lambda: choice((MARKER, MARKER, NA, REMOVE)),
                lambda: self.random.random() < 0.5,
                self.number,
                self.number,
                lambda: choice(pool.TEXTS),
                lambda: choice(pool.TEXTS),
                lambda: Uri(choice(pool.URIS)),
                lambda: Symbol(choice(pool.SYMBOLS)),
                lambda: choice(pool.DATES),
                lambda: choice(pool.TIMES),
                self.date_time,
                self.date_time,
                lambda: Coord(choice((0.0, 37.5)), choice((0.0, -77.4))),
                lambda: XStr(choice(("Color", "Bin")), choice(pool.TEXTS)),
            )
        )()

    def list(self, depth: int) -> list[Any]:
        size = self.random.choice((0, 1, 2, 2, 3))
        if self.random.random() < 0.6:  # refs, sometimes with one other value
            found: list[Any] = [self.ref() for _ in range(size)]
            if self.random.random() < 0.3:
                found.insert(self.random.randint(0, size), self.value(depth - 1))
            return found
        return [
            None if self.random.random() < 0.05 else self.value(depth - 1)
            for _ in range(size)
        ]

    def grid(self) -> Grid:
        rows = [{"x": self.scalar(), "siteRef": self.ref()}]
        return Grid([Col("x"), Col("siteRef", {"dis": "S"})], rows, {"val": MARKER})

    def value(self, depth: int = 3) -> Any:
        roll = self.random.random()
        if roll < 0.35:
            return self.ref()
        if depth > 0 and roll < 0.5:
            return self.list(depth)
        if depth > 0 and roll < 0.65:
            return self.tags(self.random.choice((0, 1, 2, 4)), depth - 1)
        if depth > 0 and roll < 0.67:
            return self.grid()
        return self.scalar()

    def tags(self, size: int, depth: int = 3) -> Tags:
        # some names are much more frequent than others
        names = {
            pool.TAGS[int(len(pool.TAGS) * self.random.random() ** 1.5)]
            for _ in range(size)
        }
        if depth < 3 and self.random.random() < 0.1:
            names.add("id")  # an ordinary tag inside a dict
        return {name: self.value(depth) for name in sorted(names)}

    def records(self) -> list[Tags]:
        ids = self.random.sample(_IDS, self.random.choice((4, 12, 24, len(_IDS))))
        return [
            {**self.tags(self.random.randint(0, 9)), "id": Ref(id, "Me")} for id in ids
        ]

    # -- filters --------------------------------------------------------------

    def path(self, records: list[Tags]) -> tuple[tuple[str, ...], Any]:
        """A path that usually leads to a value, and the value."""
        by_id = {record["id"].id: record for record in records}
        length = self.random.choice((1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6))
        if self.random.random() < 0.002:
            length = MAX_PATH
        names: list[str] = []
        value: Any = self.random.choice(records)
        for _ in range(length):
            name, value = self._step(value, by_id)
            names.append(name)
        if isinstance(value, list):
            value = self.random.choice([*value, value])
        return tuple(names), value

    def _step(self, value: Any, by_id: dict[str, Tags]) -> tuple[str, Any]:
        if isinstance(value, list):
            held = [item for item in value if isinstance(item, Ref)]
            value = self.random.choice(held or [None])
        if isinstance(value, DateTime) and self.random.random() < 0.9:
            name = self.random.choice(("date", "time", "tz"))
            local = value.local
            derived = {"date": local.date(), "time": local.time(), "tz": value.tz}
            return name, derived[name]
        if isinstance(value, Ref):
            value = by_id.get(value.id)
        if isinstance(value, dict) and value and self.random.random() < 0.93:
            name = self.random.choice(sorted(value))
            return name, value[name]
        name = self.random.choice((*pool.TAGS, "id", "missing"))
        return name, value.get(name) if isinstance(value, dict) else None

    def literal(self, found: Any) -> Any:
        if self.random.random() < 0.08 or not isinstance(found, LITERALS):
            found = self.random.choice((self.scalar, self.ref))()
        if isinstance(found, Number) and not found.is_finite:
            found = Number(1.0)
        if isinstance(found, Ref):
            return Ref(found.id)
        if isinstance(found, DateTime) and self.random.random() < 0.3:
            return DateTime(found.utc, self.random.choice(pool.ZONES))
        if isinstance(found, Number) and self.random.random() < 0.1:
            return Number(found.val, self.random.choice(pool.SYMBOL_UNITS))
        return found if isinstance(found, LITERALS) else "a"

    def leaf(self, records: list[Tags]) -> Filter:
        path, found = self.path(records)
        roll = self.random.random()
        if roll < 0.2:
            return Has(path)
        if roll < 0.35:
            return Missing(path)
        if roll < 0.37:
            if self.random.random() < 0.1:
                return IsSymbol(self.random.choice((*pool.SYMBOLS, "x-", "cfg.x")))
            names = self.random.sample(pool.TAGS, self.random.choice((1, 1, 2)))
            return IsSymbol("-".join(name.strip("_") for name in names))
        if roll < 0.375:
            return IsSpec("ph::Site")
        op = self.random.choice(("==", "==", "==", "<=", ">=", *pool.OPERATORS))
        return Compare(path, op, self.literal(found))

    def filter(self, records: list[Tags], depth: int = 3) -> Filter:
        roll = self.random.random()
        if depth and roll < 0.45:
            kind = self.random.choice((And, Or, Or))
            terms = [
                self.filter(records, depth - 1)
                for _ in range(self.random.randint(2, 3))
            ]
            return pool.joined(kind, terms)
        return self.leaf(records)

    def filters(
        self, records: list[Tags], count: int, *, depth: int = 3
    ) -> list[Filter]:
        """``count`` distinct filters, of at most ``3 ** depth`` leaves each."""
        found: dict[Filter, None] = {}
        while len(found) < count:
            found.setdefault(self.filter(records, depth))
        return list(found)

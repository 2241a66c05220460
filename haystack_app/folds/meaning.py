"""What the samples of a point mean, and which folds they have.

Source: ``hisMode`` and ``hisTotalized`` of phIoT. A ``consumption`` sample has the time
of the end of its interval; ``sampled`` values change linearly from one sample to the
next; values of ``cov`` and of all other points hold until the next sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..kinds.display import quoted
from .errors import FoldError
from .units import difference_unit, rate_of

__all__ = ["FOLDS", "Meaning", "fold_names"]

FOLDS = (
    "avg",
    "min",
    "max",
    "sum",
    "count",
    "first",
    "last",
    "spread",
    "twa",
    "integral",
    "delta",
)
_OF_KIND = {
    "Number": FOLDS,
    "Bool": ("avg", "count", "first", "last", "twa"),
}
_OF_OTHERS = ("count", "first", "last")
_OF_TIME = ("twa", "integral")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Of the samples of one point.

    ``ends_included``: buckets are (start, end], otherwise [start, end).
    ``is_linear``: values change linearly, otherwise they hold.
    ``horizon``: the instant (microseconds UTC) until which the newest value holds; None
    if it is only known at its own time.
    """

    kind: str | None
    unit: str | None = None
    ends_included: bool = False
    is_linear: bool = False
    is_totalized: bool = False
    horizon: int | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any], unit: str | None, now: int) -> Meaning:
        """Of a point by its tags; the newest value is known unless it is stale."""
        kind, mode = record.get("kind"), record.get("hisMode")
        is_number = kind == "Number"
        return cls(
            kind if isinstance(kind, str) else None,
            unit,
            is_number and mode == "consumption",
            is_number and mode == "sampled",
            is_number and "hisTotalized" in record,
            None if record.get("curStatus") == "stale" else now,
        )

    @property
    def allowed(self) -> Sequence[str]:
        return _OF_KIND.get(self.kind or "", _OF_OTHERS)

    @property
    def default(self) -> str:
        """The fold of a request without one. Raises FoldError for kinds without it."""
        if self.is_totalized:
            return "delta"
        if self.ends_included:
            return "sum"
        if "avg" in self.allowed:
            return "avg"
        raise FoldError(f"missing rollup: use {', '.join(self.allowed)}")

    def check(self, folds: Sequence[str]) -> None:
        """Raises FoldError for a fold that the point does not have."""
        for fold in folds:
            if fold not in self.allowed:
                raise FoldError(
                    f"rollup {fold}: the kind is {self.kind or 'missing'},"
                    f" which has {', '.join(self.allowed)}"
                )
            if fold in _OF_TIME and self.ends_included:
                raise FoldError(
                    f"rollup {fold}: hisMode is consumption, whose values are amounts"
                    " of an interval and hold at no time; use sum or avg"
                )
            if fold == "integral":
                rate_of(self.unit)

    def unit_of(self, fold: str) -> str | None:
        """The unit of a fold that the point has."""
        if fold == "count" or self.kind != "Number":
            return None
        if fold in ("spread", "delta"):
            return difference_unit(self.unit)
        return rate_of(self.unit)[0] if fold == "integral" else self.unit


def fold_names(text: str) -> list[str]:
    """Of a text such as ``min,avg,max``. Raises FoldError."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in FOLDS:
            raise FoldError(
                f"rollup must be one or several of {', '.join(FOLDS)}, separated by"
                f" commas, not {quoted(name)}"
            )
        if names.count(name) > 1:
            raise FoldError(f"rollup has {name} twice")
    return names

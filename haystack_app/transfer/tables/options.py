"""What decides where a table has two readings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Mapped", "TableOptions"]


class Mapped(NamedTuple):
    """What a mapping file says of a header; an empty ``id`` leaves the column out.

    ``kind`` is that of a point that is made.
    """

    id: str
    unit: str | None = None
    factor: float = 1.0
    kind: str | None = None


class TableOptions(NamedTuple):
    """``status`` says what becomes of samples with a bad status: skip, na or keep."""

    delimiter: str | None = None
    decimal: str | None = None
    dates: str | None = None
    point: str | None = None
    time: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    no_value: tuple[str, ...] = ()
    status: str = "skip"
    mapping: Mapping[str, Mapped] = {}

    @property
    def decides(self) -> bool:
        """Whether anything is given, so that no file is taken as one of our own."""
        return self != TableOptions()

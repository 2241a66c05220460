"""What decides where a table has two readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from .blocks import Blocks

__all__ = ["Mapped", "TableOptions"]


class NewPoint(Protocol):
    """Plans a point that no header or name tells more of; returns its id."""

    def __call__(
        self, header: str, unit: str | None, cells: Iterable[str], id: str = ""
    ) -> str: ...


class Mapped(NamedTuple):
    """What a mapping file says of a header; an empty ``id`` leaves the column out.

    ``kind`` is that of a point that is made.
    """

    id: str
    unit: str | None = None
    factor: float = 1.0
    kind: str | None = None


class TableOptions(NamedTuple):
    """``status`` says what becomes of samples with a bad status: skip, na or keep.

    ``year`` is that of times without one. ``name`` and ``value`` are the columns of
    names, which are joined, and of values. ``stamps``: ``start`` or ``end``, where in
    their interval the times of amounts are. ``blocks`` are found in a file with several
    tables. ``new`` plans a point.
    """

    delimiter: str | None = None
    decimal: str | None = None
    dates: str | None = None
    point: str | None = None
    time: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    no_value: tuple[str, ...] = ()
    status: str = "skip"
    year: int | None = None
    stamps: str | None = None
    blocks: Blocks | None = None
    new: NewPoint | None = None
    mapping: Mapping[str, Mapped] = {}

    @property
    def decides(self) -> bool:
        """Whether anything is given, so that no file is taken as one of our own."""
        return self != TableOptions()

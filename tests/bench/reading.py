"""What each format's reader takes for a text and for one twice as long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.wire.registry import FORMATS, Format

from .timing import side_by_side

__all__ = ["Reading", "reading_costs"]

_DOC = "Measured downstream of the fan.\n\n  Recalibrated $1 ago"


class Reading(NamedTuple):
    """Seconds to read a text of some size, and one of twice the rows."""

    format: str
    size: int
    once: float
    twice: float

    @property
    def ratio(self) -> float:
        return self.twice / self.once


def reading_costs(rows: int, rounds: int) -> Iterator[Reading]:
    for format in FORMATS:
        short, long = _text(format, rows), _text(format, 2 * rows)
        pair = side_by_side(_reading(format, long), _reading(format, short), rounds)
        yield Reading(format.name, len(short), pair.theirs, pair.ours)


def _reading(format: Format, text: str) -> Callable[[], Any]:
    assert format.read is not None
    return partial(format.read, text)


def _text(format: Format, rows: int) -> str:
    assert format.write is not None
    return "".join(format.write(Grid.of([_point(at) for at in range(rows)])))


def _point(at: int) -> dict[str, Any]:
    """Much that recurs, as in a building, and some that does not."""
    return {
        "id": Ref(f"p:demo:r:{at:08x}-{at % 97:08x}", f"Point {at}, °F"),
        "dis": f'Discharge "air" {at}',
        "doc": _DOC,
        "siteRef": Ref(f"site-{at % 40}", f"Site {at % 40}"),
        "curVal": Number(at / 7, "°F"),
        "limits": [Number(at % 50), Number(at % 50 + 1)],
        **dict.fromkeys(("point", "sensor", "air", "temp"), MARKER),
    }

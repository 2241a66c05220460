"""The cost of parsing filters of growing length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from haystack_app import filters

from .timing import side_by_side

__all__ = ["Parsing", "parsing_costs"]

SIZES = (1_000, 4_000, 16_000)
_TERMS = [
    "point",
    "not trash",
    'geoCity == "Springfield 17"',
    "equipRef == @p:demo:r:17-4a",
    "curVal > 72.5°F",
    "(temp or flow)",
]


class Parsing(NamedTuple):
    """Nanoseconds a character, by the size of the filter in characters."""

    shape: str
    cost: dict[int, float]

    @property
    def growth(self) -> float:
        """Cost a character of the longest beside that of the shortest."""
        return self.cost[SIZES[-1]] / self.cost[SIZES[0]]


def parsing_costs(rounds: int) -> Iterator[Parsing]:
    parse: Callable[[str], Any] = filters.parse.__wrapped__  # uncached
    shapes: dict[str, Callable[[int], str]] = {
        "a chain of and": lambda size: _chain(" and ", size),
        "a chain of or": lambda size: _chain(" or ", size),
        "groups in parentheses": lambda size: " or ".join(
            [_nested(40)] * (size // 120)
        ),
        "one long string": lambda size: f'dis == "{"x" * (size - 20)}"',
    }
    for shape, make in shapes.items():
        texts = {size: make(size) for size in SIZES}
        shortest = texts[SIZES[0]]
        cost = {}
        for size in SIZES[1:]:
            longer = texts[size]
            pair = side_by_side(
                lambda text=longer: parse(text),
                lambda text=shortest: parse(text),
                rounds,
            )
            cost[size] = pair.ours / len(longer) * 1e9
            cost[SIZES[0]] = pair.theirs / len(shortest) * 1e9
        yield Parsing(shape, cost)


def _chain(word: str, size: int) -> str:
    text, index = _TERMS[0], 1
    while True:
        longer = text + word + _TERMS[index % len(_TERMS)]
        if len(longer) > size:
            return text
        text, index = longer, index + 1


def _nested(depth: int) -> str:
    return "(" * depth + "point and temp" + ")" * depth

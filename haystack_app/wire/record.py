"""A stored record that is decoded on first access.

Hayson responses contain ``raw`` unchanged: decoding and encoding it again would cost
three times as much as fetching it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from . import hayson_reader

__all__ = ["Record", "spliced"]


class Record(Mapping[str, Any]):
    """A dict of tags over its Hayson text."""

    __slots__ = ("_tags", "raw")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._tags: dict[str, Any] | None = None

    @property
    def tags(self) -> dict[str, Any]:
        """The decoded tags, which are kept."""
        if self._tags is None:
            self._tags = hayson_reader.read_dict(self.raw)
        return self._tags

    @property
    def json(self) -> dict[str, Any]:
        """The tags as parsed JSON, at a twentieth of the cost of ``tags``."""
        tags: dict[str, Any] = orjson.loads(self.raw)
        return tags

    def __getitem__(self, name: str) -> Any:
        return self.tags[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tags)

    def __len__(self) -> int:
        return len(self.tags)

    def items(self) -> Any:
        """Decoded anew unless ``tags`` are: writers ask once for each of many rows."""
        held = self._tags
        return (hayson_reader.read_dict(self.raw) if held is None else held).items()

    def __repr__(self) -> str:
        return f"Record({self.raw})"


def spliced(tags: str, cur: str) -> str:
    """The JSON text of two objects merged. ``tags`` must have an id."""
    return tags if cur == "{}" else f"{tags[:-1]},{cur[1:]}"

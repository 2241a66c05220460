"""The columns ``val`` and ``obj`` of samples, and values from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...wire import hayson_reader, hayson_writer

__all__ = ["BATCH", "Decoder", "columns_of"]

BATCH = 16_384
"""Samples of a statement."""


def columns_of(
    values: Sequence[Any],
) -> tuple[Sequence[float | None], Sequence[str | None]]:
    """The columns ``val`` and ``obj``; the latter is empty for numbers only."""
    if set(map(type, values)) == {float}:
        return values, ()
    numbers = [float(v) if isinstance(v, float | bool) else None for v in values]
    return numbers, [
        None if type(v) is float else hayson_writer.dump(v) for v in values
    ]


class Decoder:
    """Decodes ``obj`` texts with a cache, for most histories repeat a few values."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def __call__(self, text: str) -> Any:
        value = self.known.get(text)
        if value is None:
            value = self.known[text] = hayson_reader.read_value(text)
            if len(self.known) > BATCH:
                self.known.clear()
        return value

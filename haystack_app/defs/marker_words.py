"""The word M after the name of a tag in Trio: a Marker or a Str.

SkySpark and Haxall write the Str "M" without quotes; other tools mean the Marker by it.
The def of the tag decides.
"""

from __future__ import annotations

from collections import Counter

from .namespace import Namespace
from .values import kind_of_def

__all__ = ["MarkerWords"]


class MarkerWords:
    """Decides by the defs of a store, and counts what it decided by the tags' names."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.markers: Counter[str] = Counter()
        self.strings: Counter[str] = Counter()

    def __call__(self, name: str) -> bool:
        """Whether ``name:M`` is a Marker."""
        is_marker = (
            name in self.namespace and kind_of_def(name, self.namespace) == "marker"
        )
        (self.markers if is_marker else self.strings)[name] += 1
        return is_marker

    def notes(self) -> list[str]:
        """What a person should know, a sentence for each of the two."""
        return [
            f"{found.total():,} values M were read as {kind}: {_names(found)}"
            for kind, found in (("Marker", self.markers), ("Str", self.strings))
            if found
        ]


def _names(found: Counter[str]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in sorted(found.items()))

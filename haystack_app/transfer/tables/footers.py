"""Rows at the end of a table, with totals or about the export."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["speaks_of_the_end"]

_FOOTER = re.compile(
    r"\W*(?:total|sum|summe|somme|average|avg|mean|min|max|minimum|maximum|count|gesamt"
    r"|mittelwert|moyenne|end|report|generated|exported|printed|std|median"
    r"|\d+ (?:rows?|records?))\b.*|\*+|#.*",
    re.IGNORECASE | re.DOTALL,
)


def speaks_of_the_end(cells: Sequence[str]) -> bool:
    """Whether a row is empty or begins with a word such as Total."""
    start = next((cell.strip() for cell in cells if cell.strip()), "")
    return not start or _FOOTER.fullmatch(start) is not None

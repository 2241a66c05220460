"""The result of validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Problem", "Severity"]

Severity = Literal["error", "warning"]
"""An error contradicts a def or breaks an op; a warning should be reviewed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of the entity ``id``, at one of its tags."""

    id: str
    tag: str
    message: str
    severity: Severity

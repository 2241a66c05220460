"""How many write and read, and how often."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LARGEST_SCALE", "Plan"]

LARGEST_SCALE = 10
"""No number is multiplied by more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``points`` are those that are asked about, ``stored`` those of the simulation."""

    points: int
    stored: int
    seconds: float
    every: float
    """Seconds from a sample of a point to the next one."""

    per_gateway: int = 500
    """Points whose samples one request writes."""
    per_person: int = 2_000
    """Points for each person that looks at a page."""
    watched: int = 100
    poll_seconds: float = 5.0
    list_seconds: float = 20.0
    chart_seconds: float = 60.0

    @property
    def scale(self) -> float:
        return self.points / self.stored

    @property
    def charted(self) -> int:
        """Points with a year of samples; the others have a day."""
        return min(100, max(4, self.stored // 50))

    @property
    def people(self) -> int:
        return max(1, self.stored // self.per_person)

    def assumptions(self) -> list[str]:
        return [
            f"each point has a sample every {self.every / 60:g} minutes; gateways of"
            f" {self.per_gateway} points write them by hisWrite, evenly over time",
            f"one person for {self.per_person:,} points has a page open: a watch of"
            f" {self.watched} points, polled every {self.poll_seconds:g} s; a list of an"
            f" equip every {self.list_seconds:g} s; every {self.chart_seconds:g} s a"
            " chart of a week by hours of 4 points, and a year by days of one",
            "one server process, one worker; CPU, disk and memory grow with the points",
            "what was written is folded apart from the requests",
        ]

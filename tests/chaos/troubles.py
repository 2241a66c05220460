"""What goes wrong: kills, stalls and full disks, and how long until all is well."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.clients import Import
from tests.chaos.ledger import Acks
from tests.chaos.victims import Disk, Victim

__all__ = ["Record", "Trouble", "cause", "table", "troubles"]

_STALL = 2.0
_FULL = 4.0
_UNSENT = 0.5
"""Seconds for which an acknowledged write may not have reached a replica."""


@dataclass(slots=True)
class Record:
    """``back``: seconds from the end of each trouble until each server process has
    acknowledged a write; ``gaps``: the longest time without any acknowledgement."""

    kills: int = 0
    back: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Trouble:
    """``cause`` returns how many processes it killed, 0 if nothing was there to kill;
    afterwards the victims are started again. ``is_risk``: what was acknowledged just
    before, or meanwhile, may be lost."""

    name: str
    weight: int
    cause: Callable[[], int]
    victims: Sequence[Victim] = ()
    is_risk: bool = False


def troubles(
    groups: Sequence[tuple[Victim, int]],
    importing: Import,
    disk: Disk | None,
    stored_by: Victim,
) -> list[Trouble]:
    """Those of all victims, with how often each is to be hit."""
    found = [
        one
        for victim, weight in groups
        for one in (
            Trouble(f"kill {victim.name}", weight, _kill(victim), [victim]),
            Trouble(f"stall {victim.name}", 1, _stall(victim)),
        )
    ]
    found.append(Trouble("kill import", 3, lambda: int(importing.kill())))
    every = [victim for victim, _ in groups]
    found.append(Trouble("kill all", 1, _kill(*every), every))
    if disk is not None and disk.is_small:
        name = f"full disk of {stored_by.name}"
        found.append(Trouble(name, 1, lambda: _fill(disk), [stored_by]))
    return found


def _kill(*victims: Victim) -> Callable[[], int]:
    def cause() -> int:
        for victim in victims:
            victim.kill()
        time.sleep(random.uniform(0, 0.3))
        return len(victims)

    return cause


def _stall(victim: Victim) -> Callable[[], int]:
    def cause() -> int:
        with victim.stalled():
            time.sleep(_STALL)
        return 0

    return cause


def _fill(disk: Disk) -> int:
    with disk.full():
        time.sleep(_FULL)
    return 0


def cause(
    trouble: Trouble, record: Record, acks: Acks, is_well: Callable[[], None]
) -> None:
    """Cause a trouble, end it, and wait until all is well."""
    begin = time.monotonic()
    killed = trouble.cause()
    end = time.monotonic()
    if trouble.is_risk:
        acks.risks.append((begin - _UNSENT, end))
    for victim in trouble.victims:
        victim.start()
    is_well()
    well = time.monotonic()
    record.kills += killed
    record.back.append(well - end)
    record.gaps.append(acks.gap(begin, well))


def table(records: dict[str, Record]) -> str:
    head = f"{'trouble':28}{'times':>6}{'kills':>6}{'back, median':>14}{'max':>7}{'gap, max':>10}"
    lines = [head]
    for name, record in sorted(records.items()):
        if record.back:
            median, most = statistics.median(record.back), max(record.back)
            lines.append(
                f"{name:28}{len(record.back):6}{record.kills:6}{median:12.2f} s"
                f"{most:6.2f}s{max(record.gaps):8.2f} s"
            )
    return "\n".join(lines)

"""The ledgers beside what is in the store: lost, doubled and torn writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.clients import BATCH, FILE, HISTORIES, LOADED, POINTS
from tests.chaos.ledger import Ledger

__all__ = ["faults", "is_allowed"]

_EPOCH = 1_704_067_200
_OF_WRITE = re.compile(r"(LOST|TORN): (\w+) (\d+) ")
_SEVERAL = "import"
"""Its batches are acknowledged one by one, so that it may be lost in part."""
_JOB_SECONDS = 30.0
"""After which a job is done, usually."""


def faults(ledgers: Mapping[str, Ledger], stored: Mapping[str, Any]) -> Iterator[str]:
    """A line for each write that is lost, doubled, torn, or that no client made."""
    yield from _samples("hisWrite", "h", BATCH, ledgers["hisWrite"], stored)
    yield from _samples("import", "i", FILE, ledgers["import"], stored)
    yield from _entities("commit", "x{}{}", "ab", ledgers["commit"], stored)
    parts = [f"-{part}" for part in range(LOADED)]
    yield from _entities("load", "l{}{}", parts, ledgers["load"], stored)
    yield from _entities("job", "j{}{}", parts, ledgers["job"], stored)
    yield from _counts(ledgers["update"], stored)
    yield from _levels(ledgers["pointWrite"], stored)
    for line in stored["differences"]:
        yield f"TORN: {line}"


def is_allowed(
    fault: str, ledgers: Mapping[str, Ledger], risks: Sequence[tuple[float, float]]
) -> bool:
    """Whether it is the loss of a write that was under way at a time of risk."""
    if not (found := _OF_WRITE.match(fault)):
        return False
    word, kind, number = found[1], found[2], int(found[3])
    ledger = ledgers[kind]
    if number not in ledger.acked or (word == "TORN" and kind != _SEVERAL):
        return False
    later = _JOB_SECONDS if kind == "job" else 0.0
    return any(ledger.overlaps(number, (low - later, high)) for low, high in risks)


def _samples(
    kind: str, letter: str, size: int, ledger: Ledger, stored: Mapping[str, Any]
) -> Iterator[str]:
    found: Counter[int] = Counter()
    for place in range(HISTORIES):
        id = f"{letter}{place}"
        rows = stored["samples"][id]
        times = [at for at, _ in rows]
        if len(set(times)) != len(times) or stored["sizes"][id] != len(times):
            yield f"DOUBLED: @{id} has {len(times)} samples, hisSize {stored['sizes'][id]}"
        for at, value in rows:
            number = (at - _EPOCH) // size
            if value != number or number % HISTORIES != place:
                yield f"STRANGE: {kind}: @{id} has {value} at {at}"
            found[number] += 1
    for number in sorted(ledger.acked):
        if found[number] != size:
            yield f"LOST: {kind} {number} has {found[number]} of {size} samples"
    for number in sorted(found.keys() - ledger.acked):
        if number not in ledger.tried:
            yield f"STRANGE: {kind} {number} was never written"
        if found[number] != size:
            yield f"TORN: {kind} {number} has {found[number]} of {size} samples"


def _entities(
    kind: str, form: str, parts: Any, ledger: Ledger, stored: Mapping[str, Any]
) -> Iterator[str]:
    existing, created = set(stored["entities"]), stored["created"]
    for number in sorted(ledger.tried):
        ids = [form.format(number, part) for part in parts]
        there = [id for id in ids if id in existing]
        if number in ledger.acked and len(there) < len(ids):
            yield f"LOST: {kind} {number} has {len(there)} of {len(ids)} entities"
        elif 0 < len(there) < len(ids):
            yield f"TORN: {kind} {number} has {len(there)} of {len(ids)} entities"
        for id in there:
            if created.get(id) != 1:
                yield f"DOUBLED: {kind}: the log has {created.get(id)} creations of @{id}"


def _counts(ledger: Ledger, stored: Mapping[str, Any]) -> Iterator[str]:
    """A tag that is updated on top of its former value."""
    entries = Counter(int(count) for count in stored["counts"])
    entries.pop(-1, None)
    yield from _once("update", entries, ledger)
    done = max(entries, default=-1)
    if stored["count"] != done:
        yield f"LOST: the tag is {stored['count']}, the last update of the log {done}"


def _levels(ledger: Ledger, stored: Mapping[str, Any]) -> Iterator[str]:
    entries: Counter[int] = Counter()
    for place in range(POINTS):
        written = [int(value) for value in stored["writes"][f"w{place}"]]
        entries.update(written)
        if written and stored["levels"].get(f"w{place}") != written[0]:
            level = stored["levels"].get(f"w{place}")
            yield f"LOST: level 10 of @w{place} is {level}, the last write {written[0]}"
    yield from _once("pointWrite", entries, ledger)


def _once(kind: str, entries: Counter[int], ledger: Ledger) -> Iterator[str]:
    for number in sorted(ledger.acked):
        if not entries[number]:
            yield f"LOST: {kind} {number} is not in the log"
    for number, count in sorted(entries.items()):
        if count > 1:
            yield f"DOUBLED: {kind} {number} is {count} times in the log"
        if number not in ledger.tried:
            yield f"STRANGE: {kind} {number} was never written"

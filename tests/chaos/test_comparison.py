"""The comparison of a run finds what is lost, doubled and torn."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.chaos.clients import BATCH, FILE, HISTORIES, LOADED
from tests.chaos.comparison import faults, is_allowed
from tests.chaos.ledger import Acks, Ledger
from tests.chaos.troubles import Record, Trouble, cause

EPOCH = 1_704_067_200
KINDS = ("hisWrite", "import", "commit", "load", "job", "update", "pointWrite")
LEDGERS = {kind: Ledger(kind, {0, 1, 2}, {0, 1}) for kind in KINDS}
"""Two acknowledged writes of each kind, and one of which nothing is known."""


def samples(letter: str, size: int) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {
        f"{letter}{place}": [] for place in range(HISTORIES)
    }
    for number in (0, 1):
        first = EPOCH + number * size
        rows = [(at, float(number)) for at in range(first, first + size)]
        found[f"{letter}{number}"] = rows
    return found


def stored() -> dict[str, Any]:
    histories = samples("h", BATCH) | samples("i", FILE)
    ids = [f"x{number}{part}" for number in (0, 1) for part in "ab"]
    for kind in "lj":
        ids += [f"{kind}{number}-{part}" for number in (0, 1) for part in range(LOADED)]
    return {
        "samples": histories,
        "sizes": {id: len(rows) for id, rows in histories.items()},
        "entities": ids,
        "created": dict.fromkeys(ids, 1),
        "counts": [1.0, 0.0, -1.0],
        "count": 1.0,
        "levels": {"w0": 0.0, "w1": 1.0},
        "writes": {"w0": [0.0], "w1": [1.0]},
        "differences": [],
    }


def torn_batch(found: Any) -> None:
    found["samples"]["h2"].append((EPOCH + 2 * BATCH, 2.0))
    found["sizes"]["h2"] += 1


DAMAGE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "sample": (lambda found: found["samples"]["h1"].pop(), "LOST: hisWrite 1 has 4"),
    "size": (lambda found: found["sizes"].update(h1=9), "DOUBLED: @h1 has 5"),
    "file": (lambda found: found["samples"]["i0"].pop(), "LOST: import 0 has 1999"),
    "batch": (torn_batch, "TORN: hisWrite 2 has 1 of 5"),
    "value": (
        lambda found: found["samples"]["h0"].__setitem__(0, (EPOCH, 9.0)),
        "STRANGE: hisWrite: @h0 has 9.0",
    ),
    "entity": (lambda found: found["entities"].remove("x1b"), "LOST: commit 1 has 1"),
    "unsure": (lambda found: found["entities"].append("x2a"), "TORN: commit 2 has 1"),
    "load": (lambda found: found["entities"].remove("l0-3"), "LOST: load 0 has 19"),
    "job": (lambda found: found["entities"].remove("j1-7"), "LOST: job 1 has 19"),
    "log": (lambda found: found["created"].update(x0a=2), "DOUBLED: commit"),
    "update": (lambda found: found["counts"].remove(0), "LOST: update 0 is not"),
    "updates": (lambda found: found["counts"].append(1), "DOUBLED: update 1 is 2"),
    "tag": (lambda found: found.update(count=0.0), "LOST: the tag is 0.0"),
    "level": (lambda found: found["levels"].update(w1=0.0), "LOST: level 10 of @w1"),
    "write": (lambda found: found["writes"]["w0"].pop(), "LOST: pointWrite 0"),
    "writes": (lambda found: found["writes"]["w1"].append(1), "DOUBLED: pointWrite 1"),
    "strange": (lambda found: found["counts"].append(7), "STRANGE: update 7"),
    "check": (lambda found: found["differences"].append("@a: b"), "TORN: @a: b"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found(damage: str) -> None:
    assert list(faults(LEDGERS, stored())) == []
    found = deepcopy(stored())
    do, words = DAMAGE[damage]
    do(found)
    lines = list(faults(LEDGERS, found))
    assert any(line.startswith(words) for line in lines), lines


def test_what_may_have_been_done_may_be_there() -> None:
    found = stored()
    for id in ("x2a", "x2b"):
        found["entities"].append(id)
        found["created"][id] = 1
    found["counts"].append(2)
    found["count"] = 2
    assert list(faults(LEDGERS, found)) == []


@pytest.mark.parametrize(
    ("fault", "allowed"),
    [
        ("LOST: commit 0 has 1 of 2 entities", True),
        ("LOST: commit 1 has 1 of 2 entities", False),
        ("LOST: job 1 has 0 of 20 entities", True),
        ("TORN: commit 0 has 1 of 2 entities", False),
        ("TORN: import 0 has 1000 of 2000 samples", True),
        ("LOST: commit 2 has 0 of 2 entities", False),
        ("DOUBLED: commit 0 is 2 times in the log", False),
        ("LOST: the tag is 0, the last update of the log 1", False),
        ("TORN: @a: b", False),
    ],
)
def test_what_was_under_way_when_a_master_was_lost(fault: str, allowed: bool) -> None:
    """The first write of each kind was, and the job of the second one."""
    ledgers = deepcopy(LEDGERS)
    for ledger in ledgers.values():
        ledger.times = {0: (9.8, 9.9), 1: (5.0, 6.0)}
    assert is_allowed(fault, ledgers, [(9.5, 12.0)]) is allowed
    assert not is_allowed(fault, ledgers, [(100.0, 101.0)])


def test_a_trouble_that_is_a_risk_says_when() -> None:
    acks = Acks()
    cause(Trouble("kill", 1, lambda: 1), Record(), acks, lambda: None)
    assert acks.risks == []
    cause(Trouble("kill", 1, lambda: 1, is_risk=True), Record(), acks, lambda: None)
    [(begin, end)] = acks.risks
    assert begin < end - 0.4


def test_the_longest_time_without_an_acknowledgement() -> None:
    acks = Acks()
    acks._times = [1.0, 2.0, 5.0, 6.0]
    assert acks.gap(1.5, 7.0) == 3.0
    assert acks.gap(6.5, 9.0) == 2.5

"""What the evaluator stores by and by is what the plain one finds by looking at all.

Samples come in order and late, are replaced and removed, hints are lost, rules change,
evaluators die, and hours pass without one.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from haystack_app.alarms import news
from haystack_app.alarms.evaluation import evaluate as evaluate_plainly
from haystack_app.alarms.evaluator import Evaluator
from haystack_app.alarms.samples import Samples
from haystack_app.alarms.segments import Facts, Pause
from haystack_app.alarms.subjects import subjects
from haystack_app.kinds import REMOVE, DateTime, Number
from haystack_app.kinds.series import instant_of, microseconds_of
from haystack_app.models import Alarm, AlarmPause, AlarmRule
from haystack_app.storage.base import StorageAdapter
from tests.alarms.conftest import MINUTE, committed, minute, rule

POINTS = ("t", "u", "sp")
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"value": "25°C"},
    {"value": "24°C", "hysteresis": 2, "delay_seconds": 600},
    {"op": "<", "value": "23°C", "delay_seconds": 120},
    {"measure": "avg", "window_seconds": 1_200, "value": "25°C"},
    {"measure": "max", "window_seconds": 720, "value": "26°C", "hysteresis": 1},
    {"op": "outside", "operand": "point", "path": "spRef", "tolerance": 2, "value": ""},
    {"measure": "age", "value": "20min"},
    {"op": "==", "value": "25°C"},
)
RESET = {
    "op": ">",
    "measure": "last",
    "operand": "value",
    "path": "",
    "tolerance": 0,
    "hysteresis": 0,
    "window_seconds": 0,
    "delay_seconds": 0,
}


class Reference:
    """What alarms there must be, by the plain evaluator.

    Alarms before the last change of the rule are settled.
    """

    def __init__(self) -> None:
        self.settled: list[tuple[int, int | None]] = []
        self.since = 0
        self.changed = True

    def check(self, store: StorageAdapter, of: AlarmRule, id: str, now: int) -> None:
        if self.changed:
            self.since, self.changed = now, False
        found = self.alarms(store, of, id, now)
        assert stored(of, id) == found
        self.last = found

    def change(self) -> None:
        """From the next round on the rule means something else."""
        self.settled, self.changed = getattr(self, "last", []), True

    def alarms(
        self, store: StorageAdapter, of: AlarmRule, id: str, now: int
    ) -> list[tuple[int, int | None]]:
        (subject,), _ = subjects(of, store.read_by_ids([id]), store.read_by_ids)  # type: ignore[arg-type]
        other = subject.reference
        pauses = AlarmPause.objects.filter(rule=of)
        stops = AlarmPause.objects.filter(rule=None).exclude(end=None)
        facts = Facts(
            Samples.of(everything(store, id), subject.hold),
            None if other is None else Samples.of(everything(store, other)),
            [Pause(at(one.start), one.end and at(one.end)) for one in pauses],
            [Pause(at(one.start), at(one.end)) for one in stops if one.end],
        )
        is_open = bool(self.settled) and self.settled[-1][1] is None
        outcome = evaluate_plainly(
            subject.condition, facts, self.since - 1, now, is_raised=is_open
        )
        found = list(self.settled)
        for one in outcome.intervals:
            if one.start is None:
                found[-1] = found[-1][0], one.end
            else:
                found.append((one.start, one.end))
        return found


def at(time: dt.datetime) -> int:
    return microseconds_of(time)


def everything(store: StorageAdapter, id: str) -> list[tuple[int, Any]]:
    return store.his_since({id: 0})[id]


def stored(of: AlarmRule, id: str) -> list[tuple[int, int | None]]:
    rows = Alarm.objects.filter(rule=of, point_id=id, withdrawn=False)
    return [
        (at(one.raised_at), one.cleared_at and at(one.cleared_at))
        for one in rows.order_by("raised_at")
    ]


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_plain_one(storage: StorageAdapter, seed: int) -> None:
    rng = random.Random(seed)
    storage.update_entities(
        [
            {"id": row["id"], "spRef": storage.existing("sp")["id"]}
            for row in (storage.existing("t"), storage.existing("u"))
        ],
        force=True,
    )
    condition = CONDITIONS[seed % len(CONDITIONS)]
    one = rule(filter='temp and equipRef and dis != "Set point"', **condition)
    references = {id: Reference() for id in ("t", "u")}
    evaluator = Evaluator(storage)
    now = 0.0
    for _ in range(30):
        now += rng.choice((1, 1, 3, 5, 10, 30))
        action = rng.random()
        if action < 0.65:
            samples(storage, rng, now)
        elif action < 0.75:  # hints are lost, and the next survey finds the samples
            news.flush(frozenset({"default"}))
            late = rng.choice((0, 3, 50)) + rng.random()
            row = DateTime(minute(now - late), "New_York"), Number(27, "°C")
            with committed(storage):
                storage.his_write(rng.choice(POINTS[:2]), [row], minute(now))
            news._news.clear()
            evaluator.survey_soon()
        elif action < 0.82:
            change(one, rng)
            for reference in references.values():
                reference.change()
        elif action < 0.9:
            evaluator = Evaluator(storage)
        elif action < 0.95:
            now += rng.choice((100, 300))
        news.flush(frozenset({"default"}))
        evaluator._next_alive = 0.0
        evaluator.round(minute(now))
        for id, reference in references.items():
            reference.check(storage, one, id, at(minute(now)))


def samples(store: StorageAdapter, rng: random.Random, now: float) -> None:
    """Some in order, some late; some are replaced or removed."""
    id = rng.choice(POINTS)
    rows = []
    for _ in range(rng.choice((1, 1, 1, 4))):
        late = rng.choice((0, 0, 0, 1, 7, 40, 200))
        value: Any = Number(rng.randrange(21, 29), "°C")
        if rng.random() < 0.1:
            value = REMOVE
        rows.append((DateTime(minute(now - late), "New_York"), value))
    with committed(store):
        store.his_write(
            id, {ts.utc: (ts, val) for ts, val in rows}.values(), minute(now)
        )


def change(one: AlarmRule, rng: random.Random) -> None:
    before = [getattr(one, name) for name in (*RESET, "value")]
    while [getattr(one, name) for name in (*RESET, "value")] == before:
        for name, value in (RESET | rng.choice(CONDITIONS)).items():
            setattr(one, name, value)
    one.full_clean()
    one.save()


def test_a_second_look_changes_nothing(storage: StorageAdapter) -> None:
    one = rule(delay_seconds=300)
    evaluator = Evaluator(storage)
    evaluator.round(minute(0))
    rows = [(DateTime(minute(n), "New_York"), Number(30, "°C")) for n in range(20)]
    with committed(storage):
        storage.his_write("t", rows, minute(20))
    news.flush(frozenset({"default"}))
    assert evaluator.round(minute(20)) == 1
    again = Evaluator(storage)
    again.survey_soon()
    assert again.round(minute(20)) == again.round(minute(21)) == 0
    assert stored(one, "t") == [(at(minute(5)), None)]
    assert instant_of(at(minute(5))) - minute(0) == 5 * MINUTE

"""Alarms are raised and cleared, late and in time, and by no more than one evaluator."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from haystack_app.alarms.acknowledgement import acknowledge
from haystack_app.alarms.evaluator import Evaluator, begin
from haystack_app.kinds import MARKER, NA, Number, Ref
from haystack_app.models import Alarm, AlarmNews, AlarmPair, AlarmPause, AlarmRule
from haystack_app.storage.base import StorageAdapter
from tests.alarms.conftest import evaluate, minute, rule, spans, write
from tests.storage.building import point


def begun(store: StorageAdapter, at: float = 0) -> Evaluator:
    evaluator = Evaluator(store)
    evaluate(evaluator, at)
    return evaluator


def test_raised_and_cleared(storage: StorageAdapter) -> None:
    rule(hysteresis=2)
    evaluator = begun(storage)
    write(storage, "t", (1, 26.0))
    assert evaluate(evaluator, 2) == 1
    write(storage, "t", (3, 24.0))
    assert evaluate(evaluator, 4) == 0
    write(storage, "t", (5, 22.5))
    assert evaluate(evaluator, 6) == 1
    alarm = Alarm.objects.get()
    assert spans() == [(1, 5)]
    assert (alarm.dis, alarm.equip_id, alarm.site_id) == ("Temp", "ahu", "hq")
    assert alarm.value == {"_kind": "number", "val": 26, "unit": "°C"}
    assert not (alarm.late or alarm.withdrawn)
    kinds = [(one.kind, one.at, one.late) for one in alarm.transitions.all()]
    assert kinds == [("raised", minute(1), False), ("cleared", minute(5), False)]
    assert not AlarmNews.objects.exists()


def test_a_delay_ends_without_samples(storage: StorageAdapter) -> None:
    """It is looked at again when it is due, for values that hold."""
    rule(delay_seconds=600)
    evaluator = begun(storage)
    write(storage, "t", (1, 26.0))
    evaluate(evaluator, 2)
    assert AlarmPair.objects.get(point_id="t").due == minute(11)
    assert evaluate(evaluator, 10) == 0
    assert evaluate(evaluator, 11.5) == 1
    assert spans() == [(11, None)]


def test_late_samples_raise_and_clear_in_the_past(storage: StorageAdapter) -> None:
    rule()
    evaluator = begun(storage)
    write(storage, "t", (1, 20.0), (100, 20.0))
    evaluate(evaluator, 100)
    write(storage, "t", (40, 27.0), (50, 20.0))
    assert evaluate(evaluator, 101) == 2
    assert spans() == [(40, 50)]
    alarm = Alarm.objects.get()
    assert alarm.late and all(one.late for one in alarm.transitions.all())
    assert alarm.recorded_at == minute(101)


def test_a_late_sample_moves_and_withdraws(storage: StorageAdapter) -> None:
    rule()
    evaluator = begun(storage)
    write(storage, "t", (1, 20.0), (60, 27.0))
    evaluate(evaluator, 61)
    acknowledge(Alarm.objects.get(), "ann", "known", minute(62))
    write(storage, "t", (50, 28.0))
    evaluate(evaluator, 70)
    assert spans() == [(50, None)]
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.late) == ("acknowledged", True)
    write(storage, "t", (50, 20.0), (60, 20.0))
    evaluate(evaluator, 80)
    assert spans() == []
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.withdrawn) == ("cleared", True)
    assert [one.kind for one in alarm.transitions.all()] == [
        *("raised", "acknowledged", "raised", "withdrawn"),
    ]


def test_a_clear_that_was_wrong_opens_again(storage: StorageAdapter) -> None:
    rule()
    evaluator = begun(storage)
    write(storage, "t", (1, 27.0))
    evaluate(evaluator, 2)
    write(storage, "t", (10, 20.0))
    evaluate(evaluator, 11)
    write(storage, "t", (10, 28.0))
    evaluate(evaluator, 20)
    assert spans() == [(1, None)]
    assert Alarm.objects.get().transitions.count() == 3


def test_values_that_are_not_known(storage: StorageAdapter) -> None:
    """They neither raise nor clear."""
    rule()
    evaluator = begun(storage)
    write(storage, "t", (1, 27.0), (2, NA))
    evaluate(evaluator, 3)
    assert spans() == [(1, None)]


def test_an_hour_without_an_evaluator(storage: StorageAdapter) -> None:
    """Old data raise only the rule about old data, and that after its time anew."""
    rule(delay_seconds=1_800, filter="id == @t")
    rule(name="old", measure="age", value="30min")
    storage.update_entities(
        [{"id": Ref("t"), "hisStaleTime": Number(10, "min")}], force=True
    )
    evaluator = begun(storage)
    for id in ("t", "u"):
        write(storage, id, (1, 27.0), (5, 27.0))
    evaluate(evaluator, 6)
    again = Evaluator(storage)  # 90 minutes after
    assert evaluate(again, 96) == 0
    assert evaluate(again, 120) == 0
    assert evaluate(again, 127) == 2
    assert Alarm.objects.filter(rule__name="old").count() == 2
    assert spans() == [(126, None)]
    write(storage, "t", (130, 20.0))
    evaluate(again, 131)
    assert spans() == [(126, 130)]


def test_a_rule_that_changes_keeps_its_alarm(storage: StorageAdapter) -> None:
    """Before the change, alarms are settled."""
    one = rule()
    evaluator = begun(storage)
    write(storage, "t", (1, 27.0), (2, 20.0), (3, 28.0))
    evaluate(evaluator, 4)
    one.value = "26°C"
    one.save()
    evaluate(evaluator, 10)
    assert spans() == [(1, 2), (3, None)]
    one.value = "29°C"
    one.save()
    evaluate(evaluator, 20)
    assert spans() == [(1, 2), (3, 20)]


def test_points_and_rules_that_leave(storage: StorageAdapter) -> None:
    one = rule()
    evaluator = begun(storage)
    for id in ("t", "u"):
        write(storage, id, (1, 27.0))
    evaluate(evaluator, 2)
    storage.remove_entities([{"id": Ref("u")}], force=True)
    evaluator.survey_soon()
    evaluate(evaluator, 10)
    assert (spans(), spans("u")) == ([(1, None)], [(1, 10)])
    note = Alarm.objects.get(point_id="u").transitions.last()
    assert note is not None and "not a point of the rule" in note.note
    AlarmRule.objects.update(filter="temp and no such")
    one.refresh_from_db()
    one.save()
    evaluate(evaluator, 12)
    one.refresh_from_db()
    assert "not a Haystack filter" in one.problem
    assert spans() == [(1, 12)]
    assert not AlarmPair.objects.exists()


def test_suppressed_and_in_maintenance(storage: StorageAdapter) -> None:
    one = rule(suppress="off", filter="id == @t")
    evaluator = begun(storage)
    write(storage, "t", (1, 27.0))
    evaluate(evaluator, 2)
    storage.update_entities([{"id": Ref("ahu"), "off": MARKER}], force=True)
    evaluator.survey_soon()
    evaluate(evaluator, 5)
    assert spans() == [(1, 5)]
    from haystack_app.kinds import REMOVE

    storage.update_entities([{"id": Ref("ahu"), "off": REMOVE}], force=True)
    evaluator.survey_soon()
    evaluate(evaluator, 8)
    assert spans() == [(1, 5), (8, None)]
    one.maintenance_until, one.maintenance_reason = minute(30), "new filter"
    one.save()
    evaluate(evaluator, 10)
    assert spans() == [(1, 5), (8, 10)]
    assert evaluate(evaluator, 31) == 1
    assert spans()[-1] == (30, None)
    reasons = AlarmPause.objects.exclude(rule=None).values_list("reason", flat=True)
    assert sorted(reasons) == ["new filter", "suppressed"]


def test_compared_with_another_point(storage: StorageAdapter) -> None:
    storage.update_entities([{"id": Ref("t"), "spRef": Ref("sp")}], force=True)
    rule(operand="point", path="spRef", value="", op="outside", tolerance=2)
    evaluator = begun(storage)
    write(storage, "sp", (1, 21.0))
    write(storage, "t", (2, 22.0))
    evaluate(evaluator, 3)
    assert spans() == []
    write(storage, "sp", (5, 18.0))
    evaluate(evaluator, 6)
    assert spans() == [(5, None)]
    assert AlarmRule.objects.get().problem.startswith("does not work for 2 of 3")


@pytest.mark.parametrize("tag, op", [("maxVal", ">"), ("minVal", "<")])
def test_limits_of_the_point(storage: StorageAdapter, tag: str, op: str) -> None:
    storage.update_entities([{"id": Ref("t"), tag: Number(20, "°C")}], force=True)
    rule(operand=tag, value="", op=op, filter=f"temp and {tag}")
    evaluator = begun(storage)
    write(storage, "t", (1, 25.0), (2, 15.0))
    evaluate(evaluator, 3)
    assert spans() == ([(1, 2)] if op == ">" else [(2, None)])


def test_states_and_shares(storage: StorageAdapter) -> None:
    storage.load_entities(
        [
            point("fan", kind="Bool", run=MARKER),
            point("mode", kind="Str", enum="on,off", mode=MARKER),
        ]
    )
    rule(name="state", filter="mode", op="==", value='"off"')
    rule(name="share", filter="run", measure="share", window_seconds=3_600, value="50%")
    evaluator = begun(storage)
    write(storage, "mode", (1, "on"), (3, "off"), (9, "on"))
    write(storage, "fan", (0.5, False), (2, True))
    evaluate(evaluator, 9)
    assert spans("mode") == [(3, 9)]
    evaluate(evaluator, 60)
    ((start, end),) = spans("fan")
    assert end is None and 2 <= start <= 12  # looked at each 5 minutes


def test_one_open_alarm_a_rule_and_point(storage: StorageAdapter) -> None:
    rule()
    evaluator = begun(storage)
    write(storage, "t", (1, 27.0))
    evaluate(evaluator, 2)
    alarm = Alarm.objects.get()
    alarm.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        alarm.save(force_insert=True)


def test_acknowledged_once(storage: StorageAdapter) -> None:
    rule()
    evaluator = begun(storage)
    write(storage, "t", (1, 27.0))
    evaluate(evaluator, 2)
    alarm = Alarm.objects.get()
    assert acknowledge(alarm, "ann", "on my way", minute(3))
    assert not acknowledge(alarm, "bob", "", minute(4))
    assert alarm.state == "acknowledged"
    write(storage, "t", (5, 20.0))
    evaluate(evaluator, 6)
    assert not acknowledge(Alarm.objects.get(), "bob", "", minute(7))
    assert Alarm.objects.get().state == "cleared"


def test_a_short_stop_is_none(db: None) -> None:
    begin("default", minute(0))
    begin("default", minute(1))
    begin("default", minute(0.5))  # of a clock that is slow
    pause: Any = AlarmPause.objects.get()
    assert (pause.start, pause.end) == (minute(1), None)
    begin("default", minute(60))
    ends = AlarmPause.objects.order_by("start").values_list("start", "end")
    assert list(ends) == [(minute(1), minute(60)), (minute(60), None)]

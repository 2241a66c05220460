"""The rules of the demo fit its points, and one of them raises an alarm."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from haystack_app import demo
from haystack_app.alarms.dry_run import dry_run
from haystack_app.alarms.evaluator import Evaluator
from haystack_app.alarms.validation import check_fit
from haystack_app.demo.alarms import make_rules
from haystack_app.management.commands.haystack_demo import load_history
from haystack_app.models import Alarm, AlarmRule
from haystack_app.storage.handler import storages

pytestmark = pytest.mark.django_db


def test_one_alarm_to_look_at() -> None:
    store = storages["default"]
    now = timezone.now()
    records = list(demo.entities(at=now))
    store.load_entities(records)
    assert (make_rules("default"), make_rules("default")) == (5, 0)
    rules = {rule.name: rule for rule in AlarmRule.objects.all()}
    for rule in rules.values():
        rule.full_clean()
        assert check_fit(rule) == []
    wanted = [
        row for row in records if "his" in row and {"co2", "elec", "run"} & row.keys()
    ]
    load_history(store, wanted, lambda point: dt.timedelta(days=2), now)
    Evaluator(store).round(now)
    alarm = Alarm.objects.get()
    assert (alarm.rule.name, alarm.point_id) == (
        *("High base load", "south.b2.elec-main.power"),
    )
    found = dry_run(store, rules["Bad air"], now)
    assert (found.matched, found.evaluated) == (8, 8)
    assert AlarmRule.objects.get(name="Silent meter").points > 5

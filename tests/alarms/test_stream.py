"""The summary of open alarms as server-sent events, by a server with sockets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from haystack_app.alarms.acknowledgement import acknowledge
from haystack_app.kinds import MARKER, Ref
from haystack_app.models import Alarm, AlarmRule, GroupScope
from haystack_app.storage.handler import storages
from tests.api.conftest import basic, served, user
from tests.patience import PATIENCE
from tests.storage.building import point

pytestmark = pytest.mark.django_db(transaction=True)


def alarm(id: str) -> Alarm:
    rule, _ = AlarmRule.objects.get_or_create(name="r", filter="p", value="1")
    now = timezone.now()
    return Alarm.objects.create(
        rule=rule, point_id=id, dis=id, raised_at=now, recorded_at=now
    )


@contextmanager
def following(port: int, name: str) -> Iterator[Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/api/alarms/events/", headers=basic(name))
    answer = connection.getresponse()
    yield answer
    answer.close()
    connection.close()  # the server would wait for the end of the stream


def event(answer: Any) -> dict[str, Any]:
    """The next event with data."""
    while True:
        line = answer.readline().decode()
        assert line, "the stream has ended"
        if line.startswith("data: "):
            found: dict[str, Any] = json.loads(line[6:])
            return found


def test_each_sees_its_own() -> None:
    storages["default"].load_entities(
        [point("a", siteRef=Ref("a")), point("b", siteRef=Ref("b"), hvac=MARKER)],
        replace=True,
    )
    user("ann", "operator")
    user("bob", "operator")
    group = Group.objects.create(name="b")
    GroupScope.objects.create(group=group, filter="hvac")
    User.objects.get(username="bob").groups.add(group)
    first = alarm("a")
    with (
        served() as port,
        following(port, "ann") as ann,
        following(port, "bob") as bob,
    ):
        assert ann.getheader("Content-Type").startswith("text/event-stream")
        assert event(ann)["raised"] == 1
        found = event(bob)
        assert (found["raised"], found["entities"]) == (0, [])
        acknowledge(first, "ann", "", timezone.now())
        found = event(ann)
        assert (found["raised"], found["acknowledged"]) == (0, 1)
        second = alarm("b")
        acknowledge(second, "ann", "", timezone.now())
        found = next(
            one for one in (event(bob) for _ in range(20)) if one["acknowledged"]
        )
        assert [one["id"] for one in found["entities"]] == ["b"]


def test_without_the_right() -> None:
    user("nina", "")
    with served() as port, following(port, "nina") as answer:
        assert answer.status == 403

"""The README: its pictures, its addresses and its commands exist."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.management import get_commands

from haystack_app import demo
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, grid_of, logged_in
from tests.forks import ROOT

TEXT = (ROOT / "README.md").read_text("utf-8")


def test_it_is_one_screen_with_three_pictures() -> None:
    assert len(TEXT.splitlines()) < 90
    assert len(re.findall(r"!\[", TEXT)) == 3


def test_its_commands_exist() -> None:
    commands = set(re.findall(r"\bhaystack_(?!app)\w+", TEXT))
    assert len(commands) > 8
    assert commands <= get_commands().keys()
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"\bmake ([a-z-]+)", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_its_addresses_answer(db: None) -> None:
    """Of a server with the demo, as its superuser."""
    now = dt.datetime.now(dt.UTC)
    store = storages["default"]
    point = "north.b1.ahu-1.outside-temp", "north.b1.ahu-1.discharge-temp"
    store.load_entities(list(demo.entities(at=now)), who=demo.WHO)
    for id in point:
        samples = demo.samples(store.existing(id), now - dt.timedelta(days=1), now)
        store.his_write(id, list(samples))
    client = logged_in("root", is_staff=True, is_superuser=True)
    api = Api(client)
    asked = re.findall(r"http://127\.0\.0\.1:8000/api/(\w+)\?([^'\"\s]+)", TEXT)
    assert len(asked) == 4
    for op, query in asked:
        week = f"{now.date() - dt.timedelta(days=6)},{now.date()}"
        arguments = dict(parse_qsl(query.replace("$WEEK", week)))
        answer = grid_of(api.get(op, **arguments))
        assert not answer.is_error, answer.meta
        assert list(answer)
    pages = set(re.findall(r"`(/[a-z]+/(?:docs/)?)`", TEXT))
    assert pages >= {"/explore/", "/dashboards/", "/alarms/", "/api/docs/"}
    for page in pages - {"/docs/"}:
        assert client.get(page).status_code == 200, page
    [history] = re.findall(r"`(/api/history/[^`]+)`", TEXT)
    pytest.importorskip("pyarrow")
    answer = client.get(history)
    assert answer.status_code == 200, answer.content
    assert urlsplit(history).path == "/api/history/"

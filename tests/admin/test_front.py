"""The front page: public, without data until a user logs in."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from haystack_app import filters
from haystack_app.kinds import MARKER, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.handler import storages


@pytest.fixture
def building(db: None) -> None:
    storages["default"].load_entities(
        [
            {"id": Ref("s"), "site": MARKER, "dis": "Secret Hall"},
            {"id": Ref("p"), "point": MARKER, "his": MARKER, "temp": MARKER},
            {"id": Ref("q"), "point": MARKER, "trash": MARKER},
        ]
    )


def test_a_stranger_learns_what_to_do(client: Client, building: None) -> None:
    response = client.get("/")
    text = response.content.decode()
    assert response.status_code == 200
    assert "/log-in/?next=/" in text and "/api/about" in text and "curl" in text
    assert "counts" not in response.context and "Secret" not in text
    assert "hisRead?id=@p" not in text


def test_only_the_demo_says_where_its_password_is(
    client: Client, db: None, settings: Any
) -> None:
    assert "make demo" not in client.get("/").content.decode()
    settings.HAYSTACK = {**settings.HAYSTACK, "SIMULATE_SECONDS": 5}
    assert "make demo" in client.get("/").content.decode()


def test_counts_and_links_for_users(client: Client, building: None) -> None:
    ann = User.objects.create_user("ann")
    client.force_login(ann)
    assert "counts" not in client.get("/").context  # without the right to see any
    ann.groups.add(Group.objects.get(name="viewer"))
    response = client.get("/")
    assert dict(response.context["counts"]) == {
        "sites": 1,
        "spaces": 0,
        "equipment": 0,
        "points": 1,
        "with history": 1,
    }
    assert "/api/hisRead?id=@p&amp;range=today" in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_members_of_a_group_count_what_it_sees(client: Client, building: None) -> None:
    ann = User.objects.create_user("ann")
    ann.groups.add(Group.objects.get(name="viewer"))
    group = Group.objects.create(name="spaces")
    GroupScope.objects.create(group=group, filter="site and not point")
    ann.groups.add(group)
    client.force_login(ann)
    response = client.get("/")
    assert dict(response.context["counts"])["points"] == 0
    assert dict(response.context["counts"])["sites"] == 1
    assert "hisRead?id=" not in response.content.decode()


def test_links_of_staff_lead_somewhere(admin_client: Client, building: None) -> None:
    text = admin_client.get("/").content.decode()
    links = {html.unescape(link) for link in re.findall(r'href="(/[^"]*)"', text)}
    assert any(link.startswith("/explore/?filter=") for link in links)
    for link in links:
        assert admin_client.get(link).status_code == 200, link
        for text in parse_qs(urlsplit(link).query).get("filter", []):
            filters.parse(text)


def test_nothing_is_fetched_from_elsewhere(client: Client, db: None) -> None:
    text = client.get("/").content.decode()
    fetched = re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', text)
    assert fetched and all(url.startswith("/static/") for url in fetched)


def test_an_empty_store_says_how_to_fill_it(admin_client: Client) -> None:
    assert "haystack_load" in admin_client.get("/").content.decode()
    assert admin_client.post("/").status_code == 405


def test_login_and_logout_with_a_password(client: Client, db: None) -> None:
    User.objects.create_user("ann", password="correct horse")
    form = {"username": "ann", "password": "wrong", "next": "/explore/"}
    assert "correct" in client.post("/log-in/", form).content.decode()
    answer = client.post("/log-in/", form | {"password": "correct horse"})
    assert answer.status_code == 302 and answer["Location"] == "/explore/"
    assert client.get("/").context["user"].is_authenticated
    assert client.post("/log-out/")["Location"] == "/"
    assert not client.get("/").context["user"].is_authenticated


def test_a_log_in_leads_nowhere_else(client: Client, db: None) -> None:
    User.objects.create_user("ann", password="correct horse")
    form = {"username": "ann", "password": "correct horse"}
    for elsewhere in (
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
    ):
        answer = client.post("/log-in/", form | {"next": elsewhere})
        assert answer["Location"] == "/"


def test_the_admin_is_for_staff(client: Client, db: None) -> None:
    User.objects.create_user("ann", password="correct horse")
    form = {"username": "ann", "password": "correct horse"}
    assert "staff account" in client.post("/admin/login/", form).content.decode()
    assert "_auth_user_id" not in client.session

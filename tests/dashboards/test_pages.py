"""The list of dashboards and their pages: who gets them, and that they are all ours."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from haystack_app.dashboards import forms
from haystack_app.dashboards.forms import free_slug
from haystack_app.models import Dashboard
from haystack_app.storage.handler import storages
from tests.api.conftest import logged_in, user
from tests.dashboards.making import dashboard
from tests.explorer.conftest import HOSTILE
from tests.explorer.modules import check_modules, weight_of
from tests.storage.building import point

pytestmark = pytest.mark.django_db


def test_strangers_log_in_first(client: Client) -> None:
    for path in ("/dashboards/", "/dashboards/plant/"):
        response = client.get(path)
        assert response.status_code == 302
        assert response["Location"].startswith("/log-in/?next=/dashboards/")


def test_pages_are_for_those_that_may_open_them() -> None:
    dashboard("private", user("olga"))
    dashboard("public", None, everyone=True)
    vera, nina = logged_in("vera", "viewer"), logged_in("nina", "")
    assert vera.get("/dashboards/public/").status_code == 200
    assert vera.get("/dashboards/private/").status_code == 404
    assert "Private" not in vera.get("/dashboards/").content.decode()
    for path in ("/dashboards/", "/dashboards/public/"):
        assert nina.get(path).status_code == 403


def test_other_projects() -> None:
    dashboard("rooms", None, everyone=True, storage="memory")
    dashboard("lost", None, everyone=True, storage="nosuch")
    vera = logged_in("vera", "viewer")
    text = vera.get("/dashboards/rooms/").content.decode()
    assert 'data-project="memory"' in text
    assert vera.get("/dashboards/lost/").status_code == 404


def test_the_editor_is_for_those_that_may_change() -> None:
    olga, vera = logged_in("olga"), logged_in("vera", "viewer")
    dashboard("plant", None, everyone=True)
    assert 'id="edit"' not in olga.get("/dashboards/plant/").content.decode()
    assert 'id="edit"' not in vera.get("/dashboards/plant/").content.decode()
    ada = logged_in("ada", "admin")
    assert 'id="edit"' in ada.get("/dashboards/plant/").content.decode()


def test_a_new_one() -> None:
    olga = logged_in("olga")
    form = {"title": "Main Plant", "storage": "default"}
    first = olga.post("/dashboards/", form)
    assert first["Location"] == "/dashboards/main-plant/?edit"
    assert (
        olga.post("/dashboards/", form)["Location"] == "/dashboards/main-plant-2/?edit"
    )
    assert [one.owner.get_username() for one in Dashboard.objects.all()] == ["olga"] * 2
    bad = olga.post("/dashboards/", {"title": "", "storage": "default"})
    assert "This field is required" in bad.content.decode()
    assert olga.post("/dashboards/", {**form, "storage": "nosuch"}).status_code == 200
    vera = logged_in("vera", "viewer")
    assert vera.post("/dashboards/", form).status_code == 403
    assert "<form class=" not in vera.get("/dashboards/").content.decode()
    assert Dashboard.objects.count() == 2


def test_two_of_a_title_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    olga = user("olga")
    client = Client()
    client.force_login(olga)
    others = iter(["main-plant", "main-plant-2"])

    def taken_meanwhile(title: str) -> str:
        slug = free_slug(title)
        if other := next(others, ""):
            dashboard(other, olga)
        return slug

    monkeypatch.setattr(forms, "free_slug", taken_meanwhile)
    form = {"title": "Main Plant", "storage": "default"}
    answer = client.post("/dashboards/", form)
    assert answer["Location"] == "/dashboards/main-plant-3/?edit"
    assert Dashboard.objects.count() == 3


def test_no_text_becomes_html() -> None:
    dashboard("odd", user(HOSTILE[:20]), everyone=True)
    Dashboard.objects.update(title=HOSTILE)
    ada = logged_in("ada", "admin")
    for path in ("/dashboards/", "/dashboards/odd/"):
        text = ada.get(path).content.decode()
        assert "&lt;img" in text
        assert "<img src=x" not in text


def test_all_is_ours_and_loads_at_once() -> None:
    dashboard("plant", None, everyone=True)
    response = logged_in("vera", "viewer").get("/dashboards/plant/")
    text = response.content.decode()
    assert "default-src 'self'" in response["Content-Security-Policy"]
    for attributes, content in re.findall(r"<script([^>]*)>([^<]*)</script>", text):
        if 'type="application/json"' not in attributes:
            assert 'src="/static/' in attributes and not content
    assert not re.search(r"\son[a-z]+=|style=", text)
    check_modules(text)


def test_every_page_is_light(admin_client: Client) -> None:
    """A page has at most 150 kB of scripts and styles, compressed."""
    dashboard("plant", None, everyone=True)
    storages["default"].load_entities([point("a")], replace=True)
    entity = "/admin/haystack_app/entity/a/change/"
    pages = ["/", "/log-in/", "/account/", "/status/", "/dashboards/", "/admin/"]
    for path in (*pages, "/dashboards/plant/", "/explore/", entity):
        text = admin_client.get(path).content.decode()
        assert 1_000 < weight_of(text) < 150_000, path
    check_modules(admin_client.get(entity).content.decode())

"""Who gets the page of the explorer, and that it is all ours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from haystack_app.models import Entity
from haystack_app.storage.handler import storages
from haystack_app.transfer.workbooks import sheet as workbooks
from tests.api.conftest import logged_in
from tests.explorer.modules import check_modules, weight_of
from tests.storage.building import point


def test_strangers_log_in_first(client: Client, db: None) -> None:
    response = client.get("/explore/?filter=site")
    assert response.status_code == 302
    assert response["Location"] == "/log-in/?next=/explore/%3Ffilter%3Dsite"


def test_users_that_may_see_entities_get_it(db: None) -> None:
    response = logged_in("vera", "viewer").get("/explore/")
    assert response.status_code == 200
    assert 'data-project=""' in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_other_users_cannot_open_it(db: None) -> None:
    assert logged_in("nina", "").get("/explore/").status_code == 403


def test_it_shows_and_changes_nothing_by_itself(db: None) -> None:
    assert logged_in("vera", "viewer").post("/explore/").status_code == 405


def test_other_projects(db: None) -> None:
    client = logged_in("vera", "viewer")
    assert 'data-project="memory"' in client.get("/explore/memory/").content.decode()
    assert client.get("/explore/nosuch/").status_code == 404


def test_it_holds_the_urls_for_its_scripts(db: None) -> None:
    text = logged_in("vera", "viewer").get("/explore/").content.decode()
    found = re.search(r'<script id="haystack-urls"[^>]*>(.*?)</script>', text)
    assert found and json.loads(found[1]) == {
        "api": "/api/",
        "ws": "/ws/",
        "login": "/log-in/",
        "home": "/",
        "explorer": "/explore/",
        "import": "/import/",
    }


def test_no_script_is_in_the_page_or_from_elsewhere(db: None) -> None:
    response = logged_in("vera", "viewer").get("/explore/")
    text = response.content.decode()
    assert "default-src 'self'" in response["Content-Security-Policy"]
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", text)
    assert len(scripts) == 6
    for attributes, content in scripts:
        if 'type="application/json"' not in attributes:
            assert 'src="/static/' in attributes and not content
    assert not re.search(r"\son[a-z]+=|style=", text)


def test_its_modules_load_at_once(db: None) -> None:
    text = logged_in("vera", "viewer").get("/explore/").content.decode()
    check_modules(text)


def test_it_is_light(db: None) -> None:
    """A page of a phone: its scripts and styles have at most 150 kB, compressed."""
    text = logged_in("vera", "viewer").get("/explore/").content.decode()
    assert 50_000 < weight_of(text) < 150_000


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("viewer", ""),
        ("operator", "write_points write_history"),
        (
            "admin",
            "write_points write_emergency write_history add_entity change_entity"
            " delete_entity empty_trash",
        ),
    ],
)
def test_controls_are_for_users_with_rights(db: None, role: str, rights: str) -> None:
    text = logged_in("otto", role).get("/explore/").content.decode()
    assert f'data-user="otto" data-rights="{rights}"' in text


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval"]
)
def test_no_text_becomes_html(word: str) -> None:
    """Records are written by others."""
    folder = Path(str(finders.find("haystack_app/live.js"))).parent
    files = [file for file in folder.rglob("*.js") if "vendor" not in file.parts]
    assert len(files) > 30
    for file in files:
        assert not re.search(rf"\b{word}\b", file.read_text()), file


def test_the_vendored_chart_has_its_licence() -> None:
    for name in ("uPlot.iife.min.js", "uPlot.min.css", "LICENSE"):
        assert finders.find(f"haystack_app/vendor/uplot/{name}"), name


def test_it_is_linked(admin_client: Client, db: None) -> None:
    storages["default"].load_entities([point("a~b")])
    assert 'href="/explore/"' in admin_client.get("/").content.decode()
    entity = Entity.objects.get()
    page = admin_client.get(f"/admin/haystack_app/entity/{entity.pk}/change/")
    assert 'href="/explore/?filter=id==@a~b&amp;id=a~b"' in page.content.decode()


def test_it_offers_files_for_spreadsheets(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    vera = logged_in("vera", "viewer")
    text = vera.get("/explore/").content.decode()
    assert '<a id="download">Download as CSV</a>' in text
    assert '<a id="workbook">Download as xlsx</a>' in text
    monkeypatch.setattr(workbooks, "is_installed", lambda: False)
    assert "workbook" not in vera.get("/explore/").content.decode()


def test_the_page_of_alarms(db: None) -> None:
    """What is on it depends on rights; the API refuses others in any case."""
    assert logged_in("nina", "").get("/alarms/").status_code == 403
    assert "/log-in/" in Client().get("/alarms/")["Location"]
    for name, role, may, rules in (
        ("vera", "viewer", "false", False),
        ("otto", "operator", "true", False),
        ("ada", "admin", "true", True),
    ):
        client = logged_in(name, role)
        response = client.get("/alarms/")
        text = response.content.decode()
        assert f'data-may-acknowledge="{may}"' in text
        assert ('id="rules"' in text) == rules
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert not re.search(r"\son[a-z]+=|style=", text)
        assert 'data-events="/api/alarms/events/"' in text
    memory = client.get("/alarms/memory/").content.decode()
    assert 'data-events="/api/memory/alarms/events/"' in memory
    assert client.get("/alarms/nosuch/").status_code == 404

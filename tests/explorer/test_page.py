"""Who gets the page of the explorer, and that it is all ours."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from haystack_app.models import Entity
from haystack_app.storage.handler import storages
from tests.api.conftest import logged_in
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
    }


def test_no_script_is_in_the_page_or_from_elsewhere(db: None) -> None:
    response = logged_in("vera", "viewer").get("/explore/")
    text = response.content.decode()
    assert "default-src 'self'" in response["Content-Security-Policy"]
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", text)
    assert len(scripts) == 3
    for attributes, content in scripts:
        if 'type="application/json"' not in attributes:
            assert 'src="/static/' in attributes and not content
    assert not re.search(r"\son[a-z]+=|style=", text)


def test_its_modules_load_at_once(db: None) -> None:
    text = logged_in("vera", "viewer").get("/explore/").content.decode()
    preloaded = set(re.findall(r'<link rel="modulepreload" href="([^"]+)"', text))
    script = Path(finders.find("haystack_app/explorer/main.js") or "")
    assert preloaded == {
        "/static/haystack_app/live.js",
        *(
            f"/static/haystack_app/explorer/{file.name}"
            for file in script.parent.glob("*.js")
        ),
    }


def test_it_is_light(db: None) -> None:
    """A page of a phone: its scripts and styles have at most 150 kB, compressed."""
    text = logged_in("vera", "viewer").get("/explore/").content.decode()
    names = set(re.findall(r'(?:href|src)="/static/([^"]+\.(?:js|css))"', text))
    assert len(names) > 20
    files = [Path(str(finders.find(name))).read_bytes() for name in names]
    assert sum(len(gzip.compress(file, 6)) for file in files) < 150_000


def test_controls_are_for_users_that_may_write(db: None) -> None:
    for name, role, may in (("vera", "viewer", "false"), ("otto", "operator", "true")):
        text = logged_in(name, role).get("/explore/").content.decode()
        assert f'data-user="{name}" data-may-write="{may}"' in text


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval"]
)
def test_no_text_becomes_html(word: str) -> None:
    """Records are written by others."""
    folder = Path(str(finders.find("haystack_app/explorer/main.js"))).parent
    for file in folder.glob("*.js"):
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


def test_it_offers_a_file_for_spreadsheets(db: None) -> None:
    text = logged_in("vera", "viewer").get("/explore/").content.decode()
    assert '<a id="download">Download as CSV</a>' in text
    script = Path(finders.find("haystack_app/explorer/urls.js") or "").read_text()
    assert 'download: "records.csv"' in script

"""Which language a page has, and that the API has none but English."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from django.conf import global_settings, settings
from django.test import Client
from django.utils import timezone, translation

from haystack_app.languages import offered
from haystack_app.models import Alarm, AlarmRule
from tests.api.conftest import logged_in
from tests.explorer.modules import weight_of

GERMAN = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}
SCRIPT = '<script src="/language/de.js" defer></script>'
API = (
    "/api/about",
    "/api/ops?format=json",
    "/api/read?filter=site",
    "/api/read?filter=site%20and",  # not a filter
    "/api/nosuch",
    "/api/entities/",
    "/api/entities/nosuch/",
    "/api/alarms/",
    "/api/alarm-rules/",
    "/api/dashboards/",
    "/api/jobs/",
    "/api/schema/",
    "/api/status/",
)


@pytest.fixture(autouse=True)
def default_language() -> Any:
    """The middleware leaves the language of the last request in the thread."""
    yield
    translation.deactivate()


def language_of(response: Any) -> str:
    found = re.search(r'<html lang="([^"]+)"', response.content.decode())
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9", "de"),
        ("fr,de;q=0.5", "de"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("de;q=0, en", "en"),
        ("", "en"),
    ],
)
def test_the_browser_asks(client: Client, db: None, header: str, language: str) -> None:
    response = client.get("/log-in/", headers={"Accept-Language": header})
    assert language_of(response) == response["Content-Language"] == language
    assert "Accept-Language" in response["Vary"]
    assert ("Anmelden" in response.content.decode()) == (language == "de")


def test_the_user_chooses(db: None) -> None:
    vera = logged_in("vera", "viewer")
    page = vera.get("/account/").content.decode()
    assert 'value="de" lang="de">Deutsch</button>' in page
    response = vera.post("/language/", {"language": "de", "next": "/account/?x"})
    assert response["Location"] == "/account/?x"
    cookie = response.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert cookie["max-age"] > 3_000_000 and cookie["httponly"]
    chosen = vera.get("/account/", headers={"Accept-Language": "en"})
    assert "Mein Konto" in chosen.content.decode()
    assert 'lang="de" aria-current="true">' in chosen.content.decode()
    vera.post("/language/", {"language": "en"})
    assert "My account" in vera.get("/account/", headers=GERMAN).content.decode()


def test_strangers_choose_where_they_log_in(client: Client, db: None) -> None:
    assert 'action="/language/"' in client.get("/log-in/").content.decode()
    client.post("/language/", {"language": "de"})
    assert language_of(client.get("/log-in/")) == "de"


def test_other_sites_are_not_the_next_page(client: Client, db: None) -> None:
    given = {"language": "de", "next": "https://example.org/"}
    assert client.post("/language/", given)["Location"] == "/"


def test_a_project_without_languages_offers_none(settings: Any) -> None:
    assert offered() == ["de", "en"]
    settings.LANGUAGES = global_settings.LANGUAGES
    assert offered() == []


def test_pages_load_texts_of_scripts_unless_they_are_english(db: None) -> None:
    vera = logged_in("vera", "viewer")
    for path in ("/", "/explore/", "/alarms/", "/dashboards/", "/account/"):
        assert "/language/" not in re.sub(
            'action="/language/"', "", vera.get(path).content.decode()
        )
        text = vera.get(path, headers=GERMAN).content.decode()
        assert text.count(SCRIPT) == 1
        assert text.index(SCRIPT) < text.index('type="module"')


def test_the_texts_of_scripts(client: Client, db: None) -> None:
    """Only those of the app; cached, and for others than users, too."""
    response = client.get("/language/de.js")
    text = response.content.decode()
    assert response["Content-Type"].startswith("text/javascript")
    assert response["Cache-Control"] == "public, max-age=60"
    begin = text.index("{", text.index("const newcatalog"))
    catalog, _end = json.JSONDecoder().raw_decode(text[begin:])
    assert catalog["Override"] == "Übersteuern"
    assert catalog["%(count)s day"] == ["%(count)s Tag", "%(count)s Tage"]
    assert "Choose a Date" not in catalog  # of Django's admin
    assert len(gzip.compress(text.encode(), 6)) < 12_000
    again = client.get("/language/de.js", headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304
    assert client.get("/language/fr.js").status_code == 404
    assert b'"Override"' not in client.get("/language/en.js").content


def test_the_german_explorer_is_light(db: None) -> None:
    """With the texts of its scripts."""
    vera = logged_in("vera", "viewer")
    page = vera.get("/explore/", headers=GERMAN).content.decode()
    texts = vera.get("/language/de.js").content
    assert weight_of(page) + len(gzip.compress(texts, 6)) < 150_000


@pytest.mark.parametrize("default", ["en", "de"])
def test_the_api_is_english(db: None, settings: Any, default: str) -> None:
    """The header, the cookie, the page before and the default change nothing."""
    settings.LANGUAGE_CODE = default
    rule = AlarmRule.objects.create(name="hot", filter="point", severity=4, value="1")
    ada = logged_in("ada", "admin")
    plain = [ada.get(path) for path in API]
    ada.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    assert language_of(ada.get("/account/")) == "de"
    for path, expected in zip(API, plain, strict=True):
        response = ada.get(path, headers=GERMAN)
        assert translation.get_language() == "en"
        assert response.status_code == expected.status_code
        assert "Accept-Language" not in response.get("Vary", "")
        assert "Content-Language" not in response
        if path not in ("/api/about", "/api/status/"):  # these have the time
            assert body_of(response) == body_of(expected), path
    refused = ada.post(
        "/api/alarm-rules/", {"name": ""}, "application/json", headers=GERMAN
    )
    assert refused.status_code == 400
    assert "may not be blank" in refused.content.decode()
    changed = ada.patch(
        f"/api/alarm-rules/{rule.pk}/",
        {"value": "x y"},
        "application/json",
        headers=GERMAN,
    )
    assert "not a Haystack value" in changed.content.decode()


def body_of(response: Any) -> bytes:
    body = b"".join(response) if response.streaming else response.content
    return re.sub(rb'"?(mod|now|ts)"?: ?"?[^,}]*', b"", body)


def test_severities_are_english_in_the_api(db: None) -> None:
    rule = AlarmRule.objects.create(name="hot", filter="point", severity=4, value="1")
    now = timezone.now()
    Alarm.objects.create(
        rule=rule, point_id="a", dis="A", raised_at=now, recorded_at=now
    )
    ada = logged_in("ada", "admin")
    ada.get("/alarms/", headers=GERMAN)
    [alarm] = ada.get("/api/alarms/", headers=GERMAN).json()["results"]
    assert (alarm["severityName"], alarm["state"]) == ("critical", "raised")


def test_static_files_have_no_language(client: Client, db: None) -> None:
    response = client.get("/static/haystack_app/front.css", headers=GERMAN)
    assert response.status_code == 200
    assert "Content-Language" not in response
    assert "Accept-Language" not in response.get("Vary", "")

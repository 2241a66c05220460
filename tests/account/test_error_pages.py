"""Pages of what was refused or not found: of the app, and in the user's language."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from tests.api.conftest import PASSWORD, logged_in

GERMAN = {"Accept-Language": "de"}


@pytest.fixture
def guest(db: None) -> Client:
    return Client(enforce_csrf_checks=True)


def page(answer: Any, status: int) -> str:
    assert answer.status_code == status
    assert "no-store" in answer["Cache-Control"]
    text: str = answer.content.decode()
    assert reverse("haystack:front") in text
    return text


def test_a_page_that_is_not_there(guest: Client) -> None:
    assert "There is no page at this address." in page(guest.get("/nosuch/"), 404)
    text = page(guest.get("/nosuch/", headers=GERMAN), 404)
    assert "Unter dieser Adresse gibt es keine Seite." in text
    assert 'lang="de"' in text


def test_a_page_that_is_not_allowed(db: None) -> None:
    nobody = logged_in("nora", "viewer")
    text = page(nobody.get("/status/"), 403)
    assert "Your user does not have the right to open this page." in text
    assert "nora" in text
    german = page(nobody.get("/status/", headers=GERMAN), 403)
    assert "Ihr Benutzer hat nicht das Recht" in german


def test_a_form_of_another_login(guest: Client) -> None:
    get_user_model().objects.create_user("ann", password=PASSWORD)
    sent = {"username": "ann", "password": PASSWORD}
    assert "Nothing was changed" in page(guest.post("/log-in/", sent), 403)
    german = page(guest.post("/log-in/", sent, headers=GERMAN), 403)
    assert "Das Formular ist abgelaufen" in german
    assert PASSWORD not in german


def test_too_many_attempts(guest: Client, settings: Any) -> None:
    limits = {"LOG_IN_ADDRESS": 1, "LOG_IN_ADDRESS_USER": 1, "LOG_IN_USER": 1}
    settings.HAYSTACK = {
        **settings.HAYSTACK,
        "THROTTLE": {"USER": 100, "ADDRESS": 100, "LOG_IN_BROWSER": 1, **limits},
    }
    anyone = Client(headers=GERMAN)
    texts = [
        anyone.post("/log-in/", {"username": "ann", "password": "x"}).content.decode()
        for _ in range(2)
    ]
    assert "Zu viele Versuche" not in texts[0]
    assert "Zu viele Versuche. Bitte in " in texts[1]

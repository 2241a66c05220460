"""Primary keys in addresses and in parameters."""

from __future__ import annotations

import pytest
from django.test import Client

from haystack_app.api.pagination import LARGEST_KEY, key_of
from tests.api.conftest import logged_in

LONG = "0" * 5_000 + "1"
"""More digits than Python makes a number of."""


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1", 1),
        ("01", 1),
        (str(LARGEST_KEY), LARGEST_KEY),
        (str(LARGEST_KEY + 1), None),
        ("0" * 19 + "75", None),
        (LONG, None),
        ("-1", None),
        ("1.0", None),
        ("¹", None),
        ("", None),
    ],
)
def test_key_of(text: str, key: int | None) -> None:
    assert key_of(text) == key


@pytest.mark.parametrize("name", ["imports", "alarms", "alarm-rules", "jobs", "users"])
def test_long_keys_are_unknown(db: None, name: str) -> None:
    client: Client = logged_in("boss", is_staff=True, is_superuser=True)
    assert client.get(f"/api/{name}/").status_code == 200
    assert client.get(f"/api/{name}/{LONG}/").status_code == 404


@pytest.mark.parametrize("name", ["cursor", "rule", "severity"])
def test_long_parameters_are_refused(db: None, name: str) -> None:
    client: Client = logged_in("boss", is_staff=True, is_superuser=True)
    answer = client.get("/api/alarms/", {name: LONG})
    assert answer.status_code == 400
    assert f"{name} must be a whole number" in answer.json()["dis"]

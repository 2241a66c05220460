"""Pages of other origins that call the API, as the deployment allows it."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

ROOT = Path(__file__).resolve().parents[2]
OURS = "https://charts.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,content-type,if-match",
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def allowed(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The settings of a deployment that names ``OURS``."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", OURS)
    made = runpy.run_path(str(ROOT / "project" / "settings.py"))
    for name, value in made.items():
        if name.startswith("CORS_") or name == "MIDDLEWARE":
            setattr(settings, name, value)


def preflight(path: str, origin: str = OURS) -> Any:
    return Client().options(path, headers={"Origin": origin, **PREFLIGHT})


def words(header: str) -> set[str]:
    return {word.strip().lower() for word in header.split(",")}


def test_no_origin_by_default() -> None:
    for answer in (
        Client().get("/api/about", headers={"Origin": OURS}),
        preflight("/api/entities/"),
    ):
        assert not [name for name in answer.headers if name.startswith("Access-")]


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("path", ["/api/entities/a/", "/api/read", "/ui"])
def test_what_may_be_sent(path: str) -> None:
    answer = preflight(path)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == OURS
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert {"get", "post", "patch", "delete"} <= words(
        answer["Access-Control-Allow-Methods"]
    )
    assert {
        "accept",
        "authorization",
        "content-encoding",
        "content-type",
        "if-match",
        "x-csrftoken",
    } <= words(answer["Access-Control-Allow-Headers"])


@pytest.mark.usefixtures("allowed")
def test_a_refusal_and_a_handshake_can_be_read() -> None:
    refused = Client().get("/api/about", headers={"Origin": OURS})
    hello = {"Origin": OURS, "Authorization": "HELLO username=YWxpY2U"}
    begun = Client().get("/ui", headers=hello)
    for answer in (refused, begun):
        assert answer.status_code == 401
        assert answer["Access-Control-Allow-Origin"] == OURS
        exposed = words(answer["Access-Control-Expose-Headers"])
        assert {"www-authenticate", "authentication-info", "retry-after"} <= exposed


@pytest.mark.usefixtures("allowed")
def test_what_other_origins_do_not_see() -> None:
    for answer in (
        preflight("/api/entities/", "https://elsewhere.example"),
        Client().get("/admin/login/", headers={"Origin": OURS}),
    ):
        assert "Access-Control-Allow-Origin" not in answer

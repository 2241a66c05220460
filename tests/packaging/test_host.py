"""Projects with the lines of docs/embedding.md: all of the app, below a prefix."""

from __future__ import annotations

import datetime as dt
import json
import re
import urllib.parse
import urllib.request
from contextlib import closing
from http.cookiejar import CookieJar
from typing import Any
from zoneinfo import ZoneInfo

import phable
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.explorer.conftest import ARGUMENTS, CHROMIUM
from tests.packaging.host import PASSWORD, PREFIX, Site

FACTS = """
import json, sys
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import checks

drivers = {"django_redis", "psycopg", "redis", "uvicorn"} & sys.modules.keys()
pages = [admin.site._registry.get(model) for model in (get_user_model(), Group)]
print(json.dumps({
    "checks": [str(message.id) for message in checks.run_checks()],
    "drivers": sorted(drivers),
    "login form": str(admin.site.login_form),
    "pages": [type(page).__name__ for page in pages],
    "admins": list(
        Group.objects.get(name="admin").permissions
        .filter(content_type__app_label="people")
        .values_list("codename", flat=True)
    ),
}))
"""


def write_cur(site: Site, value: float) -> None:
    status, text = site.post("/api/curWrite", f'ver:"3.0"\nid,val\n@air,{value}°C\n')
    assert (status, "err" in text.partition("\n")[0]) == (200, False), text


def facts(site: Site) -> dict[str, Any]:
    printed = site.server.host.manage("shell", "-c", FACTS)
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def test_what_is_the_projects_own_stays(badges: Site) -> None:
    assert facts(badges) == {
        "checks": ["haystack.W010"],  # PersonAdmin lets users make superusers
        "drivers": [],
        "login form": "None",
        "pages": ["PersonAdmin", "CrewAdmin"],
        "admins": ["add_person", "change_person", "delete_person", "view_person"],
    }


def test_a_project_without_pages_of_users(emails: Site) -> None:
    found = facts(emails)
    assert found["checks"] == []
    assert found["pages"] == ["NoneType", "GroupAdmin"]


def test_a_client_of_haystack(site: Site) -> None:
    zone = ZoneInfo("Europe/Berlin")
    ts = dt.datetime(2026, 3, 1, 12, tzinfo=zone)
    sample = {"ts": ts, "val": phable.Number(21.5, "°C")}
    url = f"{site.server.root}/api"
    with closing(phable.HaystackClient.open(url, site.username, PASSWORD)) as client:
        assert client.about()["whoami"] == site.username
        [row] = client.read_all("point and siteRef->site").rows
        client.his_write_by_id(phable.Ref("air"), [sample])
        history = client.his_read_by_id(phable.Ref("air"), ts.date())
    assert row["dis"] == "Air"
    assert list(history.rows) == [sample]


def test_a_push_over_the_websocket(site: Site) -> None:
    url = site.server.root.replace("http:", "ws:")
    with connect(f"{url}/ws/", additional_headers=site.login) as socket:
        grid = {
            "_kind": "grid",
            "meta": {"ver": "3.0", "watchDis": "test", "filter": "cur"},
            "cols": [{"name": "empty"}],
            "rows": [],
        }
        socket.send(json.dumps({"op": "sub", "grid": grid}))
        answer = json.loads(socket.recv(30))
        assert [row["id"]["val"] for row in answer["grid"]["rows"]] == ["air"]
        write_cur(site, 19.25)
        push = json.loads(socket.recv(30))
    assert push["op"] == "push"
    assert push["grid"]["rows"][0]["curVal"]["val"] == 19.25


@pytest.mark.parametrize("path", ["/ws/", "/other/", f"{PREFIX}/api/about"])
def test_websockets_at_other_paths(badges: Site, path: str) -> None:
    url = f"ws://127.0.0.1:{badges.server.port}{path}"
    with pytest.raises(InvalidStatus, match="403"):
        connect(url, additional_headers=badges.login)
    assert badges.get("/ws/")[0] == 426


def test_the_documentation_of_the_api(site: Site) -> None:
    status, text = site.get("/api/docs/")
    assert status == 200
    [script] = re.findall(r'src="(/static/[^"]+bundle[^"]+)"', text)
    with urllib.request.urlopen(f"http://127.0.0.1:{site.server.port}{script}") as file:
        assert file.status == 200
    status, text = site.get("/api/schema/", Accept="application/json")
    schema = json.loads(text)
    assert schema["info"]["title"] == "Haystack server"
    assert f"{PREFIX}/api/entities/" in schema["paths"]
    assert all(path.startswith(f"{PREFIX}/api/") for path in schema["paths"])


def test_users(site: Site) -> None:
    """Also where ``REST_FRAMEWORK`` has a format for dates, and pages of one row."""
    name = "eve@hall.example"
    status, text = site.post("/api/users/", {"username": name, "password": "x" * 5})
    assert (status, "password: " in text) == (400, True)
    new = {"username": name, "password": PASSWORD, "groups": ["viewer"]}
    status, text = site.post("/api/users/", new)
    assert status == 201, text
    user = json.loads(text)
    assert (user["username"], user["groups"]) == (name, ["viewer"])
    assert dt.datetime.fromisoformat(user["date_joined"]).tzinfo is not None
    found = json.loads(site.get("/api/users/")[1])
    assert [one["username"] for one in found["results"]] == [site.username, name]


def test_settings_of_the_projects_own_api(emails: Site) -> None:
    notes = f"http://127.0.0.1:{emails.server.port}/notes/"
    with urllib.request.urlopen(notes) as answer:
        assert answer.read() == b"v7 None"
    status, text = emails.get("/api/nonsense")
    assert status == 404
    assert json.loads(text)["status"] == 404
    assert emails.post("/api/entities/", {"text": "x" * 100_000})[0] == 201


def test_pages_of_the_admin(badges: Site) -> None:
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(CookieJar())
    )
    root = f"http://127.0.0.1:{badges.server.port}/admin/"
    login = browser.open(root)
    page = login.read().decode()
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    form = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": token}
    data = urllib.parse.urlencode(form).encode()
    assert "/people/person/" in browser.open(login.url, data).read().decode()
    for path in ("entity/", "entity/air/change/", "groupscope/add/", "token/add/"):
        text = browser.open(f"{root}haystack_app/{path}").read().decode()
        assert "Traceback" not in text
    text = browser.open(f"{root}haystack_app/entity/air/change/").read().decode()
    assert f'href="{PREFIX}/explore/?filter=id==@air' in text


def test_health(badges: Site) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{badges.server.port}/readyz") as it:
        assert json.loads(it.read())["status"] == "ok"


def test_the_explorer_in_a_browser(site: Site) -> None:
    """From its address through the login to a value that moves."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM} (Debian's package chromium)")
    playwright: Any = pytest.importorskip("playwright.sync_api")
    write_cur(site, 20.5)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(30_000)
        playwright.expect.set_options(timeout=30_000)
        page.goto(f"{site.server.root}/explore/?filter=cur")
        assert urllib.parse.urlsplit(page.url).path == f"{PREFIX}/log-in/"
        page.fill("#id_username", site.username)
        page.fill("#id_password", PASSWORD)
        page.click("button[type=submit]")
        playwright.expect(page.locator("#connection")).to_have_text("Live")
        value = page.locator('tr[data-id="air"] .value')
        playwright.expect(value).to_have_text("20.5°C")
        write_cur(site, 22.75)
        playwright.expect(value).to_have_text("22.75°C")
        page.click("a.brand")
        assert urllib.parse.urlsplit(page.url).path == f"{PREFIX}/"
        assert f"{PREFIX}/api/read?filter=" in page.content()
        browser.close()

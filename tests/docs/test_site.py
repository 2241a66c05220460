"""The documentation as a site: built without a warning, closed, and served."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import logged_in
from tests.api.servers import Servers, url_of
from tests.explorer.conftest import browser
from tests.explorer.test_accessibility import axe, violations
from tools import build_docs

__all__ = ["axe", "browser"]

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

PAGES = ["", "api.html", "decisions/README.html", "search.html?q=override"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sources; a link that leads nowhere is an error."""
    folder = tmp_path_factory.mktemp("site") / "built"
    build_docs.build(folder)
    return folder


@pytest.fixture
def served(site: Path, settings: Any) -> Client:
    settings.HAYSTACK = {**settings.HAYSTACK, "DOCUMENTATION": str(site)}
    return Client()


def test_every_page_is_in_the_navigation(site: Path) -> None:
    shown = (site / "index.html").read_text()
    sidebar = shown.partition('class="sidebar-tree"')[2]
    linked = set(re.findall(r'href="([^"#]+\.html)"', sidebar))
    made = {name.replace(".md", ".html") for name in build_docs.pages().values()}
    made = {name for name in made if name.endswith(".html")}
    assert len(made) > 90
    assert made - {"index.html"} == linked
    for name in made:
        assert (site / name).is_file()


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    assert list(build_docs.leftovers(site)) == []
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.search(r"url\([\"']?(?:https?:)?//|@import", styles)
    page = '<script src="https://cdn.example/x.js"></script><p style="a" onclick="b">'
    (site / "bad.html").write_text(page)
    try:
        assert len(list(build_docs.leftovers(site))) == 3
    finally:
        (site / "bad.html").unlink()


def test_pages_beside_the_folder_are_linked(site: Path) -> None:
    text = (site / "architecture.html").read_text()
    assert 'href="contributing.html"' in text
    assert 'href="decisions/0001-imports-go-one-way.html"' in text
    text = (site / "contributing.html").read_text()
    assert 'href="architecture.html"' in text
    assert 'href="tests/settings.py"' not in text
    assert "tests/settings.py" in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[gone](gone.md)", "gone.md"),
        ("[gone](#gone)", "target not found: 'gone'"),
        ("![gone](no.png)", "no"),
    ],
)
def test_a_link_that_leads_nowhere_stops_the_build(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    text: str,
    problem: str,
) -> None:
    folder = tmp_path / "docs" / "decisions"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# Decisions\n")
    configuration = (build_docs.ROOT / "docs" / "conf.py").read_text()
    (folder.parent / "conf.py").write_text(configuration)
    index = folder.parent / "index.md"
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.setattr(build_docs, "ROOT", tmp_path)
    monkeypatch.setattr(build_docs, "BESIDE", {})
    index.write_text(f"# First\n\n{text}\n\n## All\n\n- [Why](decisions/README.md)\n")
    with pytest.raises(SystemExit) as stopped:
        build_docs.build(tmp_path / "site")
    assert problem in f"{stopped.value} {capfd.readouterr().err}"
    assert not (tmp_path / "site").exists()


def test_it_is_public_and_has_a_policy_of_its_own(served: Client) -> None:
    for path in ("/docs/", "/docs/index.html", "/docs/decisions/README.html"):
        answer = served.get(path)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/html"
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in answer["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == "'self'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "max-age=60, public"
        assert "Set-Cookie" not in answer.headers
    assert "script-src" not in served.get("/log-in/")["Content-Security-Policy"]


def test_conditions_and_codings(served: Client) -> None:
    answer = served.get("/docs/api.html")
    same = {"If-Modified-Since": answer["Last-Modified"]}
    assert served.get("/docs/api.html", headers=same).status_code == 304
    coded = served.get("/docs/api.html", headers={"Accept-Encoding": "gzip"})
    assert coded["Content-Encoding"] == "gzip"
    assert served.head("/docs/api.html").status_code == 200
    assert served.post("/docs/api.html").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "nosuch.html",
        "decisions",
        "../views.py",
        "%2e%2e/views.py",
        "..%2f..%2fviews.py",
        "%2fetc/passwd",
        "a%00b",
    ],
)
def test_other_paths_are_not_found(served: Client, path: str) -> None:
    answer = served.get(f"/docs/{path}")
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()
    assert answer["Cache-Control"] == "no-cache, no-store"


def test_it_says_how_to_build_what_is_not_built(
    tmp_path: Path, settings: Any, db: None
) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "DOCUMENTATION": str(tmp_path)}
    for client in (Client(), logged_in("alice")):
        answer = client.get("/docs/")
        assert answer.status_code == 404
        assert "make docs" in answer.content.decode()
        assert 'href="/docs/"' not in client.get("/").content.decode()


def test_the_front_page_links_to_it(served: Client, db: None) -> None:
    for client in (served, logged_in("alice")):
        text = client.get("/").content.decode()
        assert 'href="/docs/"' in text
        assert 'href="/api/docs/"' in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(
    site: Path, servers: Servers, browser: Any, db: None, axe: str, scheme: str
) -> None:
    """Pages run under their policy, the search finds, and axe-core finds nothing."""
    root = servers.running(url_of("default"), HAYSTACK_DOCUMENTATION=str(site)).root
    said: list[str] = []
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{root}/docs/")
    page.get_by_role("textbox", name="Search").fill("roll-up")
    page.keyboard.press("Enter")
    expect(page.locator("#search-results")).to_contain_text("pages matching")
    page.locator("#search-results a").first.click()
    expect(page.locator("article h1").first).to_be_visible()
    context.close()
    assert said == []
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    found = []
    for path in PAGES:
        page.goto(f"{root}/docs/{path}")
        if "search" in path:
            expect(page.locator("#search-results li").first).to_be_visible()
        found += violations(page, axe, path)
    context.close()
    assert found == []

"""No page has a text that is not translated: all of them, but data, are marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haystack_app.defs.loader import shipped
from haystack_app.kinds import Number, Ref
from haystack_app.models import AlarmRule, Connector
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.dashboards.making import dashboard
from tests.explorer.conftest import window
from tests.explorer.test_accessibility import TILES, raise_alarms
from tests.explorer.test_import import TRENDS, written
from tests.imports.conftest import run_jobs
from tests.live.processes import Restartable
from tests.storage.building import at, numbers
from tests.translations.marking import SEPARATOR, unmarked

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

TEXTS = """
    () => {
      const skipped = `script, style, code, pre, noscript, [lang]:not(html),
        #detail-tags, #detail-markers, #user-tools, #bad-rows,
        .hs-bad, .calendarbox, .clockbox`;
      const found = [document.title];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node; (node = walker.nextNode()); )
        if (!node.parentElement.closest(skipped)) found.push(node.textContent);
      const names = ["aria-label", "aria-valuetext", "title", "placeholder", "alt"];
      for (const element of document.body.querySelectorAll("*"))
        if (!element.closest(skipped))
          for (const name of names)
            if (element.hasAttribute(name)) found.push(element.getAttribute(name));
      return found;
    }
"""
"""All texts, also hidden ones, of a page; code and reasons of the API are data."""

EXPLORER = (
    "",
    "&id=fan",
    "&id=air&range=2024-03-01..2024-03-02",
    "&points=air,fan&range=2024-03-01..2024-03-02&compare=week",
    "&list=overrides",
    "&list=writes",
    "&list=trash",
    "&list=add&id=ahu",
    "&columns=siteRef,curVal&sort=-curVal&only=dis:a",
)
DASHBOARD = ("?range=2024-03-01..2024-03-02", "?edit", "?wall=1")
PLAIN = ("/", "/account/", "/status/", "/dashboards/", "/docs/nosuch/", "/nosuch/")
ADDED = (
    *("alarmrule", "webhook", "token", "dashboard", "connector", "jobschedule"),
    "historypolicy",
)
LISTED = (*ADDED, "entity", "job", "watch", "mqttunknowntopic", "webhookdelivery")
ADMIN = (
    *(f"{name}/" for name in LISTED),
    *(f"{name}/add/" for name in ADDED),
    *("entity/fan/change/", "entity/fan/trash/", "entity/odd/change/"),
    *("connector/{connector}/change/", "alarmrule/{rule}/dry-run/"),
)
NAMES = """
    Hall AHU Air Fan img src onerror alert Plant chart table number ann alice joe writer
    admin operator viewer desk example org tmp haystack tests default fan New York last
    var private
    API CSV JSON PNG URL UTC xlsx Haystack MQTT broker Django Python server SQLite
    Database OrmAdapter InMemoryAdapter ok stale down fault true false True False
    apply policies back up delete expired imports uploads empty trash app backups
    nightly jobs retention not enabled and ahu write
    HTTP Basic PLAINTEXT SCRAM spRef trends csv broken Timestamp utf
    Bool Coord Date DateTime Dict Grid List Marker Number Other Ref Str Symbol Time Uri
    add
"""
"""Names of entities, users, products, formats, kinds and tasks."""
OF_DJANGO = """
    Choose all selected by selecting them and then select the arrow button Remove click
    to clear Search Ausgewählte Durch Eingabe in diesem Feld lässt sich die Liste der
    verfügbaren eingrenzen tippen um ausgewählten einzuschränken Verfügbare
"""
"""What Django's own pages of the admin have without, or beside, a message."""


def data_words() -> set[str]:
    """What may be on pages without a mark: names, and the library of defs."""
    texts = [NAMES, OF_DJANGO]
    for one in shipped():
        texts += [str(one["def"]), str(one.get("doc", ""))]
    words = {word for text in texts for word in re.findall(r"[^\W\d_]{2,}", text)}
    return words | {"hisEnd", "curStatus", "writeVal", "writeLevel"}


DATA = data_words()


@pytest.fixture
def shown(marked: Restartable) -> Restartable:
    """A server with something of everything that pages show."""
    user("ann", "admin", is_staff=True, is_superuser=True)
    store = storages["default"]
    store.update_entities([{"id": Ref("fan"), "maxVal": Number(90)}], force=True)
    store.his_write("air", numbers(9, at("2024-03-01 12:00")))
    store.point_write("fan", 8, Number(1), "joe")
    dashboard("plant", None, everyone=True, content=TILES)
    store.trash_entities([{"id": Ref("odd")}], force=True)
    raise_alarms()
    Connector.objects.create(name="plant", kind="haystack")
    return marked


class Found:
    """Texts that are not marked, by where they are."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.seen = 0

    def add(self, where: str, page: Any) -> None:
        texts = page.evaluate(TEXTS)
        self.seen += len(texts)
        if words := unmarked(SEPARATOR.join(texts), DATA):
            self.texts[where] = words

    def check(self) -> None:
        assert self.seen > 100
        assert self.texts == {}


@pytest.fixture
def found() -> Found:
    return Found()


@pytest.fixture
def page(browser: Any, shown: Restartable) -> Iterator[Any]:
    with window(browser, shown, "ann", locale="de-DE") as opened:
        yield opened


def open_details(page: Any) -> None:
    page.evaluate(
        "document.querySelectorAll('details').forEach(one => one.open = true)"
    )
    page.wait_for_load_state("networkidle")


def test_pages_without_scripts(
    browser: Any, page: Any, shown: Restartable, found: Found
) -> None:
    for path in PLAIN:
        page.goto(shown.server.root + path)
        found.add(path, page)
    context = browser.new_context(locale="de-DE")
    stranger = context.new_page()
    for path in ("/", "/log-in/", "/set-password/x/y/"):
        stranger.goto(shown.server.root + path)
        found.add(f"{path}, logged out", stranger)
    context.close()
    found.check()


def test_the_explorer(page: Any, shown: Restartable, found: Found) -> None:
    for rest in EXPLORER:
        page.goto(f"{shown.server.root}/explore/?filter=point{rest}")
        expect(page.locator("#connection")).to_have_attribute("data-state", "open")
        expect(page.locator("#rows tr").first).to_be_attached()
        open_details(page)
        if "list=add" in rest:
            expect(page.locator("#add-form details")).to_be_attached()
        elif "&id=" in rest:
            walk_entity(page, rest, found)
        open_details(page)
        found.add(rest, page)
    found.check()


def walk_entity(page: Any, where: str, found: Found) -> None:
    """Edit, remove, move and copy an entity, up to the last question."""
    expect(page.locator("#tags tr").first).to_be_attached()
    page.locator("#edit-tags").click()
    page.locator("#remove").click()
    expect(page.locator("#removal p")).to_be_attached()
    found.add(f"{where}, removal", page)
    page.locator("#move").click()
    found.add(f"{where}, move", page)
    page.locator("#copy").click()
    page.locator("#tree-form .button").click()
    expect(page.locator("#tree-result li").first).to_be_attached()


def test_filters(page: Any, shown: Restartable, found: Found) -> None:
    for text in ("air", "point andd", "nosuch words", "siteRef=="):
        page.goto(f"{shown.server.root}/explore/?filter={text}")
        expect(page.locator("#connection")).to_have_attribute("data-state", "open")
        expect(page.locator("#reading, #count").first).to_be_attached()
        page.wait_for_timeout(500)
        reason = "document.querySelectorAll('#problem').forEach(one => one.remove())"
        page.evaluate(reason)  # of the parser, which is the API's
        found.add(text, page)
    found.check()


def test_dashboards(page: Any, shown: Restartable, found: Found) -> None:
    for rest in DASHBOARD:
        page.goto(f"{shown.server.root}/dashboards/plant/{rest}")
        expect(page.locator("#connection")).to_have_attribute("data-state", "open")
        expect(page.locator(".tile tbody tr").first).to_be_attached()
        open_details(page)
        found.add(rest, page)
        if "edit" in rest:
            page.locator("#sections .tools.edit button").first.click()
            page.locator("[data-button='0.0 edit']").click()
            expect(page.locator("dialog")).to_be_visible()
            found.add(f"{rest}, tile", page)
    found.check()


def test_alarms(page: Any, shown: Restartable, found: Found) -> None:
    page.goto(f"{shown.server.root}/alarms/?state=all")
    page.locator("#rules summary").click()
    expect(page.locator("#rule-rows tr")).to_have_count(4)
    expect(page.locator("#alarms tr").first).to_be_attached()
    page.locator("#rule-rows button").last.click()
    page.locator("#rule-name").fill("other")
    page.locator("#rule-filter").fill("point and his")
    page.locator("#rule-value").fill("60°F")
    page.locator("#rule-try").click()
    expect(page.locator("#dry-run p").first).to_be_attached()
    found.add("list", page)
    page.locator("#alarms button").first.click()
    expect(page.locator("#acknowledge")).to_be_visible()
    found.add("dialog", page)
    found.check()


def test_imports(
    page: Any, shown: Restartable, found: Found, settings: Any, tmp_path: Path
) -> None:
    """Reasons and remedies of invalid rows are the API's."""
    folder = str(Path(shown.server.environ["VAR_DIR"]) / "imports")
    settings.HAYSTACK = {**settings.HAYSTACK, "IMPORTS_DIR": folder}
    page.goto(f"{shown.server.root}/import/")
    found.add("start", page)
    page.locator("#file").set_input_files(written(tmp_path, TRENDS))
    expect(page.locator("#bad-rows tr")).to_have_count(2)
    open_details(page)
    found.add("file", page)
    page.locator("#skip-bad").check()
    page.locator("#start").click()
    expect(page.locator("#progress-text")).not_to_be_empty()
    found.add("waiting", page)
    run_jobs()
    page.locator("#result button").click()
    expect(page.locator("#progress-text")).not_to_be_empty()
    run_jobs()
    expect(page.locator("#result .done")).to_be_attached()
    found.add("undone", page)
    page.goto(f"{shown.server.root}/import/")
    expect(page.locator("#recent-files li")).to_have_count(1)
    found.add("files", page)
    found.check()


def test_the_admin(page: Any, shown: Restartable, found: Found) -> None:
    ids = {
        "connector": Connector.objects.get().pk,
        "rule": AlarmRule.objects.first().pk,
    }
    for path in ADMIN:
        page.goto(f"{shown.server.root}/admin/haystack_app/{path.format(**ids)}")
        open_details(page)
        found.add(path, page)
    found.check()

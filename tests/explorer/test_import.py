"""The page that imports files, in a browser: from a file to samples, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import FileImport, Job
from haystack_app.storage.handler import storages
from tests.api.conftest import logged_in, user
from tests.explorer.conftest import HOSTILE, window
from tests.explorer.modules import check_modules
from tests.explorer.test_accessibility import AXE, violations
from tests.imports.conftest import run_jobs
from tests.live.processes import Restartable
from tests.storage.building import at, entity, point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

TRENDS = """Timestamp,Air (°F),Fan
2024-03-01 08:00,70.5,10
2024-03-01 08:15,71,broken
2024-03-01 08:30,71.5,12
2024-03-01 08:45,x,13
"""
WIDTHS = (1280, 390)


@pytest.fixture
def importing(server: Restartable, settings: Any) -> Restartable:
    """A server whose folder of files this process knows, too, and points of it."""
    folder = str(Path(server.server.environ["VAR_DIR"]) / "imports")
    settings.HAYSTACK = {**settings.HAYSTACK, "IMPORTS_DIR": folder}
    storages["default"].load_entities(
        [
            entity("hall", site=MARKER, dis="Hall"),
            *(
                point(id, dis=dis, unit="°F", siteRef=Ref("hall"))
                for id, dis in (("air", "Air"), ("fan", "Fan"), ("odd", HOSTILE))
            ),
        ]
    )
    return server


def written(tmp_path: Path, text: str, name: str = "trends.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def opened(page: Any, server: Restartable, file: Path) -> None:
    page.goto(f"{server.server.root}/import/")
    page.locator("#file").set_input_files(file)
    expect(page.locator("#file-name")).to_have_text(file.name)


def values(id: str) -> list[Any]:
    found = (row["val"] for row in storages["default"].his_read(id))
    return [one.val if isinstance(one, Number) else one for one in found]


@pytest.mark.parametrize("width", WIDTHS)
def test_two_bad_rows(
    browser: Any, importing: Restartable, tmp_path: Path, width: int
) -> None:
    """From the front page to the chart: four clicks, and one for the undo."""
    store = storages["default"]
    size = {"width": width, "height": 900}
    with window(browser, importing, "alice", viewport=size) as page:
        page.goto(f"{importing.server.root}/")
        page.get_by_role("link", name="Import", exact=True).click()
        with page.expect_file_chooser() as chooser:
            page.get_by_text("Choose a file").click()
        chooser.value.set_files(written(tmp_path, TRENDS))
        expect(page.locator("#summary")).to_contain_text("4 samples of 2 points")
        rows = page.locator("#bad-rows tr")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("broken")
        expect(rows.first).to_contain_text("“Words for no value”")
        expect(page.locator("#start")).to_be_disabled()
        page.locator("#skip-bad").check()
        page.locator("#start").click()
        expect(page.locator("#progress-text")).to_contain_text("Waiting")
        page.reload()  # it is found again
        expect(page.locator("#progress-text")).to_contain_text("Waiting")
        run_jobs()
        expect(page.locator("#result")).to_contain_text(
            "Imported 4 samples of 2 points, 2 invalid rows left out."
        )
        assert values("air") == [70.5, 71.5]
        link = page.get_by_role("link", name="Show the chart").get_attribute("href")
        assert "points=air%2Cfan" in link
        page.get_by_role("button", name="Undo the import").click()
        expect(page.locator("#progress-text")).to_contain_text("Waiting")
        run_jobs()
        expect(page.locator("#result")).to_contain_text("Undone: 4 samples as before.")
        assert values("air") == []
        assert store.sample_changes()[0].origin.user == "alice"


def test_with_the_keyboard(
    browser: Any, importing: Restartable, tmp_path: Path
) -> None:
    """A column is mapped, another left out, and the dates are explained."""
    text = f"Zeit;Zuluft;{HOSTILE}\n13.04.2024 08:00;20,5;{HOSTILE}\n"
    with window(browser, importing, "alice") as page:
        opened(page, importing, written(tmp_path, text, "zuluft.csv"))
        expect(page.locator("#problem")).to_contain_text("column is not a point yet")
        box = page.get_by_label("Point of Zuluft")
        box.focus()
        page.keyboard.type("air")
        expect(page.locator("#found-points option").first).to_have_attribute(
            "value", "air"
        )
        page.keyboard.press("Tab")
        expect(page.locator("#problem")).not_to_contain_text("not a point yet")
        expect(page.locator("#bad-rows tr")).to_have_count(1)
        page.get_by_label(f"Leave out {HOSTILE}").focus()
        page.keyboard.press("Space")
        expect(page.locator("#summary")).to_contain_text("1 sample")
        expect(page.get_by_label("Point of Zuluft")).to_have_value("air")
        page.locator("#start").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#run-name")).to_be_focused()
        expect(page.locator("#progress-text")).to_contain_text("Waiting")
        run_jobs()
        expect(page.locator("#result")).to_contain_text("Imported")


def test_a_question_is_answered_by_its_field(
    browser: Any, importing: Restartable, tmp_path: Path
) -> None:
    text = "Time,Air\n03/04/2024 08:00,70\n"
    with window(browser, importing, "alice") as page:
        opened(page, importing, written(tmp_path, text))
        page.locator("#problem").get_by_role(
            "button", name="Order of dates"
        ).first.click()
        select = page.get_by_label("Order of dates")
        expect(select).to_be_focused()
        select.select_option("dmy")
        expect(page.locator("#summary")).to_contain_text("3 Apr 2024")
        page.get_by_label("Save this one as").fill(HOSTILE)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#saved-note")).to_have_text(f"Saved as {HOSTILE}.")
        select.select_option("mdy")
        expect(page.locator("#summary")).to_contain_text("4 Mar 2024")
        page.get_by_label("Use a saved mapping").select_option(HOSTILE)
        expect(page.locator("#summary")).to_contain_text("3 Apr 2024")


def test_it_can_be_cancelled(
    browser: Any, importing: Restartable, tmp_path: Path
) -> None:
    with window(browser, importing, "alice") as page:
        opened(page, importing, written(tmp_path, "Time,Air\n2024-03-01 08:00,70\n"))
        page.locator("#start").click()
        page.locator("#cancel").click()
        expect(page.locator("#result")).to_contain_text("Cancelled")
        expect(page.locator("#start")).to_be_enabled()
    assert Job.objects.get().status == "cancelled"
    assert values("air") == []


def test_entities(browser: Any, importing: Restartable, tmp_path: Path) -> None:
    user("ann", "admin")
    text = f'id,dis,tags,siteRef\nx-1,"{HOSTILE}",equip ahu,Hall\n'
    with window(browser, importing, "ann") as page:
        opened(page, importing, written(tmp_path, text, "equips.csv"))
        expect(page.locator("#summary")).to_contain_text("1 entity: 1 new")
        page.locator("#start").click()
        expect(page.locator("#progress-text")).to_contain_text("Waiting")
        run_jobs()
        expect(page.locator("#result")).to_contain_text("1 new")
    assert storages["default"].existing("x-1")["dis"] == HOSTILE


def test_hostile_names(browser: Any, importing: Restartable, tmp_path: Path) -> None:
    """Files, sheets, headers, cells, names of points: all of them are texts."""
    name = "<img src=x onerror=alert(1)>.csv"
    text = f"Time,{HOSTILE},Air\n2024-03-01 08:00,1,{HOSTILE}\n"
    with window(browser, importing, "alice") as page:
        opened(page, importing, written(tmp_path, text, name))
        expect(page.locator("#bad-rows tr")).to_have_count(1)
        expect(page.locator("#column-tables")).to_contain_text(HOSTILE)
        page.locator("#column-tables summary").click()
        assert page.locator("main img").count() == 0
        page.goto(f"{importing.server.root}/import/")
        expect(page.locator("#recent-files")).to_contain_text(name)
        assert page.locator("main img").count() == 0


def test_it_is_deleted(browser: Any, importing: Restartable, tmp_path: Path) -> None:
    with window(browser, importing, "alice") as page:
        opened(page, importing, written(tmp_path, TRENDS))
        page.get_by_role("button", name="Delete the file").click()
        expect(page.locator("#drop")).to_be_visible()
        expect(page.locator("#recent")).to_be_hidden()
    assert not FileImport.objects.exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation(
    browser: Any, importing: Restartable, tmp_path: Path, scheme: str
) -> None:
    """axe-core finds nothing, at each step."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make setup with npm")
    axe = AXE.read_text()
    storages["default"].his_write("air", [(at("2024-03-01 08:00"), Number(1, "°F"))])
    found = []
    options = {"color_scheme": scheme, "bypass_csp": True}
    for width in WIDTHS:
        size = {"width": width, "height": 900}
        with window(browser, importing, "alice", viewport=size, **options) as page:
            page.goto(f"{importing.server.root}/import/")
            found += violations(page, axe, f"{width} choose")
            text = TRENDS.replace("Fan", "Fan,Remark").replace(",10", ",10,x")
            opened(page, importing, written(tmp_path, text))
            expect(page.locator("#problem")).not_to_be_empty()
            page.evaluate(
                "document.querySelectorAll('details').forEach(d => d.open = 1)"
            )
            found += violations(page, axe, f"{width} problem")
            opened(page, importing, written(tmp_path, TRENDS))
            page.locator("#skip-bad").check()
            expect(page.locator("#start")).to_be_enabled()
            found += violations(page, axe, f"{width} checked")
            page.locator("#start").click()
            expect(page.locator("#progress-text")).to_contain_text("Waiting")
            found += violations(page, axe, f"{width} running")
            run_jobs()
            expect(page.locator("#result")).to_contain_text("Imported")
            found += violations(page, axe, f"{width} done")
    assert found == []


def test_who_gets_the_page(client: Any, db: None) -> None:
    from tests.api.conftest import logged_in

    assert client.get("/import/").status_code == 302
    assert logged_in("vera", "viewer").get("/import/").status_code == 403
    assert "Import</a>" not in logged_in("vic", "viewer").get("/").content.decode()
    otto = logged_in("otto", "operator")
    answer = otto.get("/import/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert ">Import</a>" in otto.get("/").content.decode()
    assert 'href="/import/memory/"' in otto.get("/explore/memory/").content.decode()
    assert otto.get("/import/memory/").status_code == 200
    assert otto.get("/import/nosuch/").status_code == 404
    assert otto.post("/import/").status_code == 405


def test_its_modules_load_at_once(db: None) -> None:
    check_modules(logged_in("otto", "operator").get("/import/").content.decode())

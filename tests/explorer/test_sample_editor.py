"""Samples are edited beside their chart, with a reason, and back."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import MARKER, NA, Number
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.explorer.conftest import HOSTILE, window
from tests.explorer.test_accessibility import AXE, violations
from tests.live.processes import Restartable
from tests.storage.building import at, point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

ADDRESS = "/explore/?filter=point&id=air&range=2024-03-01..2024-03-02"


@pytest.fixture
def sampled(server: Restartable) -> Restartable:
    """A point with four samples, and one of texts."""
    store = storages["default"]
    store.load_entities([point("said", dis="Said", kind="Str", cur=MARKER)])
    times = [at(f"2024-03-01 12:0{minute}") for minute in range(4)]
    store.his_write("air", [(ts, Number(70 + n, "°F")) for n, ts in enumerate(times)])
    store.his_write("said", [(times[0], HOSTILE)])
    return server


def values(id: str = "air") -> list[Any]:
    found = (row["val"] for row in storages["default"].his_read(id))
    return [one.val if isinstance(one, Number) else one for one in found]


def listed(page: Any, server: Restartable, address: str = ADDRESS) -> None:
    page.goto(server.server.root + address)
    expect(page.locator("#connection")).to_have_text("Live")
    page.locator("#sample-editor summary").click()
    expect(page.get_by_label("From", exact=True)).not_to_have_value("")
    page.get_by_role("button", name="List samples").click()


@pytest.mark.parametrize("width", [1280, 390])
def test_edits_and_undo(browser: Any, sampled: Restartable, width: int) -> None:
    size = {"width": width, "height": 900}
    with window(browser, sampled, "alice", viewport=size) as page:
        listed(page, sampled)
        rows = page.locator("#sample-list tbody tr")
        expect(rows).to_have_count(4)
        page.get_by_label("From", exact=True).fill("2024-03-01T12:01:00")
        page.get_by_label("To", exact=True).fill("2024-03-01T12:02:00")
        page.get_by_role("button", name="List samples").click()
        expect(rows).to_have_count(2)
        page.get_by_role("button", name="Mark 2 samples as NA").click()
        expect(page.locator("#sample-editor [role=alert]")).to_have_text(
            "write the reason of the edit"
        )
        page.keyboard.type(HOSTILE)  # the field has the focus
        page.get_by_role("button", name="Mark 2 samples as NA").click()
        note = page.locator("#sample-editor [role=status]")
        expect(note).to_contain_text("2 samples edited.")
        assert values() == [70, NA, NA, 73]
        note.get_by_role("button", name="Undo").click()
        expect(note).to_contain_text("2 samples as before.")
        assert values() == [70, 71, 72, 73]
        page.get_by_role("button", name="Remove 2 samples").click()
        expect(note).to_contain_text("2 samples edited.")
        expect(rows).to_have_count(0)
        assert values() == [70, 73]
    reasons = {one.origin.reason for one in storages["default"].sample_changes()}
    assert reasons == {HOSTILE, ""}


def test_a_value_is_corrected_by_the_keyboard(
    browser: Any, sampled: Restartable
) -> None:
    with window(browser, sampled, "alice") as page:
        listed(page, sampled)
        page.get_by_label("Reason of the edit").fill("read wrong")
        page.get_by_role("button", name="Correct the value").first.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Control+a")
        page.keyboard.type("65")
        page.get_by_role("button", name="Save", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.locator("#sample-editor [role=status]")).to_contain_text(
            "1 sample edited."
        )
    assert values() == [65, 71, 72, 73]
    [change] = storages["default"].sample_changes()
    assert (change.origin.kind, change.origin.reason) == ("edit", "read wrong")


def test_hostile_samples_are_texts(browser: Any, sampled: Restartable) -> None:
    with window(browser, sampled, "alice") as page:
        listed(page, sampled, ADDRESS.replace("id=air", "id=said"))
        expect(page.locator("#sample-list tbody tr")).to_contain_text(HOSTILE)
        assert page.locator("#sample-editor img").count() == 0


def test_who_may_edit(browser: Any, sampled: Restartable) -> None:
    user("vera", "viewer")
    with window(browser, sampled, "vera") as page:
        page.goto(sampled.server.root + ADDRESS)
        expect(page.locator("#tags tr").first).to_be_attached()
        expect(page.locator("#sample-editor")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation(browser: Any, sampled: Restartable, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make setup with npm")
    axe, found = AXE.read_text(), []
    options = {"color_scheme": scheme, "bypass_csp": True}
    for width in (1280, 390):
        size = {"width": width, "height": 900}
        with window(browser, sampled, "alice", viewport=size, **options) as page:
            listed(page, sampled)
            expect(page.locator("#sample-list tbody tr")).to_have_count(4)
            page.get_by_role("button", name="Correct the value").first.click()
            found += violations(page, axe, f"{width}")
    assert found == []

"""A rule is made with its dry run, raises an alarm that is seen live, is acknowledged,
and cleared."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from haystack_app.alarms.evaluator import Evaluator
from haystack_app.alarms.mail import Mailer
from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.models import Alarm, AlarmRule
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.explorer.conftest import HOSTILE, window
from tests.live.processes import Restartable
from tests.mail_server import MailServer
from tests.patience import eventually
from tests.storage.building import entity, point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


def sample(value: float, minutes: float = 0) -> None:
    """A sample of so many minutes ago, and a round of the evaluator."""
    at = timezone.now() - dt.timedelta(minutes=minutes)
    ts = DateTime(at.replace(microsecond=0), "New_York")
    storages["default"].his_write("warm", [(ts, Number(value, "°F"))])


def evaluate(evaluator: Evaluator) -> None:
    evaluator.survey_soon()
    evaluator.round(timezone.now())


def fill() -> None:
    tags = {"siteRef": Ref("hall"), "equipRef": Ref("box"), "unit": "°F"}
    storages["default"].load_entities(
        [
            entity("box", equip=MARKER, dis="Box", siteRef=Ref("hall")),
            point("warm", dis=HOSTILE, temp=MARKER, **tags),
        ]
    )
    for minutes in (900, 600, 300):
        sample(90 if minutes == 600 else 70, minutes)


def make_rule(page: Any) -> None:
    page.locator("#rules summary").click()
    for name, text in (
        ("Name", f"Warm {HOSTILE}"),
        ("Value", "80°C"),
        ("Text", "open the <b>window</b>"),
    ):
        page.get_by_label(name, exact=True).fill(text)
    points = page.get_by_label("Filter for points", exact=True)
    points.fill("temp and equipRef == @nothing")
    page.get_by_role("button", name="Dry run", exact=True).click()
    expect(page.locator("#dry-run")).to_contain_text(
        "the filter matches no points with history"
    )
    points.fill("temp and equipRef == @box")
    page.get_by_role("button", name="Dry run", exact=True).click()
    problem = page.locator("#rule-problem")
    expect(problem).to_contain_text("80°C has the unit °C, and @warm has the unit °F")
    page.get_by_label("Value", exact=True).fill("80°F")
    page.get_by_role("button", name="Dry run", exact=True).click()
    expect(page.locator("#dry-run")).to_contain_text(
        "In the last 30 days: 1 alarm of 1 point, on 1 day, of which 0 would still be"
    )
    expect(page.locator("#dry-run li")).to_have_text(f"{HOSTILE}: 1 alarm, 5.0 h")
    expect(problem).to_have_text("")
    page.get_by_role("button", name="Save").click()
    switch = page.get_by_role("button", name=f"Warm {HOSTILE} is off")
    switch.click()
    expect(page.get_by_role("button", name=f"Warm {HOSTILE} is on")).to_be_visible()


def test_from_a_rule_to_a_cleared_alarm(server: Restartable, browser: Any) -> None:
    user("ada", "admin")
    fill()
    evaluator = Evaluator(storages["default"])
    with window(browser, server, "ada") as page:
        page.goto(f"{server.server.root}/alarms/")
        expect(page.locator("#alarms-note")).to_have_text("No alarms.")
        make_rule(page)
        assert AlarmRule.objects.get().enabled
        evaluate(evaluator)
        sample(95)
        evaluate(evaluator)
        row = page.locator("#alarms tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text(f"Warm {HOSTILE}: open the <b>window</b>")
        expect(row).to_contain_text("95°F")
        expect(page.locator("#alarm-count")).to_have_text("1")
        in_the_explorer(browser, server)
        row.get_by_role("button").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator("#alarm-log li")).to_contain_text("raised · 95°F")
        dialog.get_by_label("Note").fill(f"on my way {HOSTILE}")
        dialog.get_by_role("button", name="Acknowledge").click()
        expect(dialog).to_be_hidden()
        expect(row).to_contain_text("acknowledged")
        expect(page.locator("#alarm-count")).to_be_hidden()
        sample(70)
        evaluate(evaluator)
        expect(page.locator("#alarms-note")).to_have_text("No alarms.")
        page.get_by_label("State").select_option("cleared")
        expect(row).to_contain_text("cleared")
        row.get_by_role("button").click()
        expect(dialog.locator("#alarm-log li")).to_have_count(3)
        expect(dialog).to_contain_text(f"ada · on my way {HOSTILE}")
    assert Alarm.objects.get().state == "cleared"


def in_the_explorer(browser: Any, server: Restartable) -> None:
    """The tree marks site, equipment and point, and the chart draws the alarm."""
    with window(browser, server, "alice") as page:
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url))
        page.goto(f"{server.server.root}/explore/?filter=point&id=warm")
        badge = page.locator("#tree .alarms")
        # it opens down to the point of the address
        expect(badge).to_have_text(["1 open alarm"] * 3)
        expect(page.locator("#chart canvas")).to_be_visible()
        assert any("/api/alarms/?point=warm&start=" in url for url in asked)
        shaded = "e => e.getContext('2d').getImageData(0, 0, e.width, e.height).data"
        page.wait_for_function(
            f"() => {{ const e = document.querySelector('#chart canvas');"
            f" const data = ({shaded})(e); for (let i = 0; i < data.length; i += 4)"
            " if (data[i] > 180 && data[i + 1] < 70 && data[i + 2] < 60) return true;"
            " return false; }"
        )


def test_a_mail_server_that_is_down(
    server: Restartable, browser: Any, settings: Any
) -> None:
    """It is seen in Status, and tried again."""
    user("ada", "admin", is_staff=True)
    fill()
    AlarmRule.objects.create(
        name="warm",
        filter="temp and equipRef == @box",
        value="80°F",
        enabled=True,
        mail_to="desk@example.org",
    )
    evaluator, mailer, mails = Evaluator(storages["default"]), Mailer(), MailServer()
    evaluate(evaluator)
    sample(95)
    evaluate(evaluator)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mails.port
    send(mailer, hours=1)
    with window(browser, server, "ada") as page:
        page.goto(f"{server.server.root}/status/")
        alarms = page.get_by_role("region", name="Alarms")
        expect(alarms).to_contain_text(
            "1 lines could not be mailed, and are tried again: ConnectionRefusedError"
        )
        with mails:
            send(mailer, hours=2)
            assert "1 raised" in mails.next()["Subject"]
        mailer.finish()
        page.reload()
        expect(alarms).to_contain_text("Lines of mails that wait: 0.")
        expect(alarms.locator(".message")).to_have_count(0)


def send(mailer: Mailer, hours: int) -> None:
    """What is due in some hours; whether it could be sent is in the table."""
    now = timezone.now() + dt.timedelta(hours=hours)
    mailer.round(now)
    assert mailer.sending is not None
    eventually(mailer.sending[0].done, "the mail is sent or has failed")
    mailer.round(now)


def test_viewers_only_look(server: Restartable, browser: Any) -> None:
    user("vera", "viewer")
    fill()
    AlarmRule.objects.create(
        name="warm", filter="temp and equipRef == @box", value="80°F", enabled=True
    )
    evaluator = Evaluator(storages["default"])
    evaluate(evaluator)
    sample(95)
    evaluate(evaluator)
    with window(browser, server, "vera") as page:
        page.goto(f"{server.server.root}/alarms/")
        page.locator("#alarms tr").get_by_role("button", name="Log:").click()
        expect(page.locator("#alarm-log li")).to_have_count(1)
        expect(page.locator("#acknowledge")).to_be_hidden()
        expect(page.locator("#rules")).to_have_count(0)

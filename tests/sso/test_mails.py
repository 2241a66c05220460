"""Passwords by mail, from the browser to the mail server and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.servers import Server
from tests.mail_server import MailServer
from tests.sso.conftest import Look
from tests.sso.site import PASSWORD, site
from tests.sso.windows import log_in, window

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

NEW = "a quite new pass-phrase"


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, mails: MailServer
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("site")
    environ = {"EMAIL_URL": mails.url, "HAYSTACK_WORKER": "embedded"}
    with site(folder, {"ann": "viewer", "boss": "admin"}, **environ) as server:
        yield server


def set_password(page: Any) -> None:
    """On the page that the link of a mail leads to."""
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password confirmation").fill(NEW)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("status")).to_have_text("The password is set: log in.")


def test_a_forgotten_password(
    browser: Any, server: Server, mails: MailServer, look: Look
) -> None:
    with window(browser) as page:
        page.goto(f"{server.root}/log-in/")
        page.get_by_role("link", name="Forgotten password").click()
        look(page, "forgotten-password")
        page.get_by_label("Email").fill("ann@example.org")
        page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()
        look(page, "forgotten-password-sent")
        link = mails.link_to("ann@example.org")
        page.goto(link)
        look(page, "set-password")
        set_password(page)
        look(page, "password-is-set")
        log_in(page, server, "ann", PASSWORD)
        expect(page.get_by_role("alert")).to_be_visible()
        look(page, "log-in-refused")
        log_in(page, server, "ann", NEW)
        expect(page.locator(".who")).to_have_text("ann")
        page.goto(link)
        heading = page.get_by_role("heading", name="This link is not valid any more")
        expect(heading).to_be_visible()
        look(page, "link-not-valid")


def test_an_invitation(
    browser: Any, server: Server, mails: MailServer, look: Look
) -> None:
    with window(browser) as page:
        log_in(page, server, "boss", PASSWORD)
        page.get_by_role("link", name="Admin", exact=True).click()
        page.locator("#content-main tr.model-user .addlink").click()
        page.get_by_label("Username:").fill("nina")
        page.get_by_label("Disabled").check()
        page.locator("[name=_save]").click()
        page.get_by_label("Email address:").fill("nina@example.org")
        page.locator("#id_groups_from").get_by_text("viewer").dblclick()
        page.locator("[name=_save]").click()
        page.get_by_role("checkbox", name="for an action - nina").check()
        page.get_by_label("Action:").select_option("send_invitations")
        page.get_by_role("button", name="Go").click()
        sent = page.locator(".messagelist")
        expect(sent).to_contain_text("Invitations that are sent: 1.")
    with window(browser) as page:
        page.goto(mails.link_to("nina@example.org"))
        expect(page.get_by_text("For nina.")).to_be_visible()
        look(page, "invited")
        set_password(page)
        log_in(page, server, "nina", NEW)
        expect(page.locator(".who")).to_have_text("nina")
        page.get_by_role("link", name="Explorer", exact=True).click()
        expect(page.locator("#connection")).to_have_text("Live")

"""Second factors in a browser: an app, recovery codes, and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.servers import Server
from tests.sso.conftest import Look
from tests.sso.site import PASSWORD, site, totp
from tests.sso.windows import log_in, window

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

BELOW = "/account/second-factor/"
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("site")
    users = dict.fromkeys(("ann", "bea", "key", "second"), "viewer")
    with site(folder, users, EMAIL_URL="dummymail://") as server:
        # a key is for a domain, which an address is not
        server.root = server.root.replace("127.0.0.1", "localhost")
        yield server


def confirm(page: Any) -> None:
    """The password is asked for again before a second factor is changed."""
    expect(page).to_have_url(re.compile("reauthenticate"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def log_out(page: Any) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page.locator(".who")).to_have_count(0)


def test_an_app_and_recovery_codes(browser: Any, server: Server, look: Look) -> None:
    with window(browser) as page:
        look_at_log_in(page, server, look)
        log_in(page, server, "ann")
        page.get_by_role("link", name="ann").click()
        page.get_by_role("link", name="Set up").click()
        look(page, "second-factor-none")
        page.locator(f"a[href='{BELOW}totp/activate/']").click()
        look(page, "confirm")
        confirm(page)
        look(page, "app-activate")
        secret = page.get_by_label("Authenticator secret").input_value()
        page.get_by_label("Authenticator code").fill(totp(secret))
        page.get_by_role("button", name="Activate").click()
        codes = page.get_by_label("Unused codes").input_value().split()
        look(page, "recovery-codes")
        for path in ("", "totp/deactivate/", "recovery-codes/generate/"):
            page.goto(f"{server.root}{BELOW}{path}")
            look(page, f"second-factor-{path}")
        log_out(page)

        log_in(page, server, "ann")
        look(page, "code")
        page.get_by_label("Code").fill("no code")
        page.get_by_role("button", name="Sign In").click()
        expect(page.get_by_text("Incorrect code.")).to_be_visible()
        look(page, "code-refused")
        page.goto(f"{server.root}/account/")
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        log_in(page, server, "ann")
        page.get_by_label("Code").fill(totp(secret))
        page.get_by_role("button", name="Sign In").click()
        expect(page.locator(".who")).to_have_text("ann")
        log_out(page)

        for is_new in (True, False):
            log_in(page, server, "ann")
            page.get_by_label("Code").fill(codes[0])
            page.get_by_role("button", name="Sign In").click()
            if is_new:
                expect(page.locator(".who")).to_have_text("ann")
                log_out(page)
            else:
                expect(page.get_by_text("Incorrect code.")).to_be_visible()


def look_at_log_in(page: Any, server: Server, look: Look) -> None:
    page.goto(f"{server.root}/log-in/")
    look(page, "log-in")


def test_logins_of_ones_own(browser: Any, server: Server, look: Look) -> None:
    with window(browser) as here, window(browser) as there:
        for page in (here, there):
            log_in(page, server, "bea")
            page.get_by_role("link", name="bea").click()
        logins = here.get_by_role("region", name="Logins")
        expect(logins.locator("tbody tr")).to_have_count(1)
        here.reload()
        expect(logins.locator("tbody tr")).to_have_count(2)
        look(here, "account")
        logins.get_by_role("button", name="End", exact=True).click()
        expect(here.get_by_role("status")).to_have_text("The login has ended.")
        expect(logins.locator("tbody tr")).to_have_count(1)
        look(here, "account-login-ended")
        there.reload()
        expect(there.get_by_role("heading", name="Log in")).to_be_visible()

        log_in(there, server, "bea")
        logins.get_by_role("button", name="End all others").click()
        expect(here.get_by_role("status")).to_have_text("1 other login has ended.")
        there.reload()
        expect(there.locator(".who")).to_have_count(0)


def plug_in(page: Any) -> None:
    """A key on this machine, which asks no one for a finger."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})


def add_key(page: Any, server: Server, *, passwordless: bool) -> None:
    page.goto(f"{server.root}{BELOW}webauthn/add/")
    confirm(page)
    page.get_by_label("Name").fill("my key")
    page.get_by_label("Passwordless").set_checked(passwordless)
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(re.compile("recovery-codes|webauthn/$"))


def test_a_security_key_logs_in_without_a_password(
    browser: Any, server: Server
) -> None:
    with window(browser) as page:
        plug_in(page)
        log_in(page, server, "key")
        add_key(page, server, passwordless=True)
        log_out(page)
        page.goto(f"{server.root}/log-in/?next=/account/")
        page.get_by_role("button", name="Log in with a passkey").click()
        page.wait_for_url(f"{server.root}/account/")
        expect(page.locator(".who")).to_have_text("key")


def test_a_security_key_after_the_password(
    browser: Any, server: Server, look: Look
) -> None:
    with window(browser) as page:
        plug_in(page)
        log_in(page, server, "second")
        add_key(page, server, passwordless=False)
        page.goto(f"{server.root}{BELOW}webauthn/add/")
        look(page, "key-add")
        page.goto(f"{server.root}{BELOW}webauthn/")
        expect(page.get_by_role("cell", name="my key")).to_be_visible()
        look(page, "keys")
        log_out(page)
        log_in(page, server, "second")
        look(page, "key-asked-for")
        page.get_by_role("button", name="Use a security key").click()
        expect(page.locator(".who")).to_have_text("second")

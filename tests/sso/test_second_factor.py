"""Second factors: set up, asked for, and no way around them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import phable
import pytest
import requests

from tests.api.servers import Server
from tests.sso.site import PASSWORD, Browser, manage, site, totp
from tests.urls import every_path

ADMIN_PAGES = ["/admin/", "/admin/auth/user/", "/explore/", "/account/", "/status/"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    users = dict.fromkeys(("ann", "bea", "cora", "dora", "eva", "fay", "gil"), "viewer")
    folder = tmp_path_factory.mktemp("site")
    with site(
        folder,
        {**users, **dict.fromkeys(("max", "mia", "ned"), "admin")},
        HAYSTACK_SECOND_FACTOR_GROUPS="admin",
    ) as server:
        yield server


@pytest.fixture
def browser(server: Server) -> Browser:
    return Browser(server)


def entries(server: Server, event: str) -> list[str]:
    code = (
        "from haystack_app.models import AuditEntry;"
        f"print(*AuditEntry.objects.filter(event={event!r})"
        ".values_list('detail', flat=True), sep='\\n')"
    )
    return manage(server, ["shell", "-v", "0", "-c", code]).split("\n")


def test_a_user_sets_up_an_app_and_is_asked_for_its_code(
    server: Server, browser: Browser
) -> None:
    browser.log_in("ann")
    assert browser.is_at("/")
    secret = browser.set_up_app()
    assert browser.status("/account/") == 200  # the login goes on
    assert browser.status("/api/read?filter=site") == 200
    again = Browser(server)
    again.log_in("ann")
    assert again.is_at("/account/second-factor/authenticate/")
    assert again.status("/account/") == 302
    assert again.status("/api/read?filter=site") == 401
    again.submit(code="000000")
    assert "Incorrect code" in again.page.text
    assert again.status("/account/") == 302
    again.submit(
        code=totp(secret, time.time() + 30 if totp(secret) == "000000" else None)
    )
    assert again.page.status_code == 200
    assert any("'ann': TOTP" in line for line in entries(server, "factor added"))
    assert any(
        "wrong second factor" in line for line in entries(server, "log-in failed")
    )


def test_a_recovery_code_is_used_once(server: Server, browser: Browser) -> None:
    browser.log_in("bea")
    browser.set_up_app()
    page = browser.get("/account/second-factor/recovery-codes/")
    codes = re.findall(r"\b\d{8}\b", page.text)
    assert len(codes) >= 8
    for expected in (200, 302):
        other = Browser(server)
        other.log_in("bea")
        other.submit(code=codes[0])
        assert other.status("/account/") == expected


def test_programs_need_a_token(server: Server, browser: Browser) -> None:
    about = f"{server.root}/api/about"
    assert requests.get(about, auth=("cora", PASSWORD)).status_code == 200
    browser.log_in("cora")
    browser.set_up_app()
    answer = requests.get(about, auth=("cora", PASSWORD))
    assert answer.status_code == 401
    assert "create a token" in answer.json()["dis"]
    assert "token" not in requests.get(about, auth=("cora", "wrong")).json()["dis"]
    with pytest.raises(phable.AuthError):
        phable.HaystackClient.open(f"{server.root}/api", "cora", PASSWORD)
    page = browser.get("/account/")
    browser.submit("/account/", name="phable", scope="read", days="90")
    [token] = re.findall(r'id="secret">(\w+)<', browser.page.text)
    assert page.status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(about, headers=headers).status_code == 200


def test_the_form_of_the_admin_leads_nowhere(server: Server, browser: Browser) -> None:
    browser.log_in("max")
    assert browser.is_at("/account/second-factor/")
    browser.set_up_app()
    other = Browser(server)
    other.log_in("max", path="/admin/login/?next=/admin/")
    for path in ADMIN_PAGES:
        assert other.status(path) == 302, path
    assert other.status("/api/read?filter=site") == 401


def test_a_group_must_set_one_up(server: Server, browser: Browser) -> None:
    browser.log_in("mia")
    assert browser.is_at("/account/second-factor/")
    for path in ADMIN_PAGES:
        assert browser.status(path) == 302, path
    assert browser.status("/api/read?filter=site") == 401
    assert (
        requests.get(f"{server.root}/api/about", auth=("mia", PASSWORD)).status_code
        == 401
    )
    browser.set_up_app()
    for path in ADMIN_PAGES:
        assert browser.status(path) == 200, path
    assert browser.status("/api/read?filter=site") == 200


def test_every_url_answers_half_a_login_like_a_stranger(
    server: Server, browser: Browser
) -> None:
    """A session of the password alone is answered like a stranger, everywhere."""
    browser.log_in("dora")
    browser.set_up_app()
    half = Browser(server)
    half.log_in("dora")
    stranger = Browser(server)
    for path in every_path():
        if path in ("/account/second-factor/authenticate/", "/metrics"):
            continue
        url = server.root + path
        found = [
            one.session.get(url, allow_redirects=False, stream=True)
            for one in (half, stranger)
        ]
        statuses = [answer.status_code for answer in found]
        for answer in found:
            answer.close()
        assert statuses[0] == statuses[1], (path, statuses)


def test_a_lost_phone(server: Server, browser: Browser) -> None:
    """Staff remove the second factor, and the user's logins end."""
    browser.log_in("eva")
    browser.set_up_app()
    assert browser.status("/account/") == 200
    staff = Browser(server)
    staff.log_in("ned")
    staff.set_up_app()
    [key] = re.findall(
        r'value="(\d+)"[^>]*aria-label="Select this object for an action - eva"',
        staff.get("/admin/auth/user/").text,
    )
    staff.submit(action="remove_factors", _selected_action=key)
    assert "The second factor of eva is removed." in staff.page.text
    assert browser.status("/account/") == 302
    other = Browser(server)
    other.log_in("eva")
    assert other.status("/account/") == 200


def test_secrets_are_encrypted_in_the_database(
    server: Server, browser: Browser
) -> None:
    browser.log_in("fay")
    secret = browser.set_up_app()
    code = (
        "from allauth.mfa.models import Authenticator;"
        "print(*Authenticator.objects.values_list('data', flat=True))"
    )
    stored = manage(server, ["shell", "-v", "0", "-c", code])
    assert "secret" in stored and secret not in stored


def test_wrong_codes_are_limited(server: Server, browser: Browser) -> None:
    browser.log_in("gil")
    browser.set_up_app()
    guesser = Browser(server)
    guesser.log_in("gil")
    texts = []
    for n in range(12):
        guesser.submit(code=f"{n:06}")
        texts.append(guesser.page.text)
    assert "Too many" in texts[-1] or guesser.page.status_code == 429


@pytest.mark.parametrize("path", ["/account/signup/", "/accounts/signup/", "/signup/"])
def test_there_is_no_sign_up(browser: Browser, path: str) -> None:
    assert browser.status(path) in (302, 404)

"""Logging in by a company's OpenID provider: users, groups, and what it must not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.api.servers import Server
from tests.sso import provider as openid
from tests.sso.conftest import Look
from tests.sso.site import PASSWORD, Browser, manage, site
from tests.sso.windows import window


@pytest.fixture(scope="module")
def provider() -> Iterator[openid.Provider]:
    with openid.provider() as server:
        yield server


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, provider: openid.Provider
) -> Iterator[Server]:
    environ = {
        "OIDC_URL": provider.root,
        "OIDC_NAME": "Example Ltd.",
        "OIDC_CLIENT_ID": openid.CLIENT,
        "OIDC_CLIENT_SECRET": openid.SECRET,
        "OIDC_GROUPS": "bms-ops=operator,bms-admins=admin",
        "HAYSTACK_SECOND_FACTOR_GROUPS": "*",
    }
    folder = tmp_path_factory.mktemp("site")
    with site(folder, {"local": "viewer", "boss": "admin"}, **environ) as server:
        yield server


def claim(provider: openid.Provider, **claims: Any) -> None:
    """The claims of who logs in next."""
    provider.claims = {
        "email": f"{claims['sub']}@example.com",
        "email_verified": True,
        "preferred_username": claims["sub"],
        **claims,
    }


def come(server: Server, provider: openid.Provider, **claims: Any) -> Browser:
    """A person of the company logs in by the link of the log-in page."""
    claim(provider, **claims)
    browser = Browser(server)
    page = browser.get("/log-in/")
    assert "Log in by Example Ltd." in page.text
    browser.get("/account/oidc/company/login/?process=login")
    return browser


def groups_of(server: Server, name: str) -> list[str]:
    code = (
        "import json; from django.contrib.auth import get_user_model as m;"
        f"print(json.dumps(sorted(m().objects.get(username={name!r})"
        ".groups.values_list('name', flat=True))))"
    )
    found: list[str] = json.loads(manage(server, ["shell", "-v", "0", "-c", code]))
    return found


def test_a_first_login_makes_a_user_with_the_groups_of_its_claims(
    server: Server, provider: openid.Provider
) -> None:
    browser = come(server, provider, sub="olga", groups=["bms-ops", "canteen"])
    assert browser.is_at("/")
    assert browser.status("/account/") == 200
    assert browser.status("/api/read?filter=site") == 200
    assert groups_of(server, "olga") == ["operator"]


def test_groups_follow_the_claims_at_each_login(
    server: Server, provider: openid.Provider
) -> None:
    come(server, provider, sub="pia", groups=["bms-admins"])
    assert groups_of(server, "pia") == ["admin"]
    code = (
        "from django.contrib.auth import get_user_model as m;"
        "from django.contrib.auth.models import Group;"
        "m().objects.get(username='pia').groups.add("
        "Group.objects.create(name='by hand'))"
    )
    manage(server, ["shell", "-v", "0", "-c", code])
    come(server, provider, sub="pia", groups=["bms-ops"])
    assert groups_of(server, "pia") == ["by hand", "operator"]
    come(server, provider, sub="pia", groups=[])
    assert groups_of(server, "pia") == ["by hand"]


@pytest.mark.parametrize("claim", [None, "bms-ops", {"a": 1}, [1, None, "bms-ops"]])
def test_claims_of_any_form(
    server: Server, provider: openid.Provider, claim: Any
) -> None:
    name = f"quin{abs(hash(str(claim)))}"
    come(server, provider, sub=name, **({} if claim is None else {"groups": claim}))
    has_word = claim == "bms-ops" or isinstance(claim, list)
    assert groups_of(server, name) == (["operator"] if has_word else [])


def test_a_name_or_address_that_exists_is_not_taken_over(
    server: Server, provider: openid.Provider
) -> None:
    """An address that the provider has not verified, or is not trusted with."""
    browser = come(
        server,
        provider,
        sub="intruder",
        preferred_username="boss",
        email="boss@example.org",
        groups=[],
    )
    page = browser.get("/account/").text
    assert ">boss<" not in page
    assert groups_of(server, "boss") == ["admin"]
    assert browser.status("/admin/") == 302


def test_no_claim_makes_a_superuser(server: Server, provider: openid.Provider) -> None:
    come(
        server,
        provider,
        sub="rob",
        groups=["bms-admins"],
        is_superuser=True,
        is_staff=True,
    )
    code = (
        "from django.contrib.auth import get_user_model as m;"
        "u = m().objects.get(username='rob'); print(u.is_superuser, u.is_staff)"
    )
    assert manage(server, ["shell", "-v", "0", "-c", code]).split() == [
        "False",
        "False",
    ]


def test_its_users_have_no_password_and_make_tokens(
    server: Server, provider: openid.Provider
) -> None:
    browser = come(server, provider, sub="sam", groups=["bms-ops"])
    about = f"{server.root}/api/about"
    for password in ("", "sam", PASSWORD):
        assert requests.get(about, auth=("sam", password)).status_code == 401
    browser.get("/account/")
    browser.submit("/account/", name="grafana", scope="read", days="90")
    token = browser.page.text.partition('id="secret">')[2].partition("<")[0]
    answer = requests.get(about, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_a_disabled_user_stays_out(server: Server, provider: openid.Provider) -> None:
    come(server, provider, sub="tom", groups=["bms-ops"])
    code = (
        "from django.contrib.auth import get_user_model as m;"
        "m().objects.filter(username='tom').update(is_active=False)"
    )
    manage(server, ["shell", "-v", "0", "-c", code])
    browser = come(server, provider, sub="tom", groups=["bms-ops"])
    assert browser.is_at("/account/inactive/")
    assert browser.status("/account/") == 302


@pytest.mark.parametrize("state", ["", "?code=x", "?code=x&state=y", "?error=denied"])
def test_a_forged_answer_of_the_provider(server: Server, state: str) -> None:
    browser = Browser(server)
    page = browser.get(f"/account/oidc/company/login/callback/{state}")
    assert page.status_code < 500
    assert browser.status("/account/") == 302


def test_an_invalid_id_token_is_refused(
    server: Server, provider: openid.Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = {"sub": "uwe", "preferred_username": "uwe"}
    monkeypatch.setattr(provider, "id_token", lambda _: "not.a.token")
    browser = come(server, provider, **claims)
    assert browser.page.status_code < 500
    assert browser.status("/account/") == 302


def test_in_chromium(
    browser: Any, server: Server, provider: openid.Provider, look: Look
) -> None:
    """A click on the log-in page; what the pages offer follows the groups."""
    from playwright.sync_api import expect

    with window(browser) as page:
        for groups in (["bms-ops"], []):
            claim(provider, sub="vera", groups=groups)
            page.goto(f"{server.root}/log-in/?next=/account/")
            look(page, "company-log-in")
            page.get_by_role("link", name="Log in by Example Ltd.").click()
            page.wait_for_url(f"{server.root}/account/")
            expect(page.locator(".who")).to_have_text("vera")
            expect(page.get_by_role("heading", name="Password")).to_have_count(0)
            look(page, f"company-account-{len(groups)}")
            links = page.get_by_role("link", name="Import")
            expect(links).to_have_count(len(groups))
            page.get_by_role("button", name="Log out").click()
            expect(page.locator(".who")).to_have_count(0)
        page.goto(f"{server.root}/account/oidc/company/login/callback/?error=denied")
        look(page, "company-denied")
        page.goto(f"{server.root}/account/inactive/")
        look(page, "company-inactive")

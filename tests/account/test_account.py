"""The account page: password, tokens and logins of a user, and of no other one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from haystack_app.account.forms import TokenForm
from haystack_app.auth import tokens
from haystack_app.models import AuditEntry, Token
from tests.api.conftest import PASSWORD, logged_in, user

PAGE = "/account/"


@pytest.fixture
def client(db: None) -> Client:
    cache.clear()
    return logged_in("vera", "viewer")


def page(client: Client) -> str:
    text: str = client.get(PAGE).content.decode()
    return text


def create(client: Client, **data: Any) -> str:
    """The secret of a new token."""
    form = {"name": "grafana", "scope": "read", "days": "90"} | data
    answer = client.post(PAGE, form)
    assert answer.status_code == 200
    [secret] = re.findall(r'<code id="secret">(\w+)</code>', answer.content.decode())
    return str(secret)


def reads(secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return int(Client().get("/api/read?filter=site", headers=headers).status_code)


def test_strangers_log_in_first(db: None) -> None:
    for path in ("", "password/", "tokens/1/revoke/", "logins/end/", "logins/t1/end/"):
        answer = Client().get(PAGE + path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/log-in/?next=")


def test_users_without_any_right_have_an_account(db: None) -> None:
    assert logged_in("nora", "").get(PAGE).status_code == 200


def test_a_form_that_is_sent_twice_at_once_makes_one_token(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(client)
    # as if the check of the second had come before the first was stored
    monkeypatch.setattr(TokenForm, "clean_name", lambda form: form.cleaned_data["name"])
    answer = client.post(PAGE, {"name": "grafana", "scope": "read", "days": "90"})
    assert answer.status_code == 200
    assert "revoke it first" in answer.content.decode()
    assert Token.objects.filter(name="grafana").count() == 1


def test_a_token_is_shown_once_and_reads_for_90_days(client: Client) -> None:
    secret = create(client)
    assert reads(secret) == 200
    assert secret not in page(client)
    token = Token.objects.get(name="grafana")
    assert token.expires is not None
    assert (token.scope, token.user.username) == ("read", "vera")
    assert (token.expires - token.created).days in (89, 90)


def test_the_choice_that_is_shown_first_is_the_safe_one(client: Client) -> None:
    assert '<option value="read" selected>' in page(client)
    assert '<option value="90" selected>' in page(client)


@pytest.mark.parametrize(
    "data",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"scope": ""},
        {"scope": "all"},
        {"days": "-1"},
    ],
)
def test_invalid_tokens(client: Client, data: dict[str, str]) -> None:
    form = {"name": "grafana", "scope": "read", "days": "90"} | data
    answer = client.post(PAGE, form)
    assert 'role="alert"' in answer.content.decode()
    assert not Token.objects.exists()


def test_a_name_is_used_once(client: Client) -> None:
    create(client)
    answer = client.post(PAGE, {"name": "grafana", "scope": "read", "days": "0"})
    assert "revoke it first" in answer.content.decode()
    assert Token.objects.count() == 1


def test_revoke(client: Client) -> None:
    secret = create(client, days="0")
    token = Token.objects.get()
    assert token.expires is None
    client.post(f"{PAGE}tokens/{token.pk}/revoke/")
    assert reads(secret) == 401
    assert not Token.objects.exists()


def test_tokens_of_others_are_not_found(client: Client) -> None:
    other = Token(user=user("ann"), name="annas", scope="admin")
    tokens.create_secret(other)
    other.save()
    assert "annas" not in page(client)
    assert client.post(f"{PAGE}tokens/{other.pk}/revoke/").status_code == 404
    client.post(f"{PAGE}logins/t{other.pk}/end/")
    client.post(f"{PAGE}logins/end/")
    assert Token.objects.filter(pk=other.pk).exists()


def test_change_the_password(client: Client) -> None:
    secret = create(client)
    new = {"new_password1": "staple battery", "new_password2": "staple battery"}
    answer = client.post(f"{PAGE}password/", {"old_password": "wrong", **new})
    assert "old password was entered incorrectly" in answer.content.decode()
    answer = client.post(f"{PAGE}password/", {"old_password": PASSWORD, **new})
    assert answer.status_code == 302
    assert "The password is changed." in page(client)  # and is still logged in
    assert reads(secret) == 401
    assert Client().login(username="vera", password="staple battery")


def test_wrong_old_passwords_are_throttled(client: Client, settings: Any) -> None:
    rates = {"USER": 1_000, "ADDRESS": 1_000, "LOG_IN_ADDRESS": 100, "LOG_IN_USER": 2}
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": rates}
    new = {"new_password1": "staple battery", "new_password2": "staple battery"}
    texts = [
        client.post(f"{PAGE}password/", {"old_password": "wrong", **new})
        for _ in range(3)
    ]
    assert "Too many attempts" in texts[-1].content.decode()
    answer = client.post(f"{PAGE}password/", {"old_password": PASSWORD, **new})
    assert "Too many attempts" in answer.content.decode()


def test_logins_are_listed_and_ended(client: Client) -> None:
    vera = Token.objects.none().model._meta.get_field("user").related_model
    me = vera.objects.get(username="vera")
    other = Client()
    other.force_login(me)
    stranger = logged_in("ann")
    secret = tokens.issue(me)
    text = page(client)
    assert text.count("Browser") == 2
    assert text.count("Browser, this one") == 1
    assert text.count(">Client<") == 1
    for one in Session.objects.all():
        assert one.session_key not in text
    key = next(key for key in re.findall(r"logins/(s\w+)/end/", text))
    client.post(f"{PAGE}logins/{key}/end/")
    assert other.get(PAGE).status_code == 302
    client.post(f"{PAGE}logins/end/")
    assert reads(secret) == 401
    assert client.get(PAGE).status_code == 200
    assert stranger.get(PAGE).status_code == 200


def test_it_is_in_the_audit(client: Client) -> None:
    create(client)
    assert AuditEntry.objects.filter(event__icontains="token").exists()


def test_forms_need_the_token_against_forgery(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user("vera", "viewer"))
    for path in ("", "password/", "tokens/1/revoke/", "logins/end/"):
        assert client.post(PAGE + path).status_code == 403


def test_it_is_not_cached_and_has_no_script_of_its_own(client: Client) -> None:
    answer = client.get(PAGE)
    assert "no-store" in answer["Cache-Control"]
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", answer.content.decode())
    assert scripts == [
        (' type="module" src="/static/haystack_app/alarms/count.js"', "")
    ]
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_links(client: Client) -> None:
    assert f'href="{PAGE}"' in client.get("/").content.decode()
    assert f'href="{PAGE}"' in client.get("/explore/").content.decode()

"""Passwords by mail: forgotten ones, invitations, and lock-outs."""

from __future__ import annotations

import re
import smtplib
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache
from django.test import Client

from haystack_app.auth import tokens
from haystack_app.auth.known_browsers import COOKIE
from haystack_app.jobs.worker import Worker
from haystack_app.models import AuditEntry, Job
from tests.api.conftest import PASSWORD, basic, logged_in, user

pytestmark = pytest.mark.django_db(transaction=True)
FORM = "/forgotten-password/"
NEW = "a quite new pass-phrase"
User = get_user_model()


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()


def ann(**more: Any) -> Any:
    made = user("ann", "viewer")
    made.email = "ann@example.org"
    for name, value in more.items():
        setattr(made, name, value)
    made.save()
    return made


def send() -> list[str]:
    """What the worker mails, and forget it."""
    worker = Worker({"short": 1})
    while worker.run_one(["short"]):
        pass
    sent = [f"{one.subject}\n{one.body}" for one in mail.outbox]
    mail.outbox.clear()
    return sent


def link_of(text: str) -> str:
    [path] = re.findall(r"http://testserver(/set-password/\S+)", text)
    return str(path)


def set_password(client: Client, path: str, password: str = NEW) -> Any:
    """Follow a link, which leads to another without the secret."""
    page = client.get(path, follow=True)
    assert page.status_code == 200
    data = {"new_password1": password, "new_password2": password}
    return client.post(page.request["PATH_INFO"], data)


def ask(address: str = "ann@example.org", client: Client | None = None) -> Any:
    return (client or Client()).post(FORM, {"email": address})


def test_a_forgotten_password_is_set_by_the_link_of_a_mail() -> None:
    made = ann()
    token = tokens.issue(made)
    assert ask("ANN@example.org")["Location"] == f"{FORM}sent/"
    [text] = send()
    assert text.startswith("Set a new password for ann\n")
    assert "http://testserver/" in text and "within 3 days" in text
    client = Client()
    answer = set_password(client, link_of(text))
    assert answer["Location"] == "/log-in/"
    assert "The password is set" in client.get("/log-in/").content.decode()
    made.refresh_from_db()
    assert made.check_password(NEW)
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/about", headers=headers).status_code == 401
    again = client.get(link_of(text), follow=True).content.decode()
    assert "not valid any more" in again
    entry = AuditEntry.objects.get(
        event=AuditEntry.USER_CHANGED, detail__contains="password"
    )
    assert NEW not in entry.detail


@pytest.mark.parametrize(
    "address", ["unknown@example.org", "off@example.org", "sso@x.org"]
)
def test_the_page_answers_alike_for_any_address(address: str) -> None:
    ann()
    off = user("off", "viewer")
    User.objects.filter(pk=off.pk).update(email="off@example.org", is_active=False)
    sso = user("sso", "viewer")
    sso.email = "sso@x.org"
    sso.set_unusable_password()
    sso.save()
    known, other = ask(), ask(address)
    assert (known.status_code, known["Location"]) == (
        other.status_code,
        other["Location"],
    )
    assert len(send()) == 1


def test_a_job_holds_no_link() -> None:
    ann()
    ask()
    job = Job.objects.get()
    assert "KEY/KEY" in str(job.kwargs)
    [text] = send()
    job.refresh_from_db()
    secret = link_of(text).split("/")[-2]
    assert secret not in f"{job.kwargs} {job.result} {job.errors}"


def test_one_mail_in_five_minutes() -> None:
    ann()
    for _ in range(3):
        ask()
    assert len(send()) == 1


def test_requests_for_mails_are_throttled(settings: Any) -> None:
    rates = {"USER": 99, "ADDRESS": 99, "LOG_IN_ADDRESS": 3, "LOG_IN_USER": 99}
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": rates}
    found = [ask(f"a{n}@example.org").status_code for n in range(5)]
    assert found == [302, 302, 302, 200, 200]
    assert "Too many attempts" in ask("b@example.org").content.decode()


def test_a_mail_server_that_is_down_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann()
    ask()

    def refuse(*_: Any, **__: Any) -> None:
        raise smtplib.SMTPServerDisconnected("down")

    with monkeypatch.context() as down:
        down.setattr("haystack_app.password_mail.send_mail", refuse)
        assert send() == []
    job = Job.objects.get()
    assert job.status == Job.Status.READY
    boss = logged_in("boss", is_staff=True)
    page = boss.get("/status/").content.decode()
    assert "Send a link to set a password: attempts 1, and it is tried again" in page
    [retry] = boss.get("/api/status/").json()["jobs"]["retries"]
    assert retry["error"] == "internal error (SMTPServerDisconnected)"
    Job.objects.update(run_after=None)
    assert len(send()) == 1
    assert not boss.get("/api/status/").json()["jobs"]["retries"]


def test_without_a_mail_server_there_is_no_page(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert Client().get(FORM).status_code == 404
    assert FORM not in Client().get("/log-in/").content.decode()


def test_the_log_in_page_leads_to_it() -> None:
    assert f'href="{FORM}"' in Client().get("/log-in/").content.decode()


# -- invitations ----------------------------------------------------------------


def test_an_invited_user_sets_a_password() -> None:
    boss = logged_in("boss", "admin")
    data = {"username": "new", "email": "new@example.org", "groups": ["viewer"]}
    made = boss.post("/api/users/", data, content_type="application/json")
    assert made.status_code == 201
    assert Client().get("/api/about", headers=basic("new", "")).status_code == 401
    url = made["Location"] + "invite/"
    assert boss.post(url).status_code == 202
    [text] = send()
    assert "Your user name is new." in text
    set_password(Client(), link_of(text))
    assert Client().get("/api/about", headers=basic("new", NEW)).status_code == 200
    entry = AuditEntry.objects.get(event=AuditEntry.USER_INVITED)
    assert (entry.who, entry.detail) == ("boss", "user 'new'")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"email": ""}, "'ann' has no email address"),
        ({"is_active": False}, "'ann' is disabled"),
    ],
)
def test_invitations_that_are_of_no_use(change: dict[str, Any], text: str) -> None:
    made = ann(**change)
    answer = logged_in("boss", "admin").post(f"/api/users/{made.pk}/invite/")
    assert answer.status_code == 409
    assert answer.json()["dis"] == text


def test_who_may_invite() -> None:
    made, root = ann(), user("root", is_superuser=True, is_staff=True)
    User.objects.filter(pk=root.pk).update(email="root@example.org")
    assert (
        logged_in("vera", "viewer").post(f"/api/users/{made.pk}/invite/").status_code
        == 403
    )
    boss = logged_in("boss", "admin")
    answer = boss.post(f"/api/users/{root.pk}/invite/")
    assert answer.status_code == 403
    assert send() == []


def test_the_admin_invites_and_ends_logins(admin_client: Client) -> None:
    made = ann()
    token = tokens.issue(made)
    other = Client()
    other.force_login(made)
    for action in ("send_invitations", "end_all_logins"):
        data = {"action": action, "_selected_action": [made.pk]}
        assert admin_client.post("/admin/auth/user/", data).status_code == 302
    assert len(send()) == 1
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/about", headers=headers).status_code == 401
    assert other.get("/account/").status_code == 302
    entry = AuditEntry.objects.get(event=AuditEntry.LOGINS_ENDED)
    assert (entry.who, entry.detail) == ("admin", "user 'ann': 2")


# -- lock-outs --------------------------------------------------------------------


@pytest.fixture
def locked_out(settings: Any) -> None:
    """Others guess at the password of ann, from many addresses."""
    rates = {"USER": 99, "ADDRESS": 999, "LOG_IN_ADDRESS": 99, "LOG_IN_USER": 3}
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": rates}


def guess(times: int = 5) -> None:
    for n in range(times):
        log_in(Client(REMOTE_ADDR=f"10.0.{n}.1"), "wrong")


def log_in(client: Client, password: str = PASSWORD) -> bool:
    answer = client.post("/log-in/", {"username": "ann", "password": password})
    return bool(answer.status_code == 302)


def test_guesses_do_not_lock_out_a_browser_that_is_known(locked_out: None) -> None:
    ann()
    mine, new = Client(), Client()
    assert log_in(mine)
    cookie = mine.cookies[COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    assert "ann" not in cookie.value
    mine.post("/log-out/")
    guess()
    assert not log_in(new)
    assert log_in(mine)


def test_a_browser_that_is_known_has_few_guesses(
    locked_out: None, settings: Any
) -> None:
    settings.HAYSTACK["THROTTLE"]["LOG_IN_BROWSER"] = 4
    ann()
    stolen = Client()
    assert log_in(stolen)
    for _ in range(4):
        assert not log_in(stolen, "wrong")
    assert not log_in(stolen)


def test_the_cookie_is_of_one_user(locked_out: None) -> None:
    ann()
    user("eve", "viewer")
    client = Client()
    data = {"username": "eve", "password": PASSWORD}
    assert client.post("/log-in/", data).status_code == 302
    guess()
    assert not log_in(client)


@pytest.mark.parametrize("value", ["", "x", "a:b:c", '["x",["y"]]'])
def test_a_forged_cookie_is_none(locked_out: None, value: str) -> None:
    ann()
    guess()
    client = Client()
    client.cookies[COOKIE] = value
    assert not log_in(client)


def test_a_new_password_ends_a_lock_out_in_this_browser(locked_out: None) -> None:
    ann()
    guess()
    client = Client()
    assert not log_in(client)
    ask(client=client)
    [text] = send()
    set_password(client, link_of(text))
    assert log_in(client, NEW)


def test_one_address_alone_is_locked_out_sooner(settings: Any) -> None:
    rates = {"LOG_IN_ADDRESS_USER": 2, "LOG_IN_USER": 50, "LOG_IN_ADDRESS": 50}
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": rates}
    ann()
    here, there = Client(REMOTE_ADDR="10.1.0.1"), Client(REMOTE_ADDR="10.2.0.1")
    assert not log_in(here, "wrong") and not log_in(here, "wrong")
    assert not log_in(here)
    assert log_in(there)

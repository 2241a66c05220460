"""Too many requests are answered 429 with Retry-After."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from haystack_app.models import AuditEntry
from tests.api.conftest import PASSWORD, basic, logged_in, user
from tests.auth.handshaking import Handshake, b64

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("scram_passwords")]
RATES = {"USER": 5, "ADDRESS": 6, "LOG_IN_ADDRESS": 4, "LOG_IN_USER": 3}


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel("2026-11-01T12:00:15Z", tick=False) as clock:
        yield clock


@pytest.fixture
def on(settings: Any, scram_passwords: None) -> Any:
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": RATES}
    return settings


def about(client: Client | None = None, address: str = "10.0.0.1", **more: Any) -> Any:
    return (client or Client()).get("/api/about", REMOTE_ADDR=address, **more)


def wrong(name: str = "alice", address: str = "10.0.0.1") -> int:
    return int(about(address=address, headers=basic(name, "wrong")).status_code)


def refused(answer: Any) -> None:
    assert answer.status_code == 429
    assert answer["Retry-After"] == "45"
    assert answer["Cache-Control"] == "no-cache, no-store"
    body = answer.json()
    assert body["status"] == 429
    assert "45 s" in body["dis"]


def test_a_user(on: Any, clock: Any) -> None:
    alice = logged_in("alice")
    assert [about(alice).status_code for _ in range(5)] == [200] * 5
    refused(about(alice))
    refused(alice.post("/api/read", b'ver:"3.0"\nempty\n', content_type="text/zinc"))
    refused(alice.get("/api/entities/"))
    refused(about(again("alice")))  # another session of hers
    assert about(logged_in("bob")).status_code == 200
    clock.shift(45)
    assert about(again("alice")).status_code == 200


def again(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def test_an_address_without_login(on: Any) -> None:
    alice = logged_in("alice")
    assert [about().status_code for _ in range(6)] == [401] * 6
    refused(about())
    refused(about(headers={"Authorization": "Bearer 123"}))
    assert about(address="10.0.0.2").status_code == 401
    assert about(alice).status_code == 200


def test_guessing_at_a_user(on: Any, clock: Any) -> None:
    user("alice")
    assert [wrong(address=f"10.0.1.{it}") for it in range(3)] == [401] * 3
    refused(about(headers=basic("alice", "wrong")))
    refused(about(headers=basic("alice", PASSWORD)))  # or right guesses would show
    refused(about(headers={"Authorization": f"HELLO username={b64('alice')}"}))
    assert wrong("bob") == 401
    clock.shift(45)
    assert about(headers=basic("alice")).status_code == 200


def test_guessing_from_an_address(on: Any) -> None:
    assert [wrong(f"user{it}") for it in range(4)] == [401] * 4
    refused(about(headers=basic("user9", "wrong")))
    hello = {"Authorization": f"HELLO username={b64('user9')}"}
    assert about(headers=hello).status_code == 429
    assert wrong("user9", "10.0.0.2") == 401


def test_networks_of_ipv6_are_one_address(on: Any) -> None:
    assert [wrong(f"u{it}", f"2001:db8::{it}") for it in range(4)] == [401] * 4
    assert wrong("u9", "2001:db8::ffff:1") == 429
    assert wrong("u9", "2001:db8:0:1::1") == 401
    assert [wrong(f"v{it}", "::ffff:10.0.0.7") for it in range(4)] == [401] * 4
    assert wrong("v9", "10.0.0.7") == 429


def test_successful_logins_are_not_limited(on: Any) -> None:
    user("alice")
    on.HAYSTACK = {**on.HAYSTACK, "THROTTLE": {**RATES, "ADDRESS": 1_000}}
    for _ in range(10):
        Handshake(Client(), "alice").run()


def test_unfinished_handshakes_count(on: Any) -> None:
    """Otherwise attackers could start many before they guess."""
    user("alice")
    started = [Handshake(Client(), "alice") for _ in range(3)]
    for one in started:
        assert one.hello().status_code == 401
    answer = about(headers={"Authorization": f"HELLO username={b64('alice')}"})
    refused(answer)


def test_steps_of_no_handshake_count_by_address(on: Any) -> None:
    header = {"Authorization": f"SCRAM data={b64('x')}, handshakeToken=12"}
    assert [about(headers=header).status_code for _ in range(6)] == [403] * 6
    refused(about(headers=header))


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_forwarded_addresses(on: Any, proxies: int) -> None:
    """Only entries of the last proxies count: clients can forge others."""
    on.HAYSTACK = {**on.HAYSTACK, "PROXIES": proxies}

    def status(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded, **basic("x", "wrong")}
        return int(about(headers=headers).status_code)

    cache.clear()
    wide = {**RATES, "LOG_IN_USER": 1_000, "ADDRESS": 1_000}
    on.HAYSTACK = {**on.HAYSTACK, "THROTTLE": wide}
    for it in range(4):
        invented = {
            0: f"9.9.9.{it}, 8.8.8.{it}",
            1: f"9.9.9.{it}, 1.2.3.4",
            2: f"9.9.9.{it}, 1.2.3.4, 10.9.9.{it}",
        }
        assert status(invented[proxies]) == 401
    others = {0: "7.7.7.7", 1: "9.9.9.9, 1.2.3.4", 2: "7.7.7.7, 1.2.3.4, 10.9.9.9"}
    assert status(others[proxies]) == 429
    fresh = {0: 429, 1: 401, 2: 401}
    assert status("1.2.3.5, 1.2.3.6") == fresh[proxies]
    address = AuditEntry.objects.filter(event="log-in throttled").get().address
    assert address == ("10.0.0.1" if proxies == 0 else "1.2.3.4")


@pytest.mark.parametrize("form_of", ["/admin/login/", "/log-in/"])
def test_the_forms_of_pages(on: Any, form_of: str) -> None:
    user("boss", is_staff=True)
    client = Client()
    form = {"username": "boss", "password": "wrong"}
    for _ in range(3):
        assert b"Too many" not in client.post(form_of, form).content
    answer = client.post(form_of, {**form, "password": PASSWORD})
    assert b"Too many attempts. Try again in 45 seconds." in answer.content
    assert "_auth_user_id" not in client.session


def test_refusals_are_logged_once(on: Any) -> None:
    for _ in range(9):
        wrong()
    notes = AuditEntry.objects.filter(event__startswith="log-in").order_by("pk")
    # the fourth is too many for the user, the fifth for the address
    found = [(note.event, note.times) for note in notes]
    assert found == [("log-in failed", 3), ("log-in throttled", 2)]


def test_off(settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": None}
    assert {about().status_code for _ in range(50)} == {401}
    assert {wrong() for _ in range(50)} == {401}


def test_counting_is_one_call(on: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = logged_in("alice")
    about(alice)
    calls: list[str] = []
    for name in ("get", "set", "add", "incr", "get_many"):
        monkeypatch.setattr(
            type(cache._connections[cache._alias]),  # type: ignore[attr-defined]
            name,
            counted(getattr(cache, name), calls, name),
        )
    assert about(alice).status_code == 200
    assert calls == ["incr"]


def counted(original: Any, calls: list[str], name: str) -> Any:
    def call(_: Any, *args: Any, **options: Any) -> Any:
        calls.append(name)
        return original(*args, **options)

    return call


def test_outage_of_the_cache_does_not_refuse_requests(
    on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> Any:
        raise ConnectionError

    alice = logged_in("alice")
    monkeypatch.setattr("django.core.cache.backends.locmem.LocMemCache.incr", down)
    assert about(alice).status_code == 200

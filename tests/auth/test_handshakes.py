"""The handshake over HTTP: what clients need, and what it must not reveal."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import logging
import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from haystack_app.models import Handshake as StoredHandshake
from haystack_app.models import Token
from tests.auth.conftest import ROUNDS
from tests.auth.handshaking import (
    PASSWORD,
    Handshake,
    b64,
    bearer,
    plain,
    unb64,
    value,
)

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def about(token: str) -> Any:
    return Client().get("/api/about", headers=bearer(token))


def test_every_string(alice: User) -> None:
    attempt = Handshake(Client(), "alice")
    hello = attempt.hello()
    assert hello.status_code == 401
    assert re.fullmatch(
        r"scram handshakeToken=[0-9a-f]{32}, hash=SHA-256", hello["WWW-Authenticate"]
    )
    first = attempt.first()
    assert first.status_code == 401
    challenge = first["WWW-Authenticate"]
    assert re.fullmatch(
        rf"scram data=[A-Za-z0-9]+, handshakeToken={attempt.token}, hash=SHA-256",
        challenge,
    )
    assert re.fullmatch(
        rf"r={attempt.nonce}[0-9a-f]{{32}},s=[A-Za-z0-9+/]{{22}}==,i={ROUNDS}",
        unb64(value(challenge, "data")).decode(),
    )
    final = attempt.final()
    assert (final.status_code, final.content) == (200, b"")
    assert re.fullmatch(
        r"authToken=[0-9a-f]{64}, data=[A-Za-z0-9]+, hash=SHA-256",
        final["Authentication-Info"],
    )
    assert (
        unb64(value(final["Authentication-Info"], "data")).decode() == attempt.expected
    )
    for response in (hello, first, final):
        assert response["Cache-Control"] == "no-cache, no-store"
        assert response["Content-Length"] == "0"
    token = value(final["Authentication-Info"], "authToken")
    assert about(token).status_code == 200
    assert not StoredHandshake.objects.exists()


@pytest.mark.parametrize(
    "path",
    ["/api/about", "/api/sys/about", "/api/none/about", "/ui", "/", "/admin/", "/a b"],
)
def test_any_path(alice: User, path: str) -> None:
    assert about(Handshake(Client(), "alice", path=path).run()).status_code == 200


def test_get_and_post_are_the_only_methods(alice: User) -> None:
    attempt = Handshake(Client(), "alice")
    header = f"HELLO username={b64('alice')}"
    assert "handshakeToken" in attempt.send(header, "POST")["WWW-Authenticate"]
    for method in ("PUT", "DELETE", "HEAD", "OPTIONS"):
        response = attempt.send(header, method)
        assert "handshakeToken" not in response.get("WWW-Authenticate", "")


def test_disallowed_hosts(alice: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["here"]
    header = {"Authorization": f"HELLO username={b64('alice')}"}
    assert Client().get("/ui", headers=header).status_code == 400
    assert Client().get("/ui", headers={**header, "Host": "here"}).status_code == 401


class Pyhaystack(Handshake):
    """No ``n,,``, standard base64 with padding, a proof that ends with a newline."""

    binding = ""

    def scram(self, message: bytes | str) -> Any:
        raw = message.encode() if isinstance(message, str) else message
        if raw.startswith(b"c="):
            raw += b"\n"
        return self.send(f"scram handshaketoken={self.token},data={plain(raw)}")


class Shouting(Handshake):
    def scram(self, message: bytes | str) -> Any:
        return self.send(f'SCRAM HANDSHAKETOKEN="{self.token}" , DATA="{b64(message)}"')


class Urlsafe(Handshake):
    """The proof in the other alphabet."""

    def final_message(self) -> str:
        body, proof = super().final_message().rsplit(",p=", 1)
        return f"{body},p={proof.translate(str.maketrans('+/', '-_')).rstrip('=')}"


@pytest.mark.parametrize("kind", [Pyhaystack, Shouting, Urlsafe])
def test_any_spelling(alice: User, kind: type[Handshake]) -> None:
    for _ in range(4):  # proofs with and without + and /
        assert about(kind(Client(), "alice").run()).status_code == 200


@pytest.mark.parametrize("name", ["ünï", "a,b=c", "x" * 150, "a b", "数据", "=2C"])
def test_names_and_passwords_of_all_kinds(name: str, scram: Any) -> None:
    password = "pässwörd€ ,=\t" + name
    User.objects.create_user(name, password=password)
    assert about(Handshake(Client(), name, password).run()).status_code == 200


def test_escaped_names(scram: Any) -> None:
    User.objects.create_user("a,b=c", password=PASSWORD)

    class Escaping(Handshake):
        @property
        def bare(self) -> str:
            return f"n=a=2Cb=3Dc,r={self.nonce}"

    assert Escaping(Client(), "a,b=c").run()


def test_names_are_exact(alice: User) -> None:
    for name in ("Alice", "alice ", "ALICE", "alice\u200b"):
        attempt = Handshake(Client(), name)
        attempt.hello(), attempt.first()
        assert attempt.final().status_code == 403


def test_failed_handshake_is_deleted(alice: User) -> None:
    attempt = Handshake(Client(), "alice", "wrong")
    attempt.hello(), attempt.first()
    challenged = attempt.last
    assert attempt.final().status_code == 403
    assert "WWW-Authenticate" not in attempt.last
    attempt.last, attempt.password = challenged, PASSWORD
    assert attempt.final().status_code == 403
    assert attempt.first().status_code == 403
    assert not Token.objects.exists()


def test_no_replay(alice: User) -> None:
    attempt = Handshake(Client(), "alice")
    attempt.run()
    message = f"c=biws,r={attempt.nonce},p=AAAA"
    assert attempt.scram(message).status_code == 403
    assert attempt.first().status_code == 403


def test_the_first_message_counts_once(alice: User) -> None:
    attempt = Handshake(Client(), "alice")
    attempt.hello(), attempt.first()
    assert attempt.first().status_code == 400  # no final message, and burnt
    assert attempt.first().status_code == 403


@pytest.mark.parametrize(("seconds", "status"), [(29, 200), (31, 403)])
def test_handshake_expires(alice: User, seconds: int, status: int) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        attempt = Handshake(Client(), "alice")
        attempt.hello()
        clock.shift(seconds / 2)
        attempt.first()
        clock.shift(seconds / 2)
        assert attempt.final().status_code == status
        clock.shift(60)
        Handshake(Client(), "alice").hello()
        assert StoredHandshake.objects.count() == 1  # those that expired are swept


def test_first_message_expires(alice: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        attempt = Handshake(Client(), "alice")
        attempt.hello()
        clock.shift(31)
        assert attempt.first().status_code == 403


def test_user_changes_between_steps(alice: User) -> None:
    attempt = Handshake(Client(), "alice")
    attempt.hello(), attempt.first()
    alice.set_password(PASSWORD)
    alice.save()
    assert attempt.final().status_code == 403
    attempt = Handshake(Client(), "alice")
    attempt.hello(), attempt.first()
    User.objects.update(is_active=False)
    assert attempt.final().status_code == 403


# -- existence of users is not revealed ------------------------------------------


def salt_of(attempt: Handshake) -> str:
    attempt.hello(), attempt.first()
    data = value(attempt.last["WWW-Authenticate"], "data")
    return unb64(data).decode().split(",")[1]


def test_decoy_challenge_is_stable(alice: User, scram: Any) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    User.objects.create_user("never")
    User.objects.create(username="odd", password="scram$1$x")
    salts = set()
    for name in ("unknown", "unknown2", "gone", "never", "odd"):
        first, second = (salt_of(Handshake(Client(), name)) for _ in range(2))
        assert first == second
        assert re.fullmatch(r"s=[A-Za-z0-9+/]{22}==", first)
        salts.add(first)
    assert len(salts) == 5
    scram.SECRET_KEY = "another"
    assert salt_of(Handshake(Client(), "unknown")) not in salts


def count_of(name: str) -> int:
    attempt = Handshake(Client(), name)
    attempt.hello(), attempt.first()
    data = value(attempt.last["WWW-Authenticate"], "data")
    return int(unb64(data).decode().split(",i=")[1])


def test_iterations_of_decoys_are_those_of_users(scram: Any, db: None) -> None:
    """Stored passwords keep the count with which they were set."""
    unknown = [f"unknown{number}" for number in range(40)]
    for count, number in ((4_096, 6), (5_000, 6), (7_000, 1)):
        scram.HAYSTACK = {**scram.HAYSTACK, "SCRAM_ITERATIONS": count}
        for one in range(number):
            User.objects.create_user(f"u{count}-{one}", password=PASSWORD)
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    scram.HAYSTACK = {**scram.HAYSTACK, "SCRAM_ITERATIONS": 9_000, "THROTTLE": None}
    found = {name: count_of(name) for name in unknown}
    drawn = Counter(found.values())
    assert {4_096, 5_000} <= drawn.keys() <= {4_096, 5_000, 7_000}
    assert drawn[7_000] < min(drawn[4_096], drawn[5_000])
    scram.HAYSTACK = {**scram.HAYSTACK, "SCRAM_ITERATIONS": 8_000}
    User.objects.create_user("new", password=PASSWORD)
    kept = sum(count_of(name) == count for name, count in found.items())
    assert kept > 30
    User.objects.all().delete()
    assert {count_of(name) for name in unknown[:3]} == {8_000}


def costs(name: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Status, statements, hashes and body of each step with a wrong password."""
    attempt = Handshake(Client(), name, "wrong")
    counts: dict[str, int] = {}

    def counted(word: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            counts[word] = counts.get(word, 0) + 1
            return function(*args, **kwargs)

        return call

    found = []
    for step in ("hello", "first", "final"):
        message = attempt.final_message() if step == "final" else ""
        counts.clear()
        with monkeypatch.context() as patch, CaptureQueriesContext(connection) as sql:
            patch.setattr(hashlib, "pbkdf2_hmac", counted("kdf", hashlib.pbkdf2_hmac))
            patch.setattr(hmac, "digest", counted("hmac", hmac.digest))
            last = attempt.scram(message) if message else getattr(attempt, step)()
        verbs = [query["sql"].split()[0] for query in sql.captured_queries]
        headers = sorted(last.headers)
        found.append(
            (step, last.status_code, verbs, dict(counts), last.content, headers)
        )
    return found


def test_known_and_unknown_users_take_the_same_work(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create_user("disabled", password=PASSWORD, is_active=False)
    User.objects.create_user("never")
    known = costs("alice", monkeypatch)
    assert [step[1] for step in known] == [401, 401, 403]
    assert all("kdf" not in step[3] for step in known)  # the client's work alone
    for name in ("unknown", "disabled", "never"):
        assert costs(name, monkeypatch) == known


def test_a_disabled_user_with_the_right_password(alice: User) -> None:
    alice.is_active = False
    alice.save()
    attempt = Handshake(Client(), "alice")
    attempt.hello(), attempt.first()
    assert attempt.final().status_code == 403


# -- hostile input ---------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "HELLO",
        "HELLO username",
        "HELLO username=",
        "HELLO username=!",
        "HELLO username=YQ, username=Yg",
        "HELLO user=YQ",
        f"HELLO username={b64(b'ff' + bytes([255]))}",
        f"HELLO username={b64('a' + chr(0))}",
        f"HELLO username={b64('a' * 1001)}",
        "HELLO username=" + "A" * 20_000,
        "HELLO username=ü",
        "SCRAM",
        "SCRAM data=!, handshakeToken=x",
        "SCRAM data=YQ handshakeToken=x",
    ],
)
def test_malformed(header: str) -> None:
    response = Client().get("/api/about", headers={"Authorization": header})
    assert response.status_code == 400
    assert response.json()["status"] == 400
    assert not StoredHandshake.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "0" * 32, "0" * 5000])
def test_unknown_handshakes(token: str) -> None:
    header = {"Authorization": f"SCRAM data=biws, handshakeToken={token}"}
    assert Client().get("/api/about", headers=header).status_code == 403


@pytest.mark.parametrize(
    "final",
    [
        "c=eSws,r={nonce},p={proof}",
        "c=,r={nonce},p={proof}",
        "c=biws,r={nonce}0,p={proof}",
        "c=biws,r=,p={proof}",
        "c=biws,r={nonce},p=",
        "c=biws,r={nonce},p=AAAA{proof}",
    ],
)
def test_final_messages_of_other_handshakes(alice: User, final: str) -> None:
    attempt = Handshake(Client(), "alice")
    attempt.hello(), attempt.first()
    right = attempt.final_message()
    nonce, proof = right[9:].rsplit(",p=", 1)
    assert attempt.scram(final.format(nonce=nonce, proof=proof)).status_code == 403


class Mutant(Handshake):
    """Changes one thing in one of the three headers."""

    def __init__(self, name: str, seed: int) -> None:
        super().__init__(Client(), name)
        self.random = random.Random(seed)
        self.step = self.random.randrange(3)
        self.changed = ("", "")

    def send(self, header: str, method: str = "GET") -> Any:
        if self.step == 0:
            self.changed = (header, self.mutated(header))
            header = self.changed[1]
        self.step -= 1
        return super().send(header, method)

    def mutated(self, header: str) -> str:
        """In base64 most of the time, or the message inside it."""
        chance = self.random
        if "data=" in header and chance.random() < 0.5:
            data = value(header, "data")
            raw = bytearray(unb64(data))
            at = chance.randrange(len(raw))
            raw[at] ^= 1 << chance.randrange(8)
            return header.replace(data, b64(bytes(raw)))
        at = chance.randrange(6, len(header))
        letters = "abcXYZ019-_+/=, \"'\\\x7f\xe9"
        piece = chance.choice(["", *letters, chance.choice(letters) * 40])
        return header[:at] + piece + header[at + 1 :]


def same(header: str, other: str) -> bool:
    """Whether headers are equal except for case, padding and blanks."""

    def meaning(text: str) -> list[str]:
        parts = text.replace('"', "").replace("+", "-").replace("/", "_").split(",")
        cleaned = (re.sub(r"\s*=\s*", "=", part.strip(), count=1) for part in parts)
        named = (part.partition("=") for part in cleaned if part)
        return sorted(
            f"{re.sub(' +', ' ', name).lower().strip()}={rest.rstrip('=').strip()}"
            for name, _, rest in named
        )

    return meaning(header) == meaning(other) or decoded(header) == decoded(other)


def decoded(header: str) -> tuple[bytes, bytes, str] | str:
    """Message without the proof, proof, and token; else the header itself.

    The last letter of base64 has bits that mean nothing, in ``data`` and in the
    proof, so two texts may be one proof.
    """
    try:
        message, _, proof = unb64(value(header, "data")).partition(b",p=")
        return message, unb64(proof.decode()), value(header, "handshakeToken")
    except (AssertionError, AttributeError, KeyError, ValueError):
        return header


def test_a_thousand_mutated_handshakes(alice: User) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    statuses: dict[int, int] = {}
    for seed in range(1000):
        mutant = Mutant(("alice", "bob")[seed % 2], seed)
        for step in (mutant.hello, mutant.first, mutant.final):
            try:
                step()
            except (AssertionError, KeyError, ValueError):
                break  # nothing in the last answer to go on with
            if mutant.last.status_code not in (200, 401):
                break
        status = mutant.last.status_code
        if status == 200:
            assert same(*mutant.changed), mutant.changed
            continue
        assert 400 <= status < 500, (status, mutant.changed)
        statuses[status] = statuses.get(status, 0) + 1
    assert sum(statuses.values()) > 900
    assert {400, 403} <= statuses.keys()


# -- the log ---------------------------------------------------------------------


def test_failures_are_logged_and_secrets_are_not(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for name in ("alice", "no\nbody" + "x" * 300):
            attempt = Handshake(Client(REMOTE_ADDR="10.1.2.3"), name, "wr0ng")
            attempt.hello(), attempt.first(), attempt.final()
        token = Handshake(Client(), "alice").run()
        about(token), about("f" * 64)
    ours = [r for r in caplog.records if r.name == "haystack_app.auth"]
    assert [record.levelname for record in ours] == ["WARNING", "WARNING"]
    one, two = (record.getMessage() for record in ours)
    assert one == "login of 'alice' from 10.1.2.3: wrong password"
    assert "'no\\nbodyxxx" in two and "\n" not in two and len(two) < 200
    for secret in (token, attempt.token, "wr0ng", PASSWORD, b64("alice"), "f" * 64):
        assert secret not in caplog.text

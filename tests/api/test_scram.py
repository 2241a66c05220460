"""Logins of clients: phable, tokens and their scopes, several processes."""

from __future__ import annotations

import datetime as dt
import http.client
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import phable
import pytest
from django.core.cache import cache
from django.test import Client
from phable.auth.scram import AuthError, ScramScheme

from haystack_app.auth import tokens
from haystack_app.kinds import MARKER
from haystack_app.models import Token
from haystack_app.ops import all_ops
from haystack_app.storage.handler import storages
from tests.api.callers import databases, make_user
from tests.api.conftest import PASSWORD, fill, grid_of, served, user
from tests.api.servers import Server, Servers, url_of
from tests.auth.handshaking import Handshake, bearer
from tests.defects.building import point
from tests.patience import eventually

EMPTY = b'ver:"3.0"\nempty\n'


@pytest.fixture(params=databases("sqlite", "timescale"))
def pair(
    request: pytest.FixtureRequest, scram_passwords: None, servers: Servers
) -> tuple[Server, Server]:
    """Two processes on one database, with a user and a building in it."""
    request.getfixturevalue("transactional_db")
    alias = request.param
    fill(storages["default" if alias == "default" else alias])
    writable = point("w", unit="°F", writable=MARKER)
    storages["default" if alias == "default" else alias].load_entities([writable])
    make_user(alias, "alice", PASSWORD, is_staff=True, is_superuser=True)
    url = url_of(alias)
    return servers.running(url), servers.running(url, 1)


def test_two_processes_share_handshakes_and_tokens(
    pair: tuple[Server, Server],
) -> None:
    one, two = pair
    attempt = Handshake(Remote(one), "alice")
    attempt.hello()
    attempt.client = Remote(two)
    attempt.first()
    attempt.client = Remote(one)
    attempt.final()
    assert attempt.last.status_code == 200
    token = attempt.last["Authentication-Info"].split(",")[0].split("=")[1]
    for server in pair:
        assert Remote(server).about(token) == 200
    attempt = Handshake(Remote(two), "alice")
    attempt.hello(), attempt.first()
    one.__exit__()
    one.__enter__()  # a restart
    assert Remote(one).about(token) == 200
    attempt.client = Remote(one)
    assert attempt.final().status_code == 200
    closing = Remote(two).generic("POST", "/api/close", bearer(token), EMPTY)
    assert closing.status_code == 200
    assert Remote(two).about(token) == 401
    # another process may remember the login for a second
    eventually(lambda: Remote(one).about(token) == 401)


def is_refused(client: Any) -> bool:
    try:
        client.about()
    except Exception as error:  # phable has a class of its own for each form
        return "401" in str(error)
    return False


@pytest.mark.parametrize("form", ["json", "zinc"])
def test_all_that_phable_does(pair: tuple[Server, Server], form: str) -> None:
    uri = f"{pair[0].root}/api/"
    with pytest.raises(AuthError):
        phable.HaxallClient.open(uri, "alice", "wrong", content_type=form)
    client = phable.HaxallClient.open(uri, "alice", PASSWORD, content_type=form)
    other = phable.HaxallClient(
        f"{pair[1].root}/api/sys", client._auth_token, content_type=form
    )
    assert client.about()["whoami"] == other.about()["whoami"] == "alice"
    assert client.read("site")["id"] == other.read("site")["id"]
    points = client.read_all("point", limit=3)
    ids = [row["id"] for row in points.rows]
    assert len(client.read_by_ids(ids).rows) == 3
    assert client.read_by_id(ids[0])["id"] == ids[0]
    day = dt.date(2024, 3, 2)
    zone = client.read_by_id(phable.Ref("n"))
    at = dt.datetime(2024, 3, 2, 12, tzinfo=dt.UTC).astimezone(phable_zone(zone["tz"]))
    client.his_write_by_id(phable.Ref("n"), [{"ts": at, "val": phable.Number(1)}])
    client.his_write_by_ids(
        [phable.Ref("n")],
        [{"ts": at + dt.timedelta(hours=1), "v0": phable.Number(2)}],
    )
    assert len(client.his_read_by_id(phable.Ref("n"), day).rows) == 2
    assert len(other.his_read_by_ids([phable.Ref("n")], day).rows) == 2
    client.point_write(phable.Ref("w"), 8, phable.Number(70))
    assert other.point_write_array(phable.Ref("w")).rows[7]["val"].val == 70
    added = client.commit_add([{"dis": "New"}]).rows[0]
    changed = client.commit_update({**added, "dis": "Changed"}).rows[0]
    client.commit_remove([changed])
    client.close()
    with pytest.raises(Exception, match="401"):
        client.about()
    eventually(lambda: is_refused(other))


def phable_zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo({"New_York": "America/New_York"}.get(name, name))


class Remote:
    """As much of Django's test client as a ``Handshake`` needs, over a socket."""

    def __init__(self, server: Server | SimpleNamespace) -> None:
        self.server = server

    def generic(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        sent = {**headers, "Content-Type": "text/zinc"}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return Answer(answer)

    def about(self, token: str) -> int:
        answer: Answer = self.generic("GET", "/api/about", bearer(token))
        return answer.status_code


class Answer:
    """Names of headers are read letter by letter, as pyhaystack does it."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status_code = answer.status
        self.headers = dict(answer.getheaders())
        self.content = b""

    def __getitem__(self, name: str) -> str:
        return self.headers[name]


@pytest.mark.parametrize("parser", ["httptools", "h11"])
def test_names_of_headers_are_spelt_as_specified(
    scram_passwords: None, transactional_db: None, parser: Any
) -> None:
    user("alice")
    with served(parser) as port:
        remote = Remote(SimpleNamespace(port=port))
        Handshake(remote, "alice", path="/ui").run()
        refused = remote.generic("GET", "/api/about", bearer("no"))
        assert "scram" in refused["WWW-Authenticate"]


def test_twelve_at_once(scram_passwords: None, live: Any) -> None:
    uri = f"http://127.0.0.1:{live().port}/api"

    def log_in(_: int) -> str:
        scheme = ScramScheme(uri, "alice", PASSWORD, "application/json")
        return scheme.get_auth_token()

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(log_in, range(12)))
    assert len(set(found)) == 12
    for token in found:
        assert phable.HaystackClient(uri, token).about()["whoami"] == "alice"


def test_phable_on_a_live_server(scram_passwords: None, transactional_db: None) -> None:
    user("ünï,=")
    with served() as port:
        uri = f"http://127.0.0.1:{port}/api/memory"
        with phable.open_haystack_client(uri, "ünï,=", PASSWORD) as client:
            assert client.about()["whoami"] == "ünï,="
        assert not Token.objects.exists()


# -- bearer tokens ---------------------------------------------------------------


def named(owner: Any, scope: str) -> str:
    token = Token(user=owner, name=scope, scope=scope)
    secret = tokens.create_secret(token)
    token.save()
    return secret


def call(token: str, op: str, method: str = "POST", **headers: str) -> Any:
    return Client(enforce_csrf_checks=True).generic(
        method,
        f"/api/{op}",
        EMPTY if method == "POST" else b"",
        "text/zinc",
        headers={**bearer(token), **headers},
    )


@pytest.mark.django_db
def test_any_spelling_of_a_bearer() -> None:
    token = tokens.issue(user("alice"))
    for header in (
        f"BEARER authToken={token}",
        f"bearer authtoken={token}",
        f'Bearer authToken="{token}"',
        f"Bearer {token}",
        f"  bearer   {token}  ",
    ):
        response = Client().get("/api/about", headers={"Authorization": header})
        [row] = grid_of(response)
        assert row["whoami"] == "alice"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer x", "BEARER authToken=x", "BEARER authToken=", "Bearer é"],
)
def test_invalid_tokens(header: str) -> None:
    for path in ("/api/about", "/api/hisWrite", "/api/entities/"):
        client = Client()
        client.force_login(user(f"of {path}"))  # a session does not help
        for method in ("GET", "POST"):
            response = client.generic(method, path, headers={"Authorization": header})
            assert response.status_code == 401
            assert response["WWW-Authenticate"] == "scram hash=SHA-256"


@pytest.mark.django_db
def test_basic_is_only_offered_to_its_users() -> None:
    """Otherwise browsers would prompt for a password."""
    for header, challenge in (
        ({}, "scram hash=SHA-256"),
        ({"Authorization": "Basic YTpi"}, 'Basic realm="haystack"'),
        ({"Authorization": "Negotiate x"}, "scram hash=SHA-256"),
    ):
        response = Client().get("/api/about", headers=header)
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == challenge


@pytest.mark.django_db
def test_writing_needs_no_csrf_token() -> None:
    token = tokens.issue(user("alice", is_staff=True, is_superuser=True))
    assert call(token, "hisWrite").status_code == 200
    assert call(token, "commit").status_code == 200


@pytest.mark.django_db
def test_close_ends_the_token_it_came_with() -> None:
    alice = user("alice")
    one, two = tokens.issue(alice), tokens.issue(alice)
    assert call(one, "close").status_code == 200
    assert call(one, "about").status_code == 401
    assert call(two, "about").status_code == 200
    assert call(two, "close", "GET").status_code == 405
    assert call(two, "about").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["read", "write", "admin"])
def test_close_leaves_tokens_of_the_api(scope: str) -> None:
    token = named(user("alice"), scope)
    assert call(token, "close").status_code == 200
    assert call(token, "about").status_code == 200


NEEDED = {
    "hisWrite": "write",
    "pointWrite": "write",
    "curWrite": "write",
    "invokeAction": "write",
    "load": "admin",
    "commit": "admin",
    "bulkUpdate": "admin",
    "copyTree": "admin",
    "emptyTrash": "admin",
    "moveTree": "admin",
}
"""All other ops only read."""


@pytest.mark.django_db
def test_scopes() -> None:
    boss = user("boss", is_staff=True, is_superuser=True)
    limits = {"read": 0, "write": 1, "admin": 2}
    secrets = {scope: named(boss, scope) for scope in limits}
    for op in all_ops():
        needed = limits.get(NEEDED.get(op.name, "read"), 0)
        if op.name == "close":
            continue
        for scope, limit in limits.items():
            response = call(secrets[scope], op.name)
            assert (response.status_code == 403) == (limit < needed), (op.name, scope)
            if limit < needed:
                assert "token scope" in response.json()["dis"]
    assert call(secrets["read"], "hisWrite", "GET").status_code == 405
    assert call(secrets["read"], "unknown").status_code == 404


@pytest.mark.django_db
def test_scopes_of_rest() -> None:
    boss = user("boss", is_staff=True, is_superuser=True)
    for scope, status in (("read", 403), ("write", 403), ("admin", 201)):
        headers = bearer(named(boss, scope))
        client = Client()
        assert client.get("/api/entities/", headers=headers).status_code == 200
        response = client.post(
            "/api/entities/", {"dis": scope}, "application/json", headers=headers
        )
        assert response.status_code == status, response.content


@pytest.mark.django_db
def test_scope_does_not_extend_permissions() -> None:
    token = named(user("viewer"), "admin")
    assert call(token, "commit").status_code == 403


@pytest.mark.django_db
def test_basic_still_works_and_its_failures_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache.clear()
    user("alice")
    client = Client(headers={"Authorization": "Basic YWxpY2U6d3Jvbmc="})
    assert client.get("/api/about").status_code == 401
    [record] = [r for r in caplog.records if r.name == "haystack_app.auth"]
    assert "'alice' from 127.0.0.1" in record.getMessage()
    assert "wrong" not in record.getMessage().replace("wrong password", "")

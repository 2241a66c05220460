"""Two app hosts, one PostgreSQL, one Redis: any host answers any request."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.wire import zinc_writer
from tests.api.conftest import basic
from tests.auth.handshaking import PASSWORD, Handshake
from tests.live.conftest import ids_of
from tests.machines.hosts import Hosts, hosts, op
from tests.outages.services import Postgres, Redis, running
from tests.outages.site import Site, connected
from tests.patience import PATIENCE, eventually

ATTEMPTS = 12


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres) as service:
        assert isinstance(service, Postgres)
        yield service


@pytest.fixture(scope="module")
def both(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hosts]:
    """Without periodic checks: what arrives was announced."""
    shared = tmp_path_factory.mktemp("shared")
    name = "two_hosts"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with running(Redis) as redis:
        environ = {
            "REDIS_URL": redis.url,
            "HAYSTACK_IMPORTS_DIR": str(shared / "imports"),
            "HAYSTACK_CHECK_SECONDS": "3000",
            "HAYSTACK_TICK_SECONDS": "0.2",
            "HAYSTACK_THROTTLE": "on",
            "HAYSTACK_THROTTLE_LOG_IN_USER": str(ATTEMPTS),
            "HAYSTACK_WORKER": "embedded",
        }
        url = f"{postgres.url.rpartition('/')[0]}/{name}"
        with hosts(url, tmp_path_factory.mktemp("hosts"), **environ) as found:
            for site in found.sites:
                eventually(lambda site=site: site.ready().status == 200, "ready")
            yield found


def cur(value: float) -> Grid:
    return Grid.of([{"id": Ref("n"), "val": Number(value)}])


# -- watches ------------------------------------------------------------------


def test_a_watch_is_polled_anywhere(both: Hosts) -> None:
    rows = [{"id": Ref("n")}]
    opened = both.op("watchSub", Grid.of(rows, meta={"watchDis": "any host"}))
    watch = {"watchId": opened.meta["watchId"]}
    for value in range(20):
        both.op("curWrite", cur(value))
        changed = both.op("watchPoll", Grid(meta=watch))
        assert [row["curVal"] for row in changed] == [Number(value)]
        assert list(both.op("watchPoll", Grid(meta=watch))) == []
    both.op("watchUnsub", Grid(meta={**watch, "close": MARKER}))
    for site in both.sites:
        answer = site.ask("/api/watchPoll", zinc_writer.grid_text(Grid(meta=watch)))
        assert answer.text.startswith('ver:"3.0" err'), answer.text


def test_pushes_reach_sockets_of_the_other_host(both: Hosts) -> None:
    with ExitStack() as held:
        sockets = [held.enter_context(connected(site)) for site in both.sites]
        for socket in sockets:
            assert ids_of(socket.sub("n")) == ["n"]
        for value in range(100, 110):
            writer = both.chance.choice(both.sites)
            op(writer, "curWrite", cur(value))
            for socket in sockets:
                [row] = socket.pushed()
                assert row["curVal"] == Number(value)


def test_a_socket_resumes_at_the_other_host(both: Hosts) -> None:
    one, other = both.sites
    with connected(one) as socket:
        first = socket.sub("n")
        seq = int(first.meta["seq"].val)
    both.op("curWrite", cur(7.5))
    with connected(other) as socket:
        again = socket.grid("resume", watchId=first.meta["watchId"], ack=seq)
        assert [row["curVal"] for row in again] == [Number(7.5)]
        op(one, "curWrite", cur(8.5))
        [row] = socket.pushed()
        assert row["curVal"] == Number(8.5)


def test_the_change_log_wakes_followers_of_the_other_host(both: Hosts) -> None:
    one, other = both.sites
    cursor = one.ask("/api/changes").json["cursor"]
    path = f"/api/changes?since={cursor}&wait=60"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(one.ask, path)
        row = {"id": Ref("made-there"), "dis": "Made there"}
        op(other, "commit", Grid.of([row], meta={"commit": "add"}))
        changes = waiting.result(PATIENCE).json["changes"]
    assert [change["id"] for change in changes] == ["made-there"]


# -- who is asking ------------------------------------------------------------


class _Steps:
    """Each step of a handshake at a host chosen at random, as Django's test client."""

    def __init__(self, both: Hosts) -> None:
        self.both = both

    def generic(self, method: str, path: str, headers: dict[str, str]) -> Any:
        answer = self.both.ask(path, **headers)
        return _Response(answer)


class _Response:
    def __init__(self, answer: Any) -> None:
        self.status_code, self.content = answer.status, answer.text
        self.headers = answer.headers

    def __getitem__(self, name: str) -> str:
        return str(self.headers[name])


def test_a_login_by_scram_is_used_and_ended_anywhere(both: Hosts) -> None:
    for _ in range(3):
        client: Any = _Steps(both)
        token = Handshake(client, "alice").run()
        header = {"Authorization": f"BEARER authToken={token}"}
        for site in both.sites:
            assert site.ask("/api/about", **header).status == 200
        one = both.chance.choice(both.sites)
        assert one.ask("/api/close", 'ver:"3.0"\nempty\n', **header).status == 200
        for site in both.sites:
            # a process remembers a login for a second
            eventually(
                lambda site=site, header=header: (
                    site.ask("/api/about", **header).status == 401
                ),
                "it has ended",
            )


class Browser:
    """Cookies and forms; it does not know that there are two hosts."""

    def __init__(self, both: Hosts) -> None:
        self.both = both
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, **form: str) -> tuple[int, str]:
        site = self.both.chance.choice(self.both.sites)
        data = None
        if form:
            form["csrfmiddlewaretoken"] = self.cookies["csrftoken"]
            data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(site.server.root + path, data)
        request.add_header("Cookie", "; ".join(map("=".join, self.cookies.items())))
        try:
            answer: Any = _OPENER.open(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            for cookie in answer.headers.get_all("Set-Cookie", ()):
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.read().decode()


class _AsItComes(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_AsItComes)


def test_a_session_is_used_and_ended_anywhere(both: Hosts) -> None:
    browser = Browser(both)
    browser.ask("/log-in/")
    assert browser.ask("/log-in/", username="alice", password=PASSWORD)[0] == 302
    for _ in range(6):
        assert browser.ask("/api/about")[0] == 200
    before = dict(browser.cookies)
    assert browser.ask("/log-out/", next="/")[0] == 302
    browser.cookies = before
    for _ in range(6):
        eventually(lambda: browser.ask("/api/about")[0] == 401, "it has ended")


def test_a_token_is_made_at_one_host_and_revoked_at_the_other(both: Hosts) -> None:
    browser = Browser(both)
    browser.ask("/log-in/")
    browser.ask("/log-in/", username="alice", password=PASSWORD)
    browser.ask("/account/")
    form = {"name": "made anywhere", "scope": "read", "days": "30"}
    status, page = browser.ask("/account/", **form)
    assert status == 200
    secret = page.partition('<code id="secret">')[2].partition("<")[0]
    header = {"Authorization": f"Bearer {secret}"}
    for site in both.sites:
        assert site.ask("/api/about", **header).status == 200
    row = page.partition('"Revoke made anywhere"')[0].rpartition("<form")[2]
    place = row.partition('action="')[2].partition('"')[0]
    assert browser.ask(place, sure="1")[0] == 302
    for site in both.sites:
        eventually(
            lambda site=site: site.ask("/api/about", **header).status == 401,
            "it is revoked",
        )


def test_failed_logins_are_counted_together(both: Hosts) -> None:
    """Exactly: twice as many hosts allow no more attempts."""

    def statuses() -> list[int]:
        asked = range(ATTEMPTS + 4)
        return [both.ask("/api/about", **basic("bob", "wrong")).status for _ in asked]

    found = statuses()
    if 429 not in found[: ATTEMPTS + 1] or found.index(429) < ATTEMPTS:
        found = statuses()  # a minute has ended meanwhile
    assert found == [401] * ATTEMPTS + [429] * 4


# -- work ---------------------------------------------------------------------


def test_jobs_run_once_and_are_seen_anywhere(both: Hosts) -> None:
    made = []
    for number in range(10):
        row = f"2024-02-{number + 1:02}T00:00:00Z UTC,{number}"
        body = f'ver:"3.0" id:@n\nts,val\n{row}\n'
        answer = both.ask("/api/hisWrite?job=true", body)
        assert answer.status == 202, answer.text
        made.append(answer.headers["Location"])
    for place in made:
        for site in both.sites:
            eventually(
                lambda site=site, place=place: (
                    site.ask(place).json["status"] == "successful"
                ),
                "it has run",
            )
        assert both.ask(place).json["attempts"] == 1
    answer = both.ask("/api/hisRead?id=@n&range=2024-02-01,2024-02-28")
    assert answer.text.count("\n2024-02") == 10


def test_a_write_with_a_duration_is_released_once(both: Hosts) -> None:
    """Both hosts look each 0.2 s."""
    row = {"id": Ref("n"), "writable": MARKER}
    both.op("commit", Grid.of([row], meta={"commit": "update", "force": MARKER}))
    for value in range(3):
        grid = {
            **{"id": Ref("n"), "level": Number(8), "val": Number(value)},
            **{"who": "test", "duration": Number(1, "sec")},
        }
        both.op("pointWrite", Grid.of([grid]))
        eventually(
            lambda: (
                "val" not in list(both.op("pointWrite", Grid.of([{"id": Ref("n")}])))[7]
            ),
            "it is released",
        )

    def kinds() -> list[str]:
        rows = both.ask("/api/entities/n/writes/").json
        return [row["kind"] for row in rows][::-1]

    eventually(lambda: kinds()[-1] == "expire", "the last one is in the log")
    assert kinds().count("set") == 3
    assert "expire expire" not in " ".join(kinds())


def test_an_import_in_parts_through_any_host(both: Hosts) -> None:
    lines = [
        f"2024-03-{n // 96 + 1:02} {n % 96 // 4:02}:{n % 4 * 15:02},{n}"
        for n in range(960)
    ]
    text = "\n".join(["Timestamp,n", *lines, ""])
    parts = [text[at : at + 2_000] for at in range(0, len(text), 2_000)]
    kind = {**both.headers, "Content-Type": "application/octet-stream"}
    path = f"/api/imports/?name=trends.csv&size={len(text)}"
    made = both.ask(path, parts[0], **kind)
    assert made.status == 201, made.text
    root = f"/api/imports/{made.json['id']}/"
    for part in parts[1:]:
        offset = both.ask(root).json["received"]
        answer = both.ask(f"{root}parts/?offset={offset}", part, **kind)
        assert answer.status == 200, answer.text
    corrected = {"tz": "UTC"}
    site = both.chance.choice(both.sites)
    answer = patch(site, root, corrected)
    assert answer["found"]["problem"] == ""
    assert both.ask(f"{root}start/", "", **kind).status == 202
    eventually(lambda: both.ask(root).json["job"]["status"] == "successful", "imported")
    read = both.ask("/api/hisRead?id=@n&range=2024-03-01,2024-03-31")
    assert read.text.count("\n2024-03") == 960


def patch(site: Site, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        site.server.root + path,
        json.dumps(body).encode(),
        {**site.headers, "Content-Type": "application/json"},
        method="PATCH",
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())

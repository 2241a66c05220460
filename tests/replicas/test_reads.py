"""Reads are answered by a replica that is fresh, and by the primary without one."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.outages.site import Site
from tests.patience import eventually
from tests.replicas.conftest import METRICS_TOKEN, Pair, counts, grows, reads, samples

READS = [
    "/api/read?filter=point",
    "/api/read?id=@n",
    "/api/nav",
    "/api/hisRead?id=@n&range=2024-01-01",
    '/api/eval?expr="readAll(point)"',
    "/api/entities/",
    "/api/entities/n/",
    "/api/entities/?format=csv",
    "/api/history/?ids=n&range=2024-01-01",
    "/api/history/?ids=n&range=2024-01-01&rollup=avg&interval=1hr",
    "/api/quality/",
    "/api/tags/",
    "/api/tags/siteRef/values/",
]
OTHERS = ["/api/about", "/api/changes/", "/api/users/", "/api/entities/n/changes/"]


@pytest.fixture(scope="module")
def shared(own: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with own.site(tmp_path_factory.mktemp("site")) as at:
        yield at


@pytest.fixture
def at(shared: Site, pair: Pair) -> Site:
    eventually(lambda: grows(shared, "replica_1"), "the replica is used")
    return shared


def test_which_reads_a_replica_answers(at: Site) -> None:
    before = counts(at)
    for path in READS:
        assert at.ask(path).status == 200, path
        after = counts(at)
        assert after["replica_1"] == before["replica_1"] + 1, path
        before = after
    for path in OTHERS:
        assert at.ask(path).status == 200, path
        assert counts(at) == before, path


def test_what_is_known_of_it(at: Site, pair: Pair) -> None:
    found = at.ask("/api/status/").json["replication"]
    [replica] = found.pop("replicas")
    assert found == {"timeline": 1, "commits": ""}
    assert (replica["name"], replica["state"]) == ("replica_1", "fresh")
    assert 0 <= replica["lagSeconds"] < 3
    text = at.ask("/metrics", Authorization=f"Bearer {METRICS_TOKEN}").text
    states = samples(text, "haystack_replica_state")
    assert {one.labels["state"]: one.value for one in states if one.value} == {
        "fresh": 1
    }
    assert samples(text, "haystack_replica_lag_seconds")[0].value < 3
    pair.standby.stop()
    eventually(lambda: state(at) == "down", "it is down")
    assert at.ready().status == 200
    assert "replica" not in at.ready().text


def state(at: Site) -> str:
    [replica] = at.ask("/api/status/").json["replication"]["replicas"]
    found: str = replica["state"]
    return found


def test_one_that_dies_is_left_out_and_used_again(at: Site, pair: Pair) -> None:
    pair.standby.stop()
    for _ in range(20):
        assert at.ask("/api/read?filter=site").status == 200
    eventually(lambda: grows(at, "lag"), "it is left out")
    pair.standby.start()
    eventually(lambda: grows(at, "replica_1"), "it is used again")


def test_one_that_hangs_holds_no_answer_for_long(at: Site, pair: Pair) -> None:
    with pair.standby.hung():
        begun = time.monotonic()
        assert at.ask("/api/read?filter=site").status == 200
        assert time.monotonic() - begun < 15
        eventually(lambda: grows(at, "lag"), "it is left out")
        begun = time.monotonic()
        assert at.ask("/api/read?filter=site").status == 200
        assert time.monotonic() - begun < 2
    eventually(lambda: grows(at, "replica_1"), "it is used again")


def test_one_that_lags_is_left_out(at: Site, pair: Pair) -> None:
    pair.standby.pause()
    bob = Site(at.server, pair.headers("bob"))
    assert at.write(1).status == 200
    # alice is never shown less than what she has written; bob is for some seconds
    assert "2024-01-01T00:00:01Z" in at.ask("/api/hisRead?id=@n&range=2024-01-01").text
    eventually(lambda: grows(bob, "lag"), "it is left out")
    pair.standby.resume()
    eventually(lambda: grows(bob, "replica_1"), "it is used again")


def test_a_cache_that_is_gone(at: Site, pair: Pair) -> None:
    """The primary answers, until it has lost no position for ten seconds."""
    pair.redis.stop()
    eventually(lambda: grows(at, "cache"), "the primary answers")
    pair.redis.start()
    for _ in range(3):
        before = counts(at)["replica_1"]
        assert reads(at)["replica_1"] == before
    pair.rely_on_the_cache()
    eventually(lambda: grows(at, "replica_1"), "it is used again")

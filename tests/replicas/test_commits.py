"""The only standby is gone: writes wait, and then are refused or accepted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outages.site import Answer, Site
from tests.patience import eventually
from tests.replicas.conftest import METRICS_TOKEN, Pair, samples
from tests.replicas.test_failover import both, stored

WAIT = 2


@pytest.fixture(autouse=True)
def _commits_wait(pair: Pair) -> Iterator[None]:
    pair.primary.wait_for("standby")
    yield
    pair.primary.wait_for("")


def took(at: Site, number: int) -> tuple[Answer, float]:
    begun = time.monotonic()
    answer = at.write(number)
    return answer, time.monotonic() - begun


def arrive(pair: Pair, numbers: set[int]) -> None:
    """What a standby has confirmed is on its disk, and replayed soon."""
    eventually(lambda: numbers <= stored(pair.replica_url), "the standby has all")


def unconfirmed(at: Site) -> dict[str, float]:
    text = at.ask("/metrics", Authorization=f"Bearer {METRICS_TOKEN}").text
    found = samples(text, "haystack_unconfirmed_commits_total")
    return {one.labels["requests"]: one.value for one in found}


def test_they_are_refused(pair: Pair, tmp_path: Path) -> None:
    with pair.site(tmp_path, both(pair), HAYSTACK_COMMIT_SECONDS=str(WAIT)) as at:
        assert at.write(10_001).status == 200
        pair.standby.stop()
        answer, seconds = took(at, 10_002)
        assert answer.status == 503 and "confirmed by no standby" in answer.text
        assert WAIT - 0.5 < seconds < WAIT + 5
        for number in range(10_003, 10_006):  # none waits any more
            answer, seconds = took(at, number)
            assert answer.status == 503 and "nothing was stored" in answer.text
            assert seconds < WAIT
        assert at.ask("/api/read?filter=site").status == 200
        assert unconfirmed(at)["refused"] >= 1
        status = at.ask("/api/status/").json["replication"]
        assert status["commits"] == "stalled: refuse"
        found = stored(pair.url)
        assert {10_001, 10_002} <= found and not {*range(10_003, 10_006)} & found
        pair.standby.start()
        eventually(lambda: at.write(10_006).status == 200, "commits are confirmed")
        arrive(pair, {10_001, 10_002, 10_006})


def test_they_are_accepted(pair: Pair, tmp_path: Path) -> None:
    more = {"HAYSTACK_COMMIT_SECONDS": str(WAIT), "HAYSTACK_UNCONFIRMED": "accept"}
    with pair.site(tmp_path, both(pair), **more) as at:
        pair.standby.stop()
        answer, seconds = took(at, 10_100)
        assert answer.status == 200 and seconds > WAIT - 0.5
        for number in range(10_101, 10_106):
            answer, seconds = took(at, number)
            assert answer.status == 200 and seconds < WAIT
        assert stored(pair.url) >= set(range(10_100, 10_106))
        assert unconfirmed(at)["accepted"] >= 1
        pair.standby.start()
        eventually(lambda: "confirm commits again" in at.server.log.read_text())
        assert at.write(10_106).status == 200
        arrive(pair, set(range(10_100, 10_107)))

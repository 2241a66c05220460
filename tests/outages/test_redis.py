"""A Redis that goes and comes back: the cache and the channel layer need it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import basic
from tests.outages.services import Redis, running
from tests.outages.site import Load, Site, site
from tests.patience import eventually


@pytest.fixture(scope="module")
def own() -> Iterator[Redis]:
    with running(Redis) as service:
        assert isinstance(service, Redis)
        yield service


@pytest.fixture
def redis(own: Redis) -> Iterator[Redis]:
    """It runs before each test and after it, however that ends."""
    yield own
    own.start()


@pytest.fixture
def at(redis: Redis, tmp_path: Path) -> Iterator[Site]:
    """On SQLite, with limits for requests, which are counted in the cache."""
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    more = {"REDIS_URL": redis.url, "HAYSTACK_THROTTLE": "on"}
    with site(url, tmp_path, **more) as made:
        yield made


def logs_in(at: Site) -> bool:
    """By Basic, whose log-ins the cache remembers."""
    return at.ask("/api/about", **basic("alice")).status == 200


def test_down_and_up_again_under_load(redis: Redis, at: Site) -> None:
    with Load(at, threads=2) as load:
        eventually(lambda: load.answered(200) > 20, "writes are done")
        assert logs_in(at)
        eventually(lambda: at.ready().status == 200, "ready")
        assert at.ready().json["checks"].keys() >= {"redis", "channelLayer"}
        redis.stop()
        check_the_rest_goes_on(at)
        redis.start()
        eventually(lambda: at.ready().status == 200, "ready again")
        assert logs_in(at)
    assert load.odd == []
    assert load.answered(503) == 0


def check_the_rest_goes_on(at: Site) -> None:
    eventually(lambda: only_redis_is_missed(at), "it is seen")
    assert at.ask("/healthz").status == 200
    assert logs_in(at)
    assert at.ask("/api/about", **basic("alice", "wrong")).status == 401
    assert at.ask("/api/about", Authorization="HELLO username=YWxpY2U").status == 401


def only_redis_is_missed(at: Site) -> bool:
    answer = at.ready()
    checks = answer.json["checks"]
    late = {name for name, said in checks.items() if said.startswith("no answer")}
    return answer.status == 503 and late == {"redis", "channelLayer"}


def test_one_that_hangs(redis: Redis, at: Site) -> None:
    with redis.hung():
        eventually(lambda: only_redis_is_missed(at), "it is seen")
        assert at.ask("/healthz").status == 200
        assert at.write(1).status == 200
        assert logs_in(at)
    eventually(lambda: at.ready().status == 200, "ready again")

"""The ``store`` fixture: an empty adapter on each kind of store, one test each.

    def test_something(store: StorageAdapter) -> None:
        store.load_entities([...])

runs on memory, SQLite, PostgreSQL, TimescaleDB and Redis, without and with modules.
A store whose server is not available is skipped with the reason; what a test writes is
rolled back after it.
A test that needs commits (other threads or connections, the async twins) marks
itself ``django_db(transaction=True, databases="__all__")``; see ``committing``.
"""

from __future__ import annotations

import gc
import os
import re
import secrets
import ssl
import threading
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import django.test
import hypothesis
import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from haystack_app import breaker
from haystack_app.auth import throttle
from haystack_app.jobs.looking_thread import LookingThread
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.redis import RedisAdapter
from tests.api.servers import Servers
from tests.committing import CommittingTestCase
from tests.dead_rows import vacuum
from tests.redis_keys import wipe

ALIASES = {"sqlite": "default", "postgres": "postgres", "timescale": "timescale"}
"""Database alias by the name of a store."""
SPLIT = "split"
"""The store whose entities are in PostgreSQL and whose samples are in TimescaleDB."""
_TWO = ("postgres", "timescale")


def _orm(name: str) -> Any:
    missing = settings.MISSING_SERVICES.get(name, "")
    # Django makes no other test database without the default one
    databases = ["default"] if missing else ["default", ALIASES[name]]
    return pytest.param(
        name,
        marks=[
            pytest.mark.skipif(bool(missing), reason=missing or "it is there"),
            pytest.mark.django_db(databases=databases),
        ],
    )


def _redis(name: str) -> Any:
    missing = settings.MISSING_SERVICES.get(name, "")
    mark = pytest.mark.skipif(bool(missing), reason=missing or "it is there")
    return pytest.param(name, marks=[mark])


def missing_of_two() -> str:
    """Why a store cannot be in two databases; empty if it can."""
    found = (settings.MISSING_SERVICES.get(one, "") for one in _TWO)
    return "; ".join(filter(None, found))


def _split() -> Any:
    missing = missing_of_two()
    databases = ["default"] if missing else ["default", *_TWO]
    return pytest.param(
        SPLIT,
        marks=[
            pytest.mark.skipif(bool(missing), reason=missing or "it is there"),
            pytest.mark.django_db(databases=databases),
        ],
    )


_SQL = [_orm(name) for name in ALIASES]
_SPLIT = _split()
# one skipped test says that there is no server with modules, not each of them
_REDIS = [_redis(name) for name in settings.REDIS_URLS]
_OF_HISTORIES = {
    f"test_{name}"
    for name in (
        "check_beside_writers",
        "collect",
        "current_samples",
        "editing",
        "extents",
        "facts_by_sql",
        "fold_statements",
        "fold_work",
        "folds",
        "his_facts",
        "history",
        "policies",
        "quality",
        "revert",
        "sample_times",
        "samples_since",
        "trash",
        "undo",
        "unchanged_parts",
    )
}
"""Modules whose tests have a store in two databases, too."""


@pytest.fixture(params=["memory", *_SQL, *_REDIS, _SPLIT])
def store(request: pytest.FixtureRequest) -> StorageAdapter:
    """An empty adapter: memory, sqlite, postgres, timescale, redis in turn."""
    if request.param == "memory":
        return InMemoryAdapter()
    if request.param in settings.REDIS_URLS:
        return _redis_store(request)
    return _orm_store(request.param)


@pytest.fixture(params=[*_SQL, _SPLIT])
def sql_store(request: pytest.FixtureRequest) -> OrmAdapter:
    """An empty ``OrmAdapter``: sqlite, postgres, timescale in turn."""
    return _orm_store(request.param)


def _orm_store(name: str) -> OrmAdapter:
    if name == SPLIT:
        return OrmAdapter(using="postgres", history="timescale")
    return OrmAdapter(using=ALIASES[name])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Only tests of histories have a store in two databases, too."""
    items[:] = [item for item in items if not _is_other_split(item)]


def _is_other_split(item: pytest.Item) -> bool:
    params = getattr(getattr(item, "callspec", None), "params", {})
    is_split = SPLIT in (params.get("store"), params.get("sql_store"))
    return is_split and Path(item.path).stem not in _OF_HISTORIES


@pytest.fixture(params=_REDIS)
def redis_store(request: pytest.FixtureRequest) -> RedisAdapter:
    """An empty ``RedisAdapter``, on a server without and with modules in turn."""
    return _redis_store(request)


def _redis_store(request: pytest.FixtureRequest) -> RedisAdapter:
    """A store with its own keys, which are deleted after the test."""
    run = os.environ.get("TEST_RUN", "")
    prefix = f"test-{run}-{secrets.token_hex(4)}"
    url = settings.REDIS_URLS[request.param]
    request.addfinalizer(lambda: wipe(url, prefix))
    return RedisAdapter(url=url, prefix=prefix, modules=request.param == "redis-stack")


@pytest.fixture(scope="session", autouse=True)
def _one_context() -> Iterator[None]:
    """phable loads the certificates of the system, 30 ms, for each plain request."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(autouse=True)
def _no_requests_yet() -> None:
    """Users of other tests in the same minute have the same ids."""
    throttle._requests._counts.clear()


@pytest.fixture(autouse=True)
def _no_looking_threads() -> Iterator[None]:
    """A server in this process starts some: they would look at other tests' data."""
    yield
    for thread in threading.enumerate():
        if isinstance(thread, LookingThread):
            thread.stopped.set()


@pytest.fixture(scope="session", autouse=True)
def _few_truncations() -> Iterator[None]:
    """pytest-django makes a test case of this class for each test that commits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(django.test, "TransactionTestCase", CommittingTestCase)
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_dead_rows(django_db_blocker: Any) -> Iterator[None]:
    yield
    with django_db_blocker.unblock():
        for alias in _TWO:
            if alias in connections.settings and connections[alias].is_usable():
                vacuum(alias)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Server processes that the tests of a module share."""
    shared = Servers(tmp_path_factory.mktemp("servers"))
    yield shared
    shared.stop()


@pytest.fixture
def by_url(
    db: None,
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Allow databases that a test adds, and remove them after the test.

    Django would refuse them, for they are not among the test's. Nothing is rolled
    back in them.
    """
    real, guarded = (
        django_db_blocker._real_ensure_connection,
        BaseDatabaseWrapper.ensure_connection,
    )
    known = set(connections.settings)

    def ensure_connection(self: BaseDatabaseWrapper) -> None:
        (guarded if self.alias in known else real)(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", ensure_connection)
    # a server of another test in this process may have begun to: it would find that
    # databases are dropped between two tests
    monkeypatch.setattr(breaker, "_is_watching", False)
    yield
    for alias in set(connections.settings) - known:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More than processors: tests wait for servers a third of the time."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    """A random seed for ``FUZZ_PAIRS``, the same in all processes of a run.

    How fast a machine draws examples, or tries them, is not tested.
    """
    if os.environ.get("FUZZ_PAIRS"):
        os.environ.setdefault("FUZZ_SEED", secrets.token_hex(4))
    hypothesis.settings.register_profile(
        "any machine",
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("any machine")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """The collector passes over what lives as long as the run: a tenth of its CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


# -- skips ------------------------------------------------------------------------

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
MAY_SKIP = re.compile(
    "|".join(
        [
            "SQLite has no GIN index",
            "SQLite has one writer at a time: ",
            "SQLite has no zones: ",
            # no machine of ours has a Redis with modules
            "REDIS_STACK_URL is not set: ",
            "the server has no modules",
            "there are no series",
            "no small disk can be mounted: ",
            # .ci/run says so where it cannot install them
            "luacheck is not installed",
            "no pgbouncer is installed",
            "no pg_dump fits the server: ",
            "no /usr/bin/chromium ",
            "NODE_PATH has no ",
            "no /usr/sbin/slapd ",
            "django-auth-ldap is not installed",
            "no promtool ",
            # of a shallow clone, and of a source archive
            "the history of git is not here",
            # another server's program, which only some machines have
            "HAYSTACK_PY names no Python",
        ]
    )
)
"""Beginnings of the reasons that CI accepts; any other skip fails there."""


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        _, _, reason = report.longrepr  # type: ignore[misc]
        reason = str(reason).removeprefix("Skipped: ")
        if not MAY_SKIP.match(reason):
            report.outcome = "failed"
            report.longrepr = f"skipped with CI set, see MAY_SKIP: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[
    None, pytest.CollectReport, pytest.CollectReport
]:
    report = yield
    _refuse_skip(report)
    return report


def pytest_report_header(config: pytest.Config) -> list[str]:
    seed = os.environ.get("FUZZ_SEED")
    return [f"FUZZ_SEED={seed} repeats the random filters"] if seed else []

"""The ``store`` fixture: an empty adapter on each kind of store, one test each.

    def test_something(store: StorageAdapter) -> None:
        store.load_entities([...])

runs on memory, SQLite, PostgreSQL and TimescaleDB. A store whose server is not
there is skipped with the reason; what a test writes is rolled back behind it.
A test that needs commits (other threads or connections, the async twins) marks
itself ``django_db(transaction=True, databases="__all__")``, which is slower.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.orm import OrmAdapter

ALIASES = {"sqlite": "default", "postgres": "postgres", "timescale": "timescale"}
"""Database alias by the name of a store."""


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


def _adapter(name: str) -> StorageAdapter:
    return InMemoryAdapter() if name == "memory" else OrmAdapter(using=ALIASES[name])


_SQL = [_orm(name) for name in ALIASES]


@pytest.fixture(params=["memory", *_SQL])
def store(request: pytest.FixtureRequest) -> StorageAdapter:
    """An empty adapter: memory, sqlite, postgres, timescale in turn."""
    return _adapter(request.param)


@pytest.fixture(params=_SQL)
def sql_store(request: pytest.FixtureRequest) -> OrmAdapter:
    """An empty ``OrmAdapter``: sqlite, postgres, timescale in turn."""
    adapter = _adapter(request.param)
    assert isinstance(adapter, OrmAdapter)
    return adapter


@pytest.fixture
def by_url(
    db: None,
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Databases that a test adds may be used, and are forgotten behind it.

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
    yield
    for alias in set(connections.settings) - known:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def pytest_configure(config: pytest.Config) -> None:
    """A random seed for ``FUZZ_PAIRS``, the same in all processes of a run."""
    if os.environ.get("FUZZ_PAIRS"):
        os.environ.setdefault("FUZZ_SEED", secrets.token_hex(4))


def pytest_report_header(config: pytest.Config) -> list[str]:
    seed = os.environ.get("FUZZ_SEED")
    return [f"FUZZ_SEED={seed} repeats the random filters"] if seed else []

"""Jobs on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as project
from django.test import override_settings

from haystack_app.jobs.worker import Worker
from tests.jobs import examples


class OneDatabase:
    """A router that sends everything to one database."""

    alias = "default"

    def db_for_read(self, model: Any, **_: Any) -> str:
        return self.alias

    db_for_write = db_for_read


def _param(alias: str) -> Any:
    marks = [
        pytest.mark.django_db(transaction=True, databases=sorted({"default", alias}))
    ]
    if alias not in project.DATABASES:
        marks = [pytest.mark.skip(reason=project.MISSING_SERVICES[alias])]
    return pytest.param(alias, marks=marks)


@pytest.fixture(params=[_param("default"), _param("postgres")])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The alias of the database that jobs are in; tests commit."""
    alias: str = request.param
    router = type("Router", (OneDatabase,), {"alias": alias})()
    with override_settings(DATABASE_ROUTERS=[router]):
        yield alias


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    examples.CALLS.clear()


@pytest.fixture
def worker() -> Worker:
    """One that does nothing by itself."""
    return Worker({"short": 1, "long": 1})

"""Ops where samples are in a database of their own.

The same tests, with entities in SQLite and samples in TimescaleDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as tested

from haystack_app.models import HisSample
from tests.api.test_his_read import *  # noqa: F403
from tests.api.test_ops import *  # noqa: F403

_MISSING = tested.MISSING_SERVICES.get("timescale", "")
pytestmark = [
    pytest.mark.django_db(
        databases=["default"] if _MISSING else ["default", "timescale"]
    ),
    pytest.mark.skipif(bool(_MISSING), reason=_MISSING or "it is there"),
]


@pytest.fixture(autouse=True)
def two_databases(settings: Any) -> Iterator[None]:
    storages = dict(settings.HAYSTACK["STORAGES"])
    storages["default"] = {**storages["default"], "OPTIONS": {"history": "timescale"}}
    del storages["timescale"]
    settings.HAYSTACK = {**settings.HAYSTACK, "STORAGES": storages}
    settings.DATABASE_ROUTERS = ["haystack_app.history_router.HistoryRouter"]
    yield
    assert not HisSample.objects.using("default").exists()

"""docs/haystack-py.md: its Python runs as it is written."""

from __future__ import annotations

import re
from typing import Any

import pytest

from haystack_app.checks import check_storages
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import Entity
from haystack_app.storage.handler import storages
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.redis import RedisAdapter
from tests.forks import ROOT
from tests.storage.building import entity

TEXT = (ROOT / "docs" / "haystack-py.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.django_db
def test_its_python(settings: Any) -> None:
    hq = entity("hq", site=MARKER, geoCity="Springfield", dis="Hall")
    Entity.objects.create(id="hq", tags=hq)
    names: dict[str, Any] = {}
    adapters = []
    for block in BLOCKS:
        exec(compile(block, "docs/haystack-py.md", "exec"), names)
        if given := names.pop("HAYSTACK", None):
            settings.HAYSTACK = {**settings.HAYSTACK, **given}
            assert not [one for one in check_storages() if one.is_serious()]
            adapters.append(type(storages["default"]))
    assert adapters == [InMemoryAdapter, RedisAdapter]
    assert names["names"] == ["Annex", "HQ"]
    assert names["store"].existing("site-3")["dis"] == "Depot"
    assert names["dis"] == ["Hall"]
    [(ts, value)] = names["day"]
    assert (ts, value) == (names["noon"], Number(71.5, "°F"))
    assert names["store"].existing("point-1")["id"] == Ref("point-1")

"""Names of specs in filters, which a namespace knows or not."""

from __future__ import annotations

import pytest

from haystack_app.kinds import MARKER
from haystack_app.storage.base import StorageAdapter
from haystack_app.wire.errors import ParseError
from tests.storage.building import entity, ids


@pytest.mark.parametrize(
    "name", ["NoSuchSpec", "Foo", "ph::Foo", "site and Foo", "not foo or (Foo or site)"]
)
def test_an_unknown_spec(store: StorageAdapter, name: str) -> None:
    store.load_entities([entity("s", site=MARKER)])
    with pytest.raises(ParseError, match=r"unknown spec (ph::)?(Foo|NoSuchSpec)"):
        list(store.read(name))


@pytest.mark.parametrize("name", ["Site", "ph::Site", "DischargeAirTempSensor"])
def test_a_known_spec(store: StorageAdapter, name: str) -> None:
    """No record is an instance of it."""
    store.load_entities([entity("s", site=MARKER)])
    assert ids(store.read(name)) == []
    assert ids(store.read(f"{name} or site")) == ["s"]

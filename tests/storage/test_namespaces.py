"""Def libraries in a store, and ``^symbol`` in filters."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import MARKER, Ref, Symbol
from haystack_app.storage.base import StorageAdapter
from tests.storage.building import entity, ids

Store = StorageAdapter


def definition(name: str, *supertypes: str, lib: str = "acme") -> dict[str, Any]:
    return {
        "def": Symbol(name),
        "is": [Symbol(one) for one in supertypes],
        "lib": Symbol(f"lib:{lib}"),
    }


ACME = {
    "lib:acme": [
        definition("lib:acme", "lib"),
        definition("robot", "equip"),
        definition("arm-robot", "robot"),
        definition("gripper", "arm-robot"),
    ]
}


@pytest.fixture
def robots(store: Store) -> Store:
    tags: dict[str, tuple[str, ...]] = {
        "ahu": ("ahu",),
        "arm": ("arm", "body"),
        "both": ("arm", "robot"),
        "gripper": ("gripper",),
        "site": ("site",),
    }
    store.load_entities(
        [entity(id, **dict.fromkeys(names, MARKER)) for id, names in tags.items()]
    )
    store.load_entities([entity("part", ofRef=Ref("gripper"), curVal=MARKER)])
    return store


def found(store: Store, text: str) -> list[str]:
    return sorted(ids(store.read(text)))


def test_shipped_defs_are_always_there(robots: Store) -> None:
    assert robots.namespace().get("ahu")
    assert found(robots, "^equip") == ["ahu"]
    assert found(robots, "^entity and not site") == ["ahu"]


def test_loaded_defs_count_at_once_and_for_everybody(robots: Store) -> None:
    assert found(robots, "^robot") == ["both"]
    assert found(robots, "^arm-robot") == ["both"]
    robots.load_defs(ACME)
    assert found(robots, "^robot") == ["both", "gripper"]
    assert found(robots, "^arm-robot") == ["both", "gripper"]
    assert found(robots, "^equip") == ["ahu", "both", "gripper"]
    assert found(robots, "^equip and not ahu or site") == ["both", "gripper", "site"]
    assert found(robots, "^lib:acme") == []
    assert found(robots, "^nothing") == []
    assert found(robots, "ofRef->gripper and curVal") == ["part"]


def test_a_library_takes_the_place_of_its_older_self(robots: Store) -> None:
    robots.load_defs(ACME)
    robots.load_defs({"lib:other": [definition("probe", "robot", lib="other")]})
    robots.load_defs({"lib:acme": [definition("lib:acme", "lib")]})
    assert robots.namespace().get("gripper") is None
    assert robots.namespace().get("probe") is not None
    assert list(robots.read_libs()) == ["lib:other", "lib:acme"]
    assert found(robots, "^equip") == ["ahu"]


def test_transient_tags_have_defs_too(robots: Store) -> None:
    """One filter over tags of both columns."""
    robots.load_defs(
        {"lib:acme": [definition("curVal", "live"), definition("arm", "live")]}
    )
    assert found(robots, "^live") == ["arm", "both", "part"]


def test_everything_that_takes_a_filter_knows_symbols(robots: Store) -> None:
    robots.load_defs(ACME)
    assert ids(robots.page("^robot", "", 10)) == ["both", "gripper"]
    assert ids(robots.read("^equip", 0)) == []

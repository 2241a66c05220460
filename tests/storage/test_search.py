"""Searches by words, on every store, compared with a plain reference."""

from __future__ import annotations

import random

import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import InvalidSearch
from tests.storage.building import entity

SITES = {"s1": "Northfield", "s2": "Südstern Hall"}
NAMES = ("Discharge Air", "100% _Load_", "AHU-1", 'a\\b "c"', "Größe")
TEXTS = (
    *("north", "NORTH ahu-1", "discharge north", "südstern", "SÜD", "größe", "GRÖSSE"),
    *("%", "_load_ 100%", "\\", '"c"', "e1", "air no", "hall discharge", "zzz", "x y"),
)


def filled(store: StorageAdapter, draw: random.Random) -> dict[str, list[str]]:
    """Stores random entities; the texts in which words of each are found, by id."""
    rows = [
        entity(id, dis=dis, site=MARKER, **({"seen": MARKER} if id == "s2" else {}))
        for id, dis in SITES.items()
    ]
    for number in range(12):
        seen = {"seen": MARKER} if draw.random() < 0.6 else {}
        rows.append(
            entity(
                f"e{number}",
                dis=draw.choice(NAMES),
                navName=draw.choice(NAMES),
                siteRef=Ref(draw.choice(["s1", "s2", "gone"])),
                **seen,
            )
        )
    store.load_entities(rows)
    return {
        row["id"].id: [
            *(row["id"].id, row["dis"], row.get("navName", "")),
            SITES.get(row["siteRef"].id, "") if "siteRef" in row else "",
        ]
        for row in rows
    }


@pytest.mark.parametrize("seed", range(2))
def test_search_is_that_of_the_reference(store: StorageAdapter, seed: int) -> None:
    texts = filled(store, random.Random(seed))
    for text in TEXTS:
        words = text.lower().split()
        wanted = [
            id
            for id, of_it in sorted(texts.items())
            if all(word in "\n".join(of_it).lower() for word in words)
        ]
        found = [row["id"].id for row in store.search(text)]
        assert found == wanted, text
        assert [row["id"].id for row in store.search(text, limit=2)] == wanted[:2]
        after = [row["id"].id for row in store.search(text, after="e3")]
        assert after == [id for id in wanted if id > "e3"]
        sites = [row["id"].id for row in store.search(text, "site")]
        assert sites == [id for id in wanted if id in SITES]


def test_hidden_names_find_nothing(store: StorageAdapter) -> None:
    filled(store, random.Random(3))
    view = store.visible_to(parse("seen"))
    visible = {row["id"].id for row in view.read("seen")}
    assert {row["id"].id for row in view.search("e")} <= visible
    assert list(view.search("northfield")) == []
    assert len(store.search("northfield")) > 1
    at_visible_site = view.read("siteRef == @s2")
    assert len(view.search("südstern")) == len(at_visible_site) + 1


def test_a_renamed_site_is_found_by_its_new_name(store: StorageAdapter) -> None:
    filled(store, random.Random(4))
    at_site = len(store.read("siteRef == @s1"))
    store.update_entities([entity("s1", dis="Westhafen")], force=True)
    assert list(store.search("northfield")) == []
    assert len(store.search("westhafen")) == at_site + 1


@pytest.mark.parametrize(
    "text", ["", "  ", "\0", "x" * 201, " ".join("abcdefghijklmnopq")]
)
def test_invalid_searches(store: StorageAdapter, text: str) -> None:
    with pytest.raises(InvalidSearch):
        store.search(text)

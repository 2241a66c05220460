"""Namespace: inheritance, extensions, and what records implement."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haystack_app.defs import Def, InvalidDef, Namespace
from haystack_app.kinds import MARKER, Symbol

Sets = set[frozenset[str]]


def define(symbol: str, supers: str = "", **tags: Any) -> Def:
    """A def; ``supers`` are names separated by blanks."""
    names = [Symbol(name) for name in supers.split()]
    inherited = {"is": names[0] if len(names) == 1 else names} if names else {}
    return {"def": Symbol(symbol), **inherited, **tags}


def sets(*texts: str) -> Sets:
    return {frozenset(text.split()) for text in texts}


@pytest.fixture
def building() -> Namespace:
    return Namespace(
        [
            define("marker"),
            define("entity", "marker"),
            define("equip", "entity", mandatory=MARKER),
            define("ahu", "equip airSource"),
            define("rtu", "ahu"),
            define("elec-meter", "meter"),
            define("meter", "equip"),
            define("water", "fluid", prefUnit=["L"]),
            define("hot-water", "water"),
            define("hot-water-plant", "plant hot-water"),
            define("plant", "equip"),
            define("steam-plant", "boilerHouse"),
            define("lib:x", version="1"),
            define("op:read"),
            define("lib", "feature"),
        ]
    )


def test_lookup(building: Namespace) -> None:
    ahu = building.get("ahu")
    assert ahu is not None
    assert ahu["is"] == [Symbol("equip"), Symbol("airSource")]
    assert building.get("nothing") is None
    assert "ahu" in building and "nothing" not in building
    names = [tags["def"].name for tags in building]
    assert names == sorted(names) and len(names) == len(building) == 15
    assert [tags["def"] for tags in building.of_feature("lib")] == [Symbol("lib:x")]


def test_supertypes_are_in_the_order_declared(building: Namespace) -> None:
    assert building.supertypes("rtu") == (
        *("ahu", "equip", "airSource"),
        *("entity", "marker"),
    )
    assert building.supertypes("marker") == building.supertypes("nothing") == ()


def test_subtypes_include_the_symbol(building: Namespace) -> None:
    assert building.subtypes("equip") == (
        *("equip", "ahu", "meter", "plant", "rtu"),
        *("elec-meter", "hot-water-plant"),
    )
    assert building.subtypes("rtu") == ("rtu",)


def test_conjuncts(building: Namespace) -> None:
    assert building.parts("hot-water") == ("hot", "water")
    assert building.parts("water") == ("water",)
    assert building.parts("lib:x") == ()
    assert building.is_conjunct("hot-water")
    assert not building.is_conjunct("water") and not building.is_conjunct("lib:x-y")
    assert building.is_tag("hot") and building.is_tag("ahu")
    assert not building.is_tag("cold")


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("rtu", sets("rtu")),
        ("equip", sets("equip", "ahu", "rtu", "meter", "plant")),
        ("hot-water", sets("hot water")),
        ("fluid", sets("fluid", "water")),
        ("boilerHouse", sets("boilerHouse", "steam plant")),
        ("cold-water", sets("cold water")),
        ("nothing", sets("nothing")),
        ("lib:x", set()),
        ("lib:unknown", set()),
        ("lib", sets("lib")),
    ],
)
def test_implementations(building: Namespace, symbol: str, expected: Sets) -> None:
    found = building.implementations(symbol)
    assert set(found) == expected
    assert list(found) == sorted(found, key=lambda tags: (len(tags), sorted(tags)))


def test_implementations_are_cached(building: Namespace) -> None:
    assert building.implementations("equip") is building.implementations("equip")


def test_implemented(building: Namespace) -> None:
    record = {"hot": MARKER, "water": MARKER, "plant": MARKER, "odd": MARKER}
    assert building.declared(record) == (
        *("hot-water", "hot-water-plant"),
        *("plant", "water"),
    )
    assert building.implemented(record) == (
        *("entity", "equip", "fluid", "hot-water", "hot-water-plant"),
        *("marker", "plant", "water"),
    )
    assert building.implemented({"plant": None}) == ()


def test_inherited(building: Namespace) -> None:
    assert building.inherited("hot-water-plant", "prefUnit") == ["L"]
    assert building.inherited("hot-water-plant", "mandatory") is MARKER
    assert building.inherited("rtu", "prefUnit") is None
    strict = building.extended([define("mandatory", notInherited=MARKER)])
    assert strict.inherited("hot-water-plant", "mandatory") is None
    assert strict.inherited("equip", "mandatory") is MARKER


def test_feature_key_implies_its_feature(building: Namespace) -> None:
    assert building.supertypes("op:read") == ("op",)
    assert building.supertypes("lib:x") == ("lib", "feature")


def test_cycles_terminate() -> None:
    loop = Namespace([define("a", "b"), define("b", "c a"), define("c", "a c")])
    assert loop.supertypes("a") == ("b", "c")
    assert loop.subtypes("c") == ("c", "b", "a")
    assert set(loop.implementations("a")) == sets("a", "b", "c")
    assert loop.implemented({"c": MARKER}) == ("a", "b", "c")


def test_later_def_wins(building: Namespace) -> None:
    later = building.extended([define("ahu", "plant", doc="anew")])
    assert later.supertypes("ahu")[0] == "plant"
    assert "airSource" not in later.supertypes("rtu")
    assert building.supertypes("ahu")[0] == "equip"
    assert len(later) == len(building)


def test_extensions() -> None:
    first = [
        define("tagOn", accumulate=MARKER),
        define("tz", tagOn=Symbol("site"), doc="a"),
        {"defx": Symbol("tz"), "tagOn": Symbol("point"), "lib": Symbol("lib:y")},
        {"defx": Symbol("late"), "added": MARKER},
    ]
    namespace = Namespace(first)
    tz = namespace.get("tz")
    assert tz is not None
    assert tz["tagOn"] == [Symbol("site"), Symbol("point")]
    assert "lib" not in tz and "defx" not in tz
    assert "late" not in namespace
    more = [
        define("late"),
        {"defx": Symbol("tz"), "tagOn": [Symbol("point"), Symbol("x")], "doc": "b"},
    ]
    later = namespace.extended(more)
    late, tz = later.get("late"), later.get("tz")
    assert late is not None and late["added"] is MARKER
    assert tz is not None and tz["doc"] == "b"
    assert tz["tagOn"] == [Symbol("site"), Symbol("point"), Symbol("x")]
    assert first[1]["tagOn"] == Symbol("site")


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (
            {"is": Symbol("marker")},
            "must have the tag def or defx; this one has neither",
        ),
        ({"def": "site"}, 'def must be a Symbol, not "site"'),
        ({"defx": 5}, "defx must be a Symbol"),
        (
            {"def": Symbol("a"), "defx": Symbol("b")},
            "must have the tag def or defx; this one has both",
        ),
        ({"def": Symbol("a"), "is": "marker"}, r"\^a: is must contain only Symbols"),
        (
            {"def": Symbol("a"), "is": [Symbol("b"), "c"]},
            r"\^a: is must contain only Symbols",
        ),
        ({"def": Symbol("a"), "lib": Symbol("ph")}, r"\^a: lib must be a Symbol such"),
    ],
)
def test_invalid_def_is_rejected(record: Def, fault: str) -> None:
    with pytest.raises(InvalidDef, match=fault):
        Namespace([record])


_TAGS = ["a", "b", "c", "d", "e"]
_SYMBOLS = [*_TAGS, "a-b", "b-c", "a-b-c", "d-e", "unknown", "e-unknown"]
_supers = st.lists(st.sampled_from(_SYMBOLS), max_size=3, unique=True)


@given(
    st.dictionaries(st.sampled_from(_SYMBOLS[:-2]), _supers),
    st.sets(st.sampled_from([*_TAGS, "unknown"])),
)
def test_implementations_agree_with_implemented(
    supers: dict[str, list[str]], tags: set[str]
) -> None:
    """Both give the same result, in graphs of any shape."""
    namespace = Namespace(define(name, " ".join(of)) for name, of in supers.items())
    implemented = namespace.implemented(dict.fromkeys(tags, MARKER))
    for symbol in _SYMBOLS:
        by_filter = any(one <= tags for one in namespace.implementations(symbol))
        has_parts = set(namespace.parts(symbol)) <= tags
        assert by_filter is (symbol in implemented or has_parts)

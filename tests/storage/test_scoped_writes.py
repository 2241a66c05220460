"""A writer with a scope cannot place entities in what other groups see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from haystack_app.auth.guards import guard_of
from haystack_app.filters import parse
from haystack_app.kinds import MARKER, REMOVE, Grid, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import (
    GuardedTags,
    OutOfScope,
    RefsOutOfScope,
    StorageError,
)
from tests.storage.building import entity, ids

Store = StorageAdapter
A = "siteRef == @a or id == @a"
B = "siteRef == @b or id == @b"
TENANT_A = 'tenant == "a"'
TENANT_B = 'tenant == "b"'
NORTH = 'siteRef->region == "north"'


def view(store: Store, own: list[str], *foreign: str) -> Store:
    """The store of a member of groups with the own filters, among other groups."""
    scope = parse(" or ".join(f"({text})" for text in own))
    texts = tuple(sorted({*own, *foreign}))
    return store.visible_to(scope, lambda: guard_of(tuple(own), texts))


@pytest.fixture
def campus(store: Store) -> Store:
    store.load_entities([], replace=True)
    for site in "ab":
        store.load_entities(
            [
                entity(site, site=MARKER, tenant=site),
                entity(f"{site}-p", point=MARKER, siteRef=Ref(site), tenant=site),
            ]
        )
    store.load_entities([entity("ws", weatherStation=MARKER, temp=Number(5))])
    return store


def records(store: Store) -> list[str]:
    return [record.raw for record in store.scan()]


WRITES: dict[str, Callable[[Store, dict[str, Any]], Any]] = {
    "load": lambda store, tags: store.load_entities(
        [entity("a-p", point=MARKER, siteRef=Ref("a"), tenant="a") | tags]
    ),
    "update": lambda store, tags: store.update_entities(
        [entity("a-p") | tags], force=True
    ),
    "add": lambda store, tags: store.add_entities(
        [entity("a-new", siteRef=Ref("a"), tenant="a") | tags]
    ),
    "create": lambda store, tags: store.create({"siteRef": Ref("a")} | tags),
    "replace": lambda store, tags: store.load_entities(
        [entity("a-p", siteRef=Ref("a"), tenant="a") | tags], replace=True
    ),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("target", ["b", "b-p", "missing"])
def test_refs_to_hidden_entities_cannot_be_added(
    campus: Store, write: str, target: str
) -> None:
    """Hidden and missing ones alike."""
    mine, to = view(campus, [A]), Ref(target)
    before = records(campus)
    planted: list[dict[str, Any]] = [
        {"siteRef": [Ref("a"), to]},
        {"equipRef": to},
        {"more": {"deep": [{"siteRef": to}]}},
        {"rows": Grid.of([{"x": to}])},
    ]
    for tags in planted:
        with pytest.raises(RefsOutOfScope) as refused:
            WRITES[write](mine, tags)
        [(_, path, named)] = refused.value.refs
        assert path.split(".")[0] == next(iter(tags))
        assert named == target
        assert f"@{target}" in str(refused.value)
    assert records(campus) == before


def test_all_refused_refs_are_listed(campus: Store) -> None:
    rows = [
        entity("a-p", siteRef=Ref("a"), equipRef=Ref("b-p"), toRef=Ref("missing")),
        entity("a-q", siteRef=[Ref("a"), Ref("b")]),
    ]
    with pytest.raises(RefsOutOfScope) as refused:
        view(campus, [A]).load_entities(rows)
    listed = "@a-p equipRef @b-p, @a-p toRef @missing, @a-q siteRef @b"
    assert str(refused.value).endswith(f": {listed}")


def test_transient_tags_add_no_hidden_refs(campus: Store) -> None:
    mine = view(campus, [A])
    for target in ("b", "missing"):
        with pytest.raises(RefsOutOfScope, match=f"@a-p curVal @{target}"):
            mine.update_transient([entity("a-p", curVal=Ref(target))], force=True)
        with pytest.raises(RefsOutOfScope, match=f"@a-p curVal @{target}"):
            WRITES["load"](mine, {"curVal": Ref(target)})
    assert ids(campus.read("curVal")) == []
    mine.update_transient([entity("a-p", curVal=Ref("a"))], force=True)


def test_refs_that_were_there_stay(campus: Store) -> None:
    both = {"siteRef": [Ref("a"), Ref("b")], "weatherStationRef": Ref("ws")}
    campus.update_entities([entity("a-p") | both], force=True)
    mine = view(campus, [A])
    mine.update_entities([entity("a-p", dis="mine")], force=True)
    WRITES["load"](mine, both)
    with pytest.raises(RefsOutOfScope, match="@a-p equipRef @b"):
        mine.update_entities([entity("a-p", equipRef=Ref("b"))], force=True)
    mine.update_entities([entity("a-p", weatherStationRef=REMOVE)], force=True)
    with pytest.raises(RefsOutOfScope):
        mine.update_entities([entity("a-p", weatherStationRef=Ref("ws"))], force=True)


def test_shared_entities_may_be_referred_to(campus: Store) -> None:
    shared = f"{A} or weatherStation"
    mine = view(campus, [shared], f"{B} or weatherStation")
    mine.update_entities([entity("a-p", weatherStationRef=Ref("ws"))], force=True)
    mine.update_entities([entity("ws", temp=Number(6))], force=True)
    mine.add_entities([entity("ws2", weatherStation=MARKER)])


def test_the_first_site_and_its_points_in_one_load(campus: Store) -> None:
    text = "siteRef == @c or id == @c"
    mine = view(campus, [text], A, B)
    changes = mine.load_entities(
        [
            entity("c-p", siteRef=Ref("c"), equipRef=Ref("c-ahu")),
            entity("c-ahu", siteRef=Ref("c")),
            entity("c", site=MARKER),
        ]
    )
    assert sorted(changes.created) == ["c", "c-ahu", "c-p"]


def test_ids_of_other_groups_cannot_be_taken(campus: Store) -> None:
    every = view(campus, ["site", A], B, "equipRef->siteRef == @d", "id == @e")
    for id in ("d", "e"):
        with pytest.raises(OutOfScope, match=f"@{id} is outside"):
            every.load_entities([entity(id, site=MARKER)])
    every.load_entities([entity("f", site=MARKER)])
    every.update_entities([entity("b", dis="kept id")], force=True)
    view(campus, [A, B], "id == @d").update_entities(
        [entity("a-p", siteRef=[Ref("a"), Ref("b")])], force=True
    )


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("foreign", "tags"),
    [
        (TENANT_B, {"tenant": "b"}),
        (TENANT_B, {"tenant": "other"}),
        (TENANT_B, {"tenant": [Ref("a"), "b"]}),
        (NORTH, {"region": "north"}),
        (NORTH, {"siteRef": {"region": "north"}}),
        ("floor < 3", {"floor": Number(1)}),
        ("floor < 3", {"floor": Number(7)}),
        ('installed->tz == "Rome"', {"installed": "2020"}),
        ('tenant != "x"', {"tenant": "y"}),
        (f"ahu and ({TENANT_B} or elec)", {"tenant": "b"}),
    ],
)
def test_values_that_other_groups_compare_are_guarded(
    campus: Store, write: str, foreign: str, tags: dict[str, Any]
) -> None:
    mine = view(campus, ["tenant or siteRef"], foreign)
    before = records(campus)
    with pytest.raises(GuardedTags) as refused:
        WRITES[write](mine, tags)
    [tag] = tags
    assert refused.value.tags[0][1].split(".")[0] == tag
    assert records(campus) == before
    unguarded = view(campus, ["tenant or siteRef"], "elec and meter", "not floor")
    WRITES[write](unguarded, tags)


def test_guarded_values_are_kept_or_own(campus: Store) -> None:
    campus.update_entities([entity("a-p", region="south")], force=True)
    mine = view(campus, [A], TENANT_B, NORTH)
    mine.update_entities([entity("a-p", dis="x")], force=True)
    mine.load_entities(
        [entity("a-p", siteRef=Ref("a"), tenant="a", region="south", new=MARKER)]
    )
    for change in ({"region": REMOVE}, {"tenant": REMOVE}, {"tenant": "b"}):
        with pytest.raises(GuardedTags):
            mine.update_entities([entity("a-p") | change], force=True)
    own = view(campus, [TENANT_A], TENANT_B)
    own.add_entities([entity("a-q", tenant="a")])
    own.remove_entities([entity("a-q")], force=True)


def test_members_of_two_groups_may_set_values_of_both(campus: Store) -> None:
    both = view(campus, [TENANT_A, TENANT_B], 'tenant == "c"')
    both.update_entities([entity("a-p", tenant="b")], force=True)
    with pytest.raises(GuardedTags, match='@a-p tenant "c"'):
        both.update_entities([entity("a-p", tenant="c")], force=True)


def test_a_range_of_an_own_filter_allows_its_values(campus: Store) -> None:
    upper = view(campus, ["floor >= 3"], "floor < 3", "floor == 9")
    upper.add_entities([entity("a-x", floor=Number(4))])
    upper.update_entities([entity("a-x", floor=Number(3))], force=True)
    with pytest.raises(StorageError):
        upper.update_entities([entity("a-x", floor=Number(9))], force=True)


def test_the_guard_is_asked_once_for_a_write(campus: Store) -> None:
    asked: list[int] = []

    def guard() -> Any:
        asked.append(1)
        return guard_of((A,), (A, B))

    mine = campus.visible_to(parse(A), guard)
    mine.load_entities(entity(f"a-{n}", siteRef=Ref("a")) for n in range(1_500))
    assert len(asked) == 1

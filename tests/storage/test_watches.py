"""Watches: which changes are sent, sent again, and never sent."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from haystack_app import filters
from haystack_app.kinds import MARKER, NA, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.errors import InvalidWatch, UnknownWatch
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.signals import entities_changed
from haystack_app.storage.watch_types import WatchUpdate
from haystack_app.wire.errors import ParseError
from tests.storage.building import at, entity, ids, point

Store = StorageAdapter
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NORTH = filters.parse("siteRef == @north or id == @north")


def later(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


@pytest.fixture
def site(store: Store) -> Store:
    store.load_entities(
        [
            entity("north", site=MARKER),
            entity("south", site=MARKER),
            point("a", siteRef=Ref("north"), cur=MARKER, writable=MARKER),
            point("b", siteRef=Ref("north"), cur=MARKER),
            point("c", siteRef=Ref("south"), cur=MARKER),
        ],
        replace=True,
    )
    return store


def opened(
    store: Store, *watched: str, filter: str | None = None, lease: float = 60
) -> str:
    watch = store.watch_open("t", owner="joe", lease=lease, now=NOW, filter=filter)
    if watched:
        store.watch_sub(watch.id, watched, now=NOW)
    return watch.id


def told(news: WatchUpdate) -> list[Any]:
    return [sorted(ids(news.records), key=str), news.gone]


def poll(store: Store, id: str, **options: Any) -> list[Any]:
    return told(store.watch_poll(id, now=NOW, **options))


def test_a_sub_answers_in_order_and_the_next_poll_nothing(site: Store) -> None:
    watch = site.watch_open("t", owner="joe", lease=60, now=NOW)
    _, rows = site.watch_sub(watch.id, ["b", "missing", "a", "b"], now=NOW)
    assert ids(rows) == ["b", None, "a", "b"]
    assert poll(site, watch.id) == [[], []]
    _, rows = site.watch_sub(watch.id, ["a"], now=NOW)
    assert ids(rows) == ["a"]
    assert poll(site, watch.id) == [[], []]
    assert poll(site, watch.id, refresh=True) == [["a", "b"], []]
    assert poll(site, watch.id) == [[], []]


def test_every_visible_change_is_sent_once(site: Store) -> None:
    id = opened(site, "a", "b")
    steps: list[Any] = [
        lambda: site.update_entities([{"id": Ref("a"), "dis": "A"}], force=True),
        lambda: site.load_entities(
            [point("a", siteRef=Ref("north"), writable=MARKER, cur=MARKER)]
        ),
        lambda: site.point_write("a", 9, Number(5), "joe"),
        lambda: site.his_write("a", [(at("2024-03-01 12:00"), Number(7))]),
        lambda: site.cur_write({"a": Current(Number(8))}),
        lambda: site.set_transient({"a": {"curStatus": "down"}}),
    ]
    for step in steps:
        step()
        news = site.watch_poll(id, now=NOW)
        assert told(news) == [["a"], []]
        assert news.records.rows[0].tags == site.existing("a").tags
        assert news.records.names == site.existing("a").keys()
        assert poll(site, id) == [[], []]
    site.cur_write({"c": Current(Number(8))})
    assert poll(site, id) == [[], []]


def test_writes_without_a_change_are_not_sent(site: Store) -> None:
    site.cur_write({"a": Current(Number(8))})
    id = opened(site, "a", "b")
    site.cur_write({"a": Current(Number(8))})
    site.load_entities([point("b", siteRef=Ref("north"), cur=MARKER)])
    assert poll(site, id) == [[], []]


@pytest.mark.parametrize("again", [False, True])
def test_an_entity_is_replaced_by_another_with_its_id(site: Store, again: bool) -> None:
    id = opened(site, "a", "b")
    site.commit([], remove=["b"])
    if again:
        assert poll(site, id) == [[], ["b"]]
        assert poll(site, id) == [[], []]
    site.load_entities([point("b", siteRef=Ref("north"), cur=MARKER)])
    assert poll(site, id) == [["b"], []]
    site.load_entities([point("b", siteRef=Ref("north"), cur=MARKER, trash=MARKER)])
    assert poll(site, id) == [[], ["b"]]
    assert poll(site, id, refresh=True) == [["a"], []]


def test_an_id_that_was_unknown_stays_unknown(site: Store) -> None:
    id = opened(site, "a", "new")
    site.load_entities([point("new")])
    assert poll(site, id) == [[], []]
    assert poll(site, id, refresh=True) == [["a"], []]


def test_unsubscribed_entities_are_not_sent(site: Store) -> None:
    id = opened(site, "a", "b")
    site.watch_unsub(id, ["a", "missing"], now=NOW)
    site.cur_write({"a": Current(Number(1)), "b": Current(Number(1))})
    assert poll(site, id) == [["b"], []]


def test_a_filter_is_watched_entering_and_leaving(site: Store) -> None:
    id = opened(site, filter='point and siteRef->dis == "N"')
    assert poll(site, id) == [[], []]
    site.update_entities([{"id": Ref("north"), "dis": "N"}], force=True)
    assert poll(site, id) == [["a", "b"], []]
    site.cur_write({"a": Current(Number(1)), "c": Current(Number(1))})
    assert poll(site, id) == [["a"], []]
    site.load_entities([point("new", siteRef=Ref("north"))])
    site.commit([], remove=["b"])
    assert poll(site, id) == [["new"], ["b"]]
    site.update_entities([{"id": Ref("a"), "trash": MARKER}], force=True)
    assert poll(site, id) == [[], ["a"]]
    assert poll(site, id, refresh=True) == [["new"], []]
    site.update_entities([{"id": Ref("north"), "dis": "S"}], force=True)
    assert poll(site, id) == [[], ["new"]]
    with pytest.raises(InvalidWatch, match="takes no ids"):
        site.watch_sub(id, ["a"], now=NOW)
    with pytest.raises(InvalidWatch, match="only be closed"):
        site.watch_unsub(id, ["a"], now=NOW)


def test_current_values_are_part_of_filters(site: Store) -> None:
    id = opened(site, filter="curVal > 72")
    site.cur_write({"a": Current(Number(71)), "b": Current(Number(73))})
    assert poll(site, id) == [["b"], []]
    site.cur_write({"a": Current(Number(73)), "b": Current(Number(71))})
    assert poll(site, id) == [["a"], ["b"]]


@pytest.mark.parametrize("filter", [None, "point"])
def test_unacknowledged_updates_are_sent_again(site: Store, filter: str | None) -> None:
    id = opened(site, *(() if filter else ("a", "b", "c")), filter=filter)
    start = site.watch_poll(id, now=NOW).seq
    for name in "ab":
        site.cur_write({name: Current(Number(1))})
        last = site.watch_poll(id, now=NOW)
    site.commit([], remove=["c"])
    gone = site.watch_poll(id, now=NOW)
    assert (last.seq, gone.seq) == (start + 2, start + 3)
    assert poll(site, id, since=gone.seq) == [[], []]
    assert poll(site, id, since=gone.seq - 1) == [[], ["c"]]
    assert poll(site, id, since=start) == [["a", "b"], ["c"]]
    assert poll(site, id) == [[], []]
    site.cur_write({"a": Current(Number(2))})
    assert poll(site, id, since=start + 5) == [["a"], []]
    for wrong in (start + 99, -1):
        with pytest.raises(InvalidWatch, match="has not sent"):
            site.watch_poll(id, now=NOW, since=wrong)


def test_leases_end_and_are_renewed(site: Store) -> None:
    id = opened(site, "a", lease=10)
    site.watch_poll(id, now=later(9))
    site.watch_poll(id, now=later(18.9))
    watch, _ = site.watch_sub(id, ["b"], now=later(19), lease=20)
    assert watch.lease == 20
    site.watch_unsub(id, ["b"], now=later(38))
    assert site.watch_renew([id, "missing"], subscriber="", now=later(57)) == {id}
    assert site.watch_expire(later(76.9)) == 0
    for act in (site.watch_poll, site.watch_sub, site.watch_unsub):
        with pytest.raises(UnknownWatch, match="open a new one"):
            act(id, *([] if act == site.watch_poll else [["a"]]), now=later(77.1))
    assert site.watch_updates({id: 0}, subscriber="", now=later(77.1)) == {}
    assert site.watch_renew([id], subscriber="", now=later(77.1)) == set()
    assert site.watch_expire(later(77.1)) == 1
    assert site.watches_due(later(1e6)) == []


def test_requeued_updates_are_sent_again(site: Store) -> None:
    id = opened(site)
    watch, _ = site.watch_sub(id, ["a", "b"], now=NOW, subscriber="h")
    for val, name in enumerate("ab"):
        site.cur_write({name: Current(Number(val))})
        assert site.watch_updates({id: 0}, subscriber="h", now=NOW)
    for subscriber, sent in (("h", watch.seq + 2), ("other", watch.seq)):
        site.watch_requeue({id: sent, "missing": 0}, subscriber=subscriber, now=NOW)
        assert site.watch_updates({id: 0}, subscriber="h", now=NOW) == {}
    site.watch_requeue({id: watch.seq + 1}, subscriber="h", now=NOW)
    again = site.watch_updates({id: 0}, subscriber="h", now=NOW)[id]
    assert told(again) == [["b"], []]
    assert again.seq == watch.seq + 3


def test_a_pushed_watch_outlives_a_short_lease(site: Store) -> None:
    id = opened(site, "a", lease=1)
    site.watch_poll(id, now=NOW, subscriber="h")
    assert site.watch_renew([id], subscriber="h", now=later(10)) == {id}
    assert site.watch_updates({id: 0}, subscriber="h", now=later(24)) == {}
    assert site.watch_expire(later(24)) == 0
    site.watch_poll(id, now=later(24))
    assert site.watch_expire(later(25.1)) == 1


def test_what_a_watch_is_called_is_short(site: Store) -> None:
    with pytest.raises(InvalidWatch, match="watchDis"):
        site.watch_open("x" * 1_001, owner="joe", lease=60, now=NOW)


def test_a_closed_watch_is_unknown(site: Store) -> None:
    id = opened(site, "a")
    site.watch_close(id)
    site.watch_close(id)
    for one in (id, "missing", "a\0b"):
        with pytest.raises(UnknownWatch):
            site.watch_poll(one, now=NOW)


def test_one_user_has_so_many(site: Store, settings: Any) -> None:
    limits = {"WATCHES": 2, "WATCHED": 2}
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": limits}
    first, _ = opened(site, "a", "b"), opened(site, lease=5)
    with pytest.raises(InvalidWatch, match="cap WATCHES"):
        opened(site)
    site.watch_open("t", owner="ann", lease=60, now=NOW)
    site.watch_open("t", owner="joe", lease=60, now=later(6))
    with pytest.raises(InvalidWatch, match="3 entities, at most 2"):
        site.watch_sub(first, ["c"], now=NOW)
    assert poll(site, first, refresh=True) == [["a", "b"], []]
    by_filter = site.watch_open("t", owner="eve", lease=60, now=NOW, filter="point")
    with pytest.raises(InvalidWatch, match="cap WATCHED"):
        site.watch_poll(by_filter.id, now=NOW)


def test_a_filter_must_be_one(site: Store) -> None:
    with pytest.raises(ParseError):
        opened(site, filter="point and")
    assert site.watch_count("joe", NOW) == 0


def test_a_scope_hides_and_shows(site: Store) -> None:
    north = site.visible_to(NORTH)
    watch = north.watch_open("t", owner="joe", lease=60, now=NOW)
    _, rows = north.watch_sub(watch.id, ["a", "c", "south"], now=NOW)
    assert ids(rows) == ["a", None, None]
    by_filter = opened(north, filter="point")
    assert poll(north, by_filter) == [["a", "b"], []]
    site.cur_write({name: Current(Number(1)) for name in "abc"})
    assert poll(north, watch.id) == [["a"], []]
    assert poll(north, by_filter) == [["a", "b"], []]
    site.update_entities([{"id": Ref("a"), "siteRef": Ref("south")}], force=True)
    assert poll(north, watch.id) == [[], ["a"]]
    assert poll(north, by_filter) == [[], ["a"]]
    site.cur_write({"a": Current(Number(2))})
    assert poll(north, watch.id) == [[], []]
    site.update_entities([{"id": Ref("a"), "siteRef": Ref("north")}], force=True)
    assert poll(north, watch.id) == [["a"], []]
    assert poll(north, by_filter) == [["a"], []]
    for other in (site, site.visible_to(filters.parse("site"))):
        with pytest.raises(UnknownWatch):
            other.watch_poll(watch.id, now=NOW)
        other.watch_close(watch.id)
    assert poll(north, watch.id) == [[], []]


@pytest.mark.parametrize("filter", [None, "point and not siteRef->x"])
def test_updates_of_many_watches_at_once(site: Store, filter: str | None) -> None:
    one = opened(site, *(() if filter else ("a", "b")), filter=filter)
    other, idle = opened(site, "b", "c"), opened(site, "south")
    acks = {id: site.watch_poll(id, now=NOW).seq for id in (one, other, idle)}
    acks["missing"] = 0
    assert site.watch_updates(acks, subscriber="", now=NOW) == {}
    site.cur_write({name: Current(Number(1)) for name in "abc"})
    found = site.watch_updates(acks, subscriber="", now=NOW, among=["a", "north"])
    assert {id: told(news) for id, news in found.items()} == {one: [["a"], []]}
    assert found[one].seq == acks[one] + 1
    found = site.watch_updates(acks, subscriber="", now=NOW)
    rest = [["b", "c"], []] if filter else [["b"], []]
    assert {id: told(news) for id, news in found.items()} == {
        one: rest,
        other: [["b", "c"], []],
    }
    assert site.watch_updates(acks, subscriber="", now=NOW) == {}
    site.commit([], remove=["b"])
    found = site.watch_updates(acks, subscriber="", now=NOW, among=["b"])
    assert {id: told(news) for id, news in found.items()} == {
        one: [[], ["b"]],
        other: [[], ["b"]],
    }
    assert poll(site, other, since=found[other].seq - 1) == [[], ["b"]]


def test_updates_go_to_the_last_subscriber(site: Store) -> None:
    id = opened(site, "a")
    site.watch_poll(id, now=NOW, subscriber="one")
    site.cur_write({"a": Current(Number(1))})
    assert site.watch_updates({id: 9}, subscriber="other", now=NOW) == {}
    assert site.watch_renew([id], subscriber="other", now=NOW) == set()
    assert site.watch_renew([id], subscriber="one", now=NOW) == {id}
    assert told(site.watch_updates({id: 9}, subscriber="one", now=NOW)[id]) == [
        ["a"],
        [],
    ]
    site.watch_sub(id, ["b"], now=NOW, subscriber="other")
    site.cur_write({"a": Current(Number(2))})
    assert site.watch_updates({id: 9}, subscriber="one", now=NOW) == {}
    assert poll(site, id) == [["a"], []]
    assert site.watch_renew([id], subscriber="other", now=NOW) == set()


def test_a_change_by_plain_sql_is_sent(sql_store: OrmAdapter) -> None:
    sql_store.load_entities([entity("a", dis="x"), entity("b")], replace=True)
    id = opened(sql_store, "a", "b")
    with connections[sql_store.using].cursor() as cursor:
        cursor.execute(
            "UPDATE entities SET tags = replace(tags::text, '\"x\"', '\"y\"')::jsonb WHERE id = 'a'"
            if cursor.db.vendor == "postgresql"
            else "UPDATE entities SET tags = replace(tags, '\"x\"', '\"y\"') WHERE id = 'a'"
        )
    news = sql_store.watch_poll(id, now=NOW)
    assert told(news) == [["a"], []]
    assert news.records.rows[0]["dis"] == "y"
    assert poll(sql_store, id) == [[], []]


def test_an_idle_poll_reads_no_entity(
    sql_store: OrmAdapter, django_assert_max_num_queries: Any
) -> None:
    sql_store.load_entities([entity(f"e{n}") for n in range(50)], replace=True)
    id = opened(sql_store, *(f"e{n}" for n in range(50)))
    connection = connections[sql_store.using]
    # a savepoint of the test, the watch, its items
    with django_assert_max_num_queries(4, connection=connection):
        assert poll(sql_store, id) == [[], []]


# -- the value of now ----------------------------------------------------------


def cur(store: Store, id: str = "a") -> Any:
    tags = store.existing(id)
    return tags.get("curVal"), tags.get("curStatus"), tags.get("curErr")


def test_the_newest_sample_that_is_not_of_the_future_is_the_value_now(
    site: Store,
) -> None:
    now = at("2024-03-01 12:30").utc
    hours = [at(f"2024-03-01 {hour}:00") for hour in range(10, 16)]
    mod = site.existing("a")["mod"]

    def write(hour: int, value: Any, *more: Any) -> Any:
        site.his_write("a", [(hours[hour - 10], value), *more], now)
        return cur(site)

    assert write(13, Number(13)) == (None, None, None)
    assert write(11, Number(11)) == (Number(11), "ok", None)
    assert write(10, Number(10)) == (Number(11), "ok", None)
    assert write(12, Number(12), (hours[4], Number(14))) == (Number(12), "ok", None)
    assert write(11, Number(1)) == (Number(12), "ok", None)
    assert write(12, NA) == (None, "unknown", None)
    site.cur_write({"a": Current(None, "fault", "no answer")})
    assert write(12, Number(2)) == (Number(2), "ok", None)
    assert site.existing("a")["mod"] == mod
    assert len(site.changes_of("a")) == 1


def test_a_sample_does_not_set_cur_val_without_the_tag_cur(site: Store) -> None:
    site.load_entities([point("p")])
    site.his_write("p", [(at("2024-03-01 12:00"), Number(1))])
    assert cur(site, "p") == (None, None, None)


@pytest.fixture
def heard(site: Store) -> Iterator[list[Any]]:
    found: list[Any] = []

    def receive(ids: frozenset[str], logged: bool, **_: Any) -> None:
        found.append((sorted(ids), logged))

    entities_changed.connect(receive)
    yield found
    entities_changed.disconnect(receive)


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_changes_are_announced_after_the_commit(site: Store, heard: list[Any]) -> None:
    site.cur_write({"a": Current(Number(1)), "b": Current(Number(1))})
    site.update_entities([{"id": Ref("a"), "dis": "A"}], force=True)
    site.commit([], remove=["b", "missing"])
    assert heard == [(["a", "b"], False), (["a"], True), (["b"], True)]
    with pytest.raises(ValueError):
        site.cur_write({"a": Current(Number(1)), "missing": Current(Number(1))})
    assert len(heard) == 3


# -- any order of changes and polls -------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_merged_updates_equal_the_store(store: Store, seed: int) -> None:
    """Changes, polls, lost answers, resumption: the merged state is the store's."""
    chance = random.Random(seed)
    names = [f"e{n}" for n in range(8)]
    store.load_entities([point(n, cur=MARKER, on=True) for n in names], replace=True)
    by_filter = "point and on" if seed % 2 else None
    id = opened(store, *([] if by_filter else names), filter=by_filter)
    merged: dict[str, Any] = {}
    arrived = 0
    if by_filter is None:
        merged = {row["id"].id: row.tags for row in store.read("point")}
        arrived = 1

    def change() -> None:
        name = chance.choice(names)
        row = point(name, cur=MARKER, on=True, n=Number(chance.randrange(3)))
        act = chance.randrange(4)
        if act == 0:
            store.commit([], remove=[name])
        elif act == 1:
            store.load_entities([row])
        elif act == 2:
            store.load_entities([{k: v for k, v in row.items() if k != "on"}])
        elif store.read_by_ids([name])[0]:
            store.cur_write({name: Current(Number(chance.randrange(3)))})

    def merge(news: WatchUpdate) -> None:
        merged.update((row["id"].id, row.tags) for row in news.records)
        for one in news.gone:
            merged.pop(one, None)  # may be sent again

    lost = False
    for _ in range(60):
        change()
        if chance.random() < 0.4:
            since = arrived if lost or chance.random() < 0.5 else None
            news = store.watch_poll(id, now=NOW, since=since)
            if not (lost := chance.random() < 0.4):
                merge(news)
                arrived = news.seq
    merge(store.watch_poll(id, now=NOW, since=arrived))
    expected = {row["id"].id: row.tags for row in store.read(by_filter or "point")}
    assert merged == expected

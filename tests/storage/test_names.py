"""Refs carry the current name of what they refer to, compared with a plain reference.

Random commits, by which entities get other names, macros, refs and places in the trash,
or are removed; and what callers with a scope may see of it.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.db import connections
from django.db.models import F

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, REMOVE, Grid, Number, Ref
from haystack_app.models import NameChange
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.names import LEVELS
from haystack_app.storage.orm import OrmAdapter

Tags = dict[str, Any]
IDS = [f"e{n}" for n in range(8)]
TAGS = ("siteRef", "equipRef", "aRef", "bRef")
SCOPE = parse("seen")


class Model:
    """What a store must show: tags as clients wrote them, and what followed."""

    def __init__(self) -> None:
        self.held: dict[str, Tags] = {}
        self.written: dict[tuple[str, str], str | None] = {}
        """The dis of refs of an entity to ids that do not exist, which callers
        with a scope do not see: these may be hidden."""
        self.is_scoped = False

    def put(self, records: list[Tags]) -> None:
        for record in records:
            id = record["id"].id
            former = {ref.id for _, ref in refs_of(self.held.get(id, {}))}
            given = {ref.id: ref.dis for _, ref in refs_of(record)}
            for to, dis in given.items():
                if dis is not None or to not in former:
                    self.written[id, to] = dis
            self.held[id] = record
        self._settle()

    def remove(self, ids: list[str]) -> None:
        for id in ids:
            if self.held.pop(id, None) is not None:
                for key in [key for key in self.written if key[0] == id]:
                    del self.written[key]

    def _settle(self) -> None:
        """What is an entity now has its own name, also after it is removed."""
        for key in list(self.written):
            if key[1] in self.held:
                del self.written[key]

    def name(self, id: str, seen: set[str], levels: int = LEVELS) -> str | None:
        tags = self.held.get(id)
        if tags is None or id not in seen or "trash" in tags:
            return None
        return self._name(tags, seen, levels)

    def _name(self, tags: Tags, seen: set[str], levels: int) -> str | None:
        if "dis" in tags:
            return str(tags["dis"])
        if "disMacro" not in tags:
            return tags.get("navName")

        def value(found: re.Match[str]) -> str:
            tag = tags.get(found[1])
            if tag is None:
                return found[0]
            if not isinstance(tag, Ref):
                return str(tag)
            return self._quoted(tag.id, seen, levels - 1)

        return re.sub(r"\$(\w+)", value, tags["disMacro"])[:250]

    def _quoted(self, to: str, seen: set[str], levels: int) -> str:
        target = self.held.get(to, {})
        if levels == 0 and "disMacro" in target and "dis" not in target:
            return to
        return self.name(to, seen, levels) or to

    def shown(self, id: str, seen: set[str]) -> dict[str, str | None]:
        """The dis of each ref of an entity, its ``id`` among them."""
        found: dict[str, str | None] = {}
        for tag, ref in refs_of(self.held[id]):
            if ref.id in self.held and ref.id in seen:
                found[tag] = self.name(ref.id, seen)
            else:
                written = self.written.get((id, ref.id))
                found[tag] = None if self.is_scoped else written
        tags = self.held[id]
        is_macro = "disMacro" in tags and "dis" not in tags
        found["id"] = self._name(tags, seen, LEVELS) if is_macro else None
        return found


def refs_of(tags: Mapping[str, Any]) -> Iterator[tuple[str, Ref]]:
    """Paths and refs, also of lists, dicts and grids."""
    for tag, value in tags.items():
        if tag == "id":
            continue
        if isinstance(value, Ref):
            yield tag, value
        elif isinstance(value, list):
            yield from ((f"{tag}{n}", ref) for n, ref in enumerate(value))
        elif isinstance(value, Mapping):
            yield from ((f"{tag}.{path}", ref) for path, ref in refs_of(value))
        elif isinstance(value, Grid):
            for n, row in enumerate(value):
                yield from ((f"{tag}{n}.{path}", ref) for path, ref in refs_of(row))


def drawn_ref(draw: random.Random) -> Ref:
    return Ref(
        draw.choice(IDS), draw.choice([None, None, "as written", 'with "quotes"'])
    )


def drawn_record(draw: random.Random, id: str) -> Tags:
    found: Tags = {"id": Ref(id), "n": Number(draw.randrange(3))}
    for tag in draw.sample(TAGS, 2):
        found[tag] = drawn_ref(draw)
    if draw.random() < 0.5:
        found["seen"] = MARKER
    if draw.random() < 0.15:
        found["trash"] = MARKER
    named = draw.random()
    if named < 0.5:
        found["dis"] = draw.choice(['Ä \\ "x"', "Site", "AHU-1", "{val}"])
    elif named < 0.9:
        found["disMacro"] = draw.choice(
            ["$siteRef $navName", "$aRef/$bRef", "<$bRef>", "$missing $n", "plain"]
        )
    if draw.random() < 0.5:
        found["navName"] = draw.choice(["nav", "Nav 2"])
    if draw.random() < 0.2:
        found["refs"] = [drawn_ref(draw), drawn_ref(draw)]
    if draw.random() < 0.2:
        found["cfg"] = {"inner": {"ref": drawn_ref(draw)}}
    if draw.random() < 0.1:
        found["grid"] = Grid.of([{"ref": drawn_ref(draw)}])
    return _consistent(found)


def _consistent(record: Tags) -> Tags:
    """Refs to one id have one dis: what was written is remembered by id."""
    first: dict[str, str | None] = {}
    for _, ref in refs_of(record):
        first.setdefault(ref.id, ref.dis)

    found = rewritten(record, lambda ref: Ref(ref.id, first.get(ref.id)))
    return {**found, "id": record["id"]}


def act(draw: random.Random, store: StorageAdapter, model: Model) -> None:
    ids = draw.sample(IDS, draw.choice([1, 1, 2, 4]))
    kind = draw.random()
    if kind < 0.25:
        store.commit([], remove=ids)
        model.remove(ids)
    elif kind < 0.4:
        known = [id for id in ids if id in model.held]
        change = draw.choice([{"trash": MARKER}, {"trash": REMOVE}, {"dis": "Renamed"}])
        store.update_entities([{"id": Ref(id), **change} for id in known], force=True)
        changed = []
        for id in known:
            record = {**model.held[id], **change}
            changed.append({t: v for t, v in record.items() if v is not REMOVE})
        model.put([without_dis(one) for one in changed])
    else:
        records = [drawn_record(draw, id) for id in ids]
        store.load_entities(records)
        model.put(records)
    while store.mend_names():
        continue


def without_dis(record: Tags) -> Tags:
    """The store's own refs come back, with names that change nothing."""
    found: Tags = rewritten(record, lambda ref: Ref(ref.id))
    return found


def rewritten(value: Any, renamed: Callable[[Ref], Ref]) -> Any:
    """The same with other refs."""
    if isinstance(value, Ref):
        return renamed(value)
    if isinstance(value, list):
        return [rewritten(one, renamed) for one in value]
    if isinstance(value, Grid):
        return Grid.of([rewritten(row, renamed) for row in value])
    if isinstance(value, Mapping):
        return {tag: rewritten(one, renamed) for tag, one in value.items()}
    return value


def compare(store: StorageAdapter, model: Model) -> None:
    for scope in (None, SCOPE):
        model.is_scoped = scope is not None
        view = store if scope is None else store.visible_to(scope)
        seen = {
            id for id, tags in model.held.items() if scope is None or "seen" in tags
        }
        ids = sorted(seen)
        reads = {
            "scan": list(view.scan()),
            "read": list(view.read("id")),
            "read_by_ids": [row for row in view.read_by_ids(ids) if row],
            "page": list(view.page("id", "", 100)),
            "versioned": [row for _, row in view.versioned(parse("id"), ids).values()],
        }
        wanted = {id: model.shown(id, seen) for id in ids}
        for how, rows in reads.items():
            found = {row["id"].id: _dis_of(row) for row in rows}
            assert found == wanted, how


def _dis_of(row: Mapping[str, Any]) -> dict[str, str | None]:
    own = {"id": row["id"].dis}
    return {**{tag: ref.dis for tag, ref in refs_of(row)}, **own}


@pytest.mark.parametrize("seed", range(4))
def test_names_are_those_of_the_reference(store: StorageAdapter, seed: int) -> None:
    draw = random.Random(seed)
    model = Model()
    if seed % 2 and store.persistent:
        store.renamed_at_once = 1  # all others by the queue
    for _ in range(15):
        act(draw, store, model)
        compare(store, model)


SITE = {"id": Ref("s"), "site": MARKER, "dis": "Hall"}
POINTS = [{"id": Ref(f"p{n}"), "point": MARKER, "siteRef": Ref("s")} for n in range(5)]


def site_names(store: StorageAdapter) -> set[str | None]:
    return {row["siteRef"].dis for row in store.read("point")}


def drain(store: StorageAdapter) -> None:
    while store.mend_names(2):
        continue


def test_referrers_of_a_new_name_do_not_change(store: StorageAdapter) -> None:
    """Neither ``mod``, nor the log, nor watches; but revisions."""
    store.load_entities([SITE, *POINTS])
    now = dt.datetime.now(dt.UTC)
    watch = store.watch_open("w", owner="joe", lease=600, now=now)
    store.watch_sub(watch.id, ["p0"], now=now)
    before, log = store.read("point"), len(store.changes_of("p0"))
    store.update_entities([{"id": Ref("s"), "dis": "House"}], force=True)
    after = store.read("point")
    assert {row["siteRef"].dis for row in after} == {"House"}
    assert [row["mod"] for row in after] == [row["mod"] for row in before]
    assert len(store.changes_of("p0")) == log
    assert len(store.watch_poll(watch.id, now=now).records) == 0
    assert before.revisions and after.revisions
    assert not set(before.revisions) & set(after.revisions)


def test_what_was_read_can_be_sent_back(store: StorageAdapter) -> None:
    """With names that are old by then."""
    store.load_entities([SITE, *POINTS])
    [read] = store.read("id == @p0")
    store.update_entities([{"id": Ref("s"), "dis": "House"}], force=True)
    tags = {name: value for name, value in read.items() if name != "mod"}
    assert store.load_entities([tags]).unchanged == ["p0"]
    assert site_names(store) == {"House"}


def test_many_referrers_follow_later(store: StorageAdapter) -> None:
    if not store.persistent:  # memory changes all at once
        assert store.mend_names() == 0
        return
    store.renamed_at_once = 3
    store.load_entities([SITE, *POINTS])
    drain(store)  # migrations have queued all entities
    store.update_entities([{"id": Ref("s"), "dis": "House"}], force=True)
    assert site_names(store) == {"Hall"}
    assert store.mend_names(2) == 2
    assert site_names(store) == {"Hall", "House"}
    drain(store)
    assert site_names(store) == {"House"}
    assert store.mend_names() == 0


def test_plain_sql(sql_store: OrmAdapter) -> None:
    store = sql_store
    store.load_entities([SITE, *POINTS])
    sql = connections[store.using]
    with sql.cursor() as cursor:
        cursor.execute(
            "UPDATE entities SET tags = replace(cast(tags AS text), 'Hall', 'House')"
            + ("::jsonb" if sql.vendor == "postgresql" else "")
            + " WHERE id = 's'"
        )
    store.mend_marked()
    assert site_names(store) == {"House"}
    with sql.cursor() as cursor:
        cursor.execute("DELETE FROM entities WHERE id = 's'")
    drain(store)
    assert site_names(store) == {None}


@pytest.mark.parametrize("is_repair", [False, True])
def test_entities_of_an_earlier_version(sql_store: OrmAdapter, is_repair: bool) -> None:
    """The migration queues them all, and so does a repair."""
    store = sql_store
    store.load_entities([SITE, *POINTS])
    bare = '{"id":{"_kind":"ref","val":"p1"},"siteRef":{"_kind":"ref","val":"s"}}'
    rows = store.entities.filter(id="p1")
    rows.update(tags=bare, search="", naming=F("naming") + 1)
    if is_repair:
        store.repair()
    else:
        NameChange.objects.using(store.using).create(id="")
        drain(store)
    [row] = store.read_by_ids(["p1"])
    assert row is not None and row["siteRef"].dis == "Hall"
    assert {one["id"].id for one in store.search("hall")} >= {"p1", "s"}

"""Models: querysets, lookups, and saving, which is a commit."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, NotSupportedError, connections

from haystack_app import maintenance
from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.maintenance import tick
from haystack_app.models import Entity, EntityRef, GroupScope, HisSample, TagSet
from haystack_app.stale_sweep import StaleSweep
from haystack_app.storage.currents import Current
from haystack_app.storage.errors import HistoryInUse, InvalidRecord
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.signals import entities_changed
from haystack_app.wire.errors import ParseError
from tests.defects.building import building, point


@pytest.fixture
def filled(sql_store: OrmAdapter) -> OrmAdapter:
    """The building in each database in turn, as a storage of the settings."""
    store = storages[sql_store.using]
    assert isinstance(store, OrmAdapter)
    store.load_entities(building())
    return store


def found(rows: Any) -> list[str]:
    return sorted(rows.values_list("id", flat=True))


# -- querysets ----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "site",
        "point and siteRef==@s1",
        "point and not his",
        "equipRef->siteRef",
        "point and siteRef->area > 100",
        "(site or equip) and not area",
        "nosuch or site",
        "nosuch",
        "^site",
    ],
)
def test_matching(filled: OrmAdapter, text: str) -> None:
    expected = sorted(record["id"].id for record in filled.read(text))
    entities = Entity.objects.using(filled.using)
    assert found(entities.matching(text)) == expected
    assert found(entities.filter(tags__matching=text)) == expected
    others = sorted({r["id"].id for r in filled.scan()} - set(expected))
    assert found(entities.exclude(tags__matching=text)) == others


def test_invalid_filters_are_reported(filled: OrmAdapter) -> None:
    with pytest.raises(ParseError):
        Entity.objects.using(filled.using).matching("site and and and")
    with pytest.raises(FieldError, match="'tags'"):
        list(Entity.objects.using(filled.using).filter(cur__matching="site"))


def test_the_lookup_sees_transient_tags_and_joins(filled: OrmAdapter) -> None:
    filled.load_entities([point("t", unit="°F", his=MARKER), point("u", his=MARKER)])
    filled.update_transient([{"id": Ref("t"), "curVal": Number(72, "°F")}], force=True)
    at = DateTime.parse("2026-01-02T03:04:05Z", "UTC")
    for id in ("t", "u"):
        tz = str(filled.existing(id)["tz"])
        filled.his_write(id, [(DateTime(at.utc, tz), Number(1))])
    entities = Entity.objects.using(filled.using)
    warm = "curVal > 70°F and his"
    expected = sorted(record["id"].id for record in filled.read(warm))
    assert {"t", "u"} & {*expected} == {"t"}
    assert found(entities.filter(tags__matching=warm)) == expected
    samples = HisSample.objects.using(filled.using)
    both = samples.filter(point__tags__matching="point and his")
    assert sorted(both.values_list("point_id", flat=True)) == ["t", "u"]
    rows = samples.filter(point__tags__matching=f"point and {warm}")
    assert list(rows.values_list("point_id", flat=True)) == ["t"]
    refs = EntityRef.objects.using(filled.using)
    assert "p1" in {ref.src_id for ref in refs.filter(src__tags__matching="point")}


def test_samples_between(filled: OrmAdapter) -> None:
    filled.load_entities([point("h", his=MARKER, tz="UTC")])
    begin = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    hour = dt.timedelta(hours=1)
    times = [begin + number * hour for number in range(5)]
    filled.his_write("h", [(DateTime(at, "UTC"), Number(1)) for at in reversed(times)])
    samples = HisSample.objects.using(filled.using)
    entity = Entity.objects.using(filled.using).get(pk="h")
    some = samples.of(entity).between(times[1], times[3])
    assert [row.ts for row in some] == times[1:3]
    assert samples.of("h").between(None, None).count() == 5
    assert not samples.of("nosuch").between(None, None).exists()


def test_records(filled: OrmAdapter) -> None:
    records = list(Entity.objects.using(filled.using).order_by("id").records())
    assert [dict(record) for record in records] == [dict(r) for r in filled.scan()]


def test_without_trash(filled: OrmAdapter) -> None:
    before = found(Entity.objects.using(filled.using).without_trash())
    filled.load_entities([{"id": Ref("gone"), "trash": MARKER}])
    entities = Entity.objects.using(filled.using)
    assert found(entities.without_trash()) == before
    assert "gone" in found(entities)


# -- visible entities ---------------------------------------------------------


def member(filter: str) -> Any:
    user = get_user_model().objects.create_user("eve", password="x")
    group = Group.objects.create(name="tenant")
    GroupScope.objects.create(group=group, filter=filter)
    user.groups.add(group)
    return user


@pytest.mark.django_db
def test_visible_to() -> None:
    storages["default"].load_entities(building())
    eve = member("siteRef==@s1 or id==@s1")
    mine = found(Entity.objects.visible_to(eve))
    assert mine == found(Entity.objects.matching("siteRef==@s1 or id==@s1"))
    assert 0 < len(mine) < Entity.objects.count()
    seen = Entity.objects.visible_to(eve).matching("point")
    assert found(seen) == found(Entity.objects.matching("point and siteRef==@s1"))
    assert found(Entity.objects.matching("point").visible_to(eve)) == found(seen)
    boss = get_user_model().objects.create_superuser("boss", password="x")
    assert Entity.objects.visible_to(boss).count() == Entity.objects.count()
    assert not Entity.objects.visible_to(AnonymousUser()).exists()
    eve.is_active = False
    assert not Entity.objects.visible_to(eve).exists()


@pytest.mark.django_db
def test_a_scoped_queryset_is_for_reading() -> None:
    storages["default"].load_entities(building())
    scoped = Entity.objects.visible_to(member("site"))
    before = {row["id"].id: row.raw for row in storages["default"].scan()}
    for change in (
        lambda: scoped.update(version=0),
        lambda: scoped.bulk_update([], ["version"]),
        lambda: scoped.select_for_update(),
        lambda: scoped.filter(id="s1").select_for_update(),
        lambda: Entity.rows.within(scoped.query.scope).update(version=0),  # type: ignore[attr-defined]
        lambda: Entity.rows.within(scoped.query.scope).select_for_update(),  # type: ignore[attr-defined]
    ):
        with pytest.raises(NotSupportedError):
            change()
    assert {row["id"].id: row.raw for row in storages["default"].scan()} == before


# -- saving -------------------------------------------------------------------


def heard(alias: str, act: Any, capture: Any) -> list[str]:
    ids: list[str] = []

    def on_change(sender: Any, **said: Any) -> None:
        if said["alias"] == alias:
            ids.extend(said["ids"])

    entities_changed.connect(on_change)
    try:
        with capture(using=storages[alias].using, execute=True):  # type: ignore[attr-defined]
            act()
    finally:
        entities_changed.disconnect(on_change)
    return sorted(ids)


def test_create(filled: OrmAdapter, django_capture_on_commit_callbacks: Any) -> None:
    tags = {"dis": "New", "site": MARKER, "weatherRef": Ref("w")}
    entities = Entity.objects.using(filled.using)
    made: list[Entity] = []
    said = heard(
        filled.alias,
        lambda: made.append(entities.create(id="new", tags=tags)),
        django_capture_on_commit_callbacks,
    )
    [entity] = made
    assert said == ["new"]
    record = filled.existing("new")
    assert dict(record) == {**tags, "id": Ref("new"), "mod": record["mod"]}
    assert entity.record.raw == record.raw
    assert entity.mod == record["mod"].utc
    edges = EntityRef.objects.using(filled.using).filter(src_id="new")
    assert list(edges.values_list("path", "dst")) == [("weatherRef", "w")]
    names = TagSet.objects.using(filled.using).get(id=entity.tag_set_id).names
    assert names == "dis id mod site weatherRef"
    assert [change.kind for change in filled.changes_of("new")] == ["add"]
    assert "new" in {row["id"].id for row in filled.read("weatherRef==@w")}
    with pytest.raises(IntegrityError, match="@new already exists"):
        entities.create(id="new", tags=tags)
    assert entities.create(tags={"dis": "No id"}).pk
    assert entities.create(tags={"id": Ref("tagged"), "dis": "x"}).pk == "tagged"
    assert entities.get_or_create(id="new", defaults={"tags": {}})[1] is False
    assert filled.differences() == []


def test_save(filled: OrmAdapter) -> None:
    entity = Entity.objects.using(filled.using).get(pk="s1")
    before = filled.existing("s1")
    entity.tags = {**dict(before), "dis": "Renamed", "mod": None}
    entity.save()
    record = filled.existing("s1")
    assert dict(record) == {**before, "dis": "Renamed", "mod": record["mod"]}
    assert record["mod"].utc > before["mod"].utc
    assert (entity.record.raw, entity.mod) == (record.raw, record["mod"].utc)
    [change, *_] = filled.changes_of("s1")
    assert dict(change.after) == {"dis": "Renamed"}
    entity.save()  # as it was read: text
    assert filled.existing("s1").raw == record.raw
    assert len(filled.changes_of("s1")) == 2
    entity.tags = json.dumps({"site": {"_kind": "marker"}, "dis": "Text"})
    entity.save(update_fields=["tags"])
    assert filled.existing("s1")["dis"] == "Text"
    assert filled.differences() == []


def test_transient_tags_are_saved(filled: OrmAdapter) -> None:
    filled.load_entities([point("t", cur=MARKER)])
    mod = filled.existing("t")["mod"]
    entity = Entity.objects.using(filled.using).get(pk="t")
    entity.cur = {"curVal": Number(3), "curStatus": "ok"}
    entity.save(update_fields=["cur"])
    assert filled.existing("t")["curVal"] == Number(3)
    assert filled.existing("t")["mod"] == mod
    entity.cur = {"curStatus": "fault"}
    entity.save()
    record = filled.existing("t")
    assert record["curStatus"] == "fault"
    assert "curVal" not in record
    assert record["mod"] == mod


def test_saving_is_refused_as_a_commit_is(filled: OrmAdapter) -> None:
    filled.load_entities([point("h", his=MARKER, tz="UTC", unit="kW")])
    at = DateTime(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "UTC")
    filled.his_write("h", [(at, Number(1))])
    entities = Entity.objects.using(filled.using)
    entity = entities.get(pk="h")
    entity.tags = {**dict(entity.record), "unit": "V"}
    with pytest.raises(HistoryInUse):
        entity.save()
    entity.tags = {"Bad": MARKER}
    with pytest.raises(InvalidRecord):
        entity.save()
    entity.tags = {"id": Ref("other")}
    with pytest.raises(InvalidRecord, match="@other"):
        entity.save()
    with pytest.raises(ValueError, match="'version' is derived"):
        entity.save(update_fields=["version"])
    with pytest.raises(DatabaseError, match="does not exist"):
        Entity(id="nosuch", tags={}).save(using=filled.using, force_update=True)
    assert filled.existing("h")["unit"] == "kW"


def test_delete(filled: OrmAdapter) -> None:
    filled.load_entities([point("h", his=MARKER, tz="UTC"), point("i"), point("j")])
    at = DateTime(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "UTC")
    filled.his_write("h", [(at, Number(1))])
    entities = Entity.objects.using(filled.using)
    label = "haystack_app.Entity"
    assert entities.get(pk="h").delete() == (1, {label: 1})
    assert not HisSample.objects.using(filled.using).filter(point_id="h").exists()
    assert entities.filter(id__in=["i", "j"]).delete() == (2, {label: 2})
    for id in ("h", "i", "j"):
        assert filled.changes_of(id)[0].kind == "remove"
    assert filled.differences() == []


def test_bulk_methods_name_the_right_call(filled: OrmAdapter) -> None:
    entities = Entity.objects.using(filled.using)
    calls = {
        "update_entities": lambda: entities.filter(id="s1").update(version=1),
        "bulk_update": lambda: entities.bulk_update([], ["tags"]),
        "load_entities": lambda: entities.bulk_create([Entity(id="x", tags="{}")]),
    }
    for named, call in calls.items():
        with pytest.raises(NotSupportedError, match=named):
            call()


# -- plain SQL and fixtures ---------------------------------------------------


def run(using: str, sql: str, *params: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)


def changed_by_sql(store: OrmAdapter, id: str, tags: dict[str, Any]) -> None:
    run(
        store.using,
        "UPDATE entities SET tags = %s WHERE id = %s",
        json.dumps(tags),
        id,
    )


REF = {"_kind": "ref", "val": "s1"}


def test_plain_sql_does_not_break_reads(filled: OrmAdapter) -> None:
    tags = {"id": REF, "site": {"_kind": "marker"}, "sqlTag": "x", "area": 5}
    changed_by_sql(filled, "s1", tags)
    found = filled.read("sqlTag")
    assert "sqlTag" in found.names
    assert found.rows[0]["sqlTag"] == "x"
    # what SQL may write besides
    for strange in (
        {**tags, "n": {"_kind": "number", "val": "five"}, "Upper": 1, "null": None},
        {"dis": "no id"},
        {**tags, "id": "s1"},
        {**tags, "id": {"_kind": "ref", "val": "other"}},
        [],
        {},
    ):
        changed_by_sql(filled, "s1", strange)  # type: ignore[arg-type]
        record = filled.existing("s1")
        assert record["id"] == Ref("s1")
        assert record["mod"]
        assert not {"n", "Upper", "null"} & record.keys()
        records = [*filled.scan(), *filled.page("id", "", 1_000), *filled.read("id")]
        assert all(isinstance(record.tags, dict) for record in records)


def test_the_worker_repairs_rows_changed_by_plain_sql(filled: OrmAdapter) -> None:
    before = Entity.rows.using(filled.using).get(pk="s1")
    mod = filled.existing("s1")["mod"]
    tags = {
        "id": REF,
        "site": {"_kind": "marker"},
        "area": {"_kind": "number", "val": 5},  # bare in canonical form
        "otherRef": {"_kind": "ref", "val": "s2"},
    }
    changed_by_sql(filled, "s1", tags)
    assert filled.differences() != []
    assert filled.mend_marked() == 1
    assert filled.mend_marked() == 0
    assert filled.differences() == []
    row = Entity.rows.using(filled.using).get(pk="s1")
    assert row.version > before.version
    assert filled.existing("s1")["mod"].utc > mod.utc
    for text in ("area == 5", "otherRef->site", "otherRef==@s2 and not dis"):
        assert [row["id"].id for row in filled.read(text)] == ["s1"], text


def test_unreadable_tags_are_kept_and_named(
    filled: OrmAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    tags = {"id": REF, "bad": {"_kind": "number", "val": "x"}, "dis": "Kept"}
    changed_by_sql(filled, "s1", tags)
    filled.mend_marked()
    assert "@s1" in caplog.text
    assert "bad" in caplog.text
    assert filled.mend_marked() == 0
    assert filled.differences() == ["@s1: tags that cannot be read: bad"]
    assert filled.existing("s1")["dis"] == "Kept"
    stored = json.loads(Entity.rows.using(filled.using).get(pk="s1").tags)
    assert stored["bad"] == tags["bad"]
    tags["bad"] = 5  # type: ignore[assignment]
    changed_by_sql(filled, "s1", tags)
    assert filled.mend_marked() == 1
    assert filled.differences() == []


@pytest.mark.parametrize("bad", [None, {"_kind": "number", "val": "x"}])
def test_refs_written_by_plain_sql_are_found_at_once(
    filled: OrmAdapter, bad: Any
) -> None:
    """By the tag, not by edges: those of a marked row are out of date."""
    many = [f"otherRef == @x{number}" for number in range(20)]
    filters = ("otherRef == @s2", " or ".join(["otherRef == @s2", *many]))
    tags = {"id": REF, "otherRef": {"_kind": "ref", "val": "s2"}}
    changed_by_sql(filled, "s1", tags | ({"bad": bad} if bad else {}))
    for text in filters:
        assert [row["id"].id for row in filled.read(text)] == ["s1"], text
    filled.mend_marked()
    for text in filters:
        assert [row["id"].id for row in filled.read(text)] == ["s1"], text
    changed_by_sql(filled, "s1", {"id": REF})
    for text in filters:
        assert len(filled.read(text)) == 0, text


@pytest.mark.django_db
def test_a_tick_repairs() -> None:
    store = storages["default"]
    assert isinstance(store, OrmAdapter)
    store.load_entities(building())
    changed_by_sql(store, "s1", {"id": REF, "viaSql": {"_kind": "marker"}})
    tick()
    assert store.differences() == []


@pytest.mark.django_db
def test_fixtures(tmp_path: Path) -> None:
    store = storages["default"]
    assert isinstance(store, OrmAdapter)
    store.load_entities(building())
    fixture = tmp_path / "entities.json"
    call_command("dumpdata", "haystack_app.entity", output=str(fixture))
    rows = json.loads(fixture.read_text())
    for row in rows:
        row["pk"] = f"copy.{row['pk']}"
        row["fields"]["tags"] = row["fields"]["tags"].replace('"s1"', '"copy.s1"')
    fixture.write_text(json.dumps(rows))
    call_command("loaddata", str(fixture), verbosity=0, stdout=StringIO())
    assert all(record.tags for record in store.scan())
    store.mend_marked()
    assert store.differences() == []
    copies = store.read("siteRef==@copy.s1")
    assert len(copies) == len(store.read("siteRef==@s1")) > 0


# -- haystack_check -----------------------------------------------------------


def test_repair(filled: OrmAdapter) -> None:
    filled.load_entities([point("h", his=MARKER, tz="UTC"), point("i")])
    at = DateTime(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "UTC")
    filled.his_write("h", [(at, Number(1))])
    assert filled.differences() == []
    rows = Entity.rows.using(filled.using)
    rows.filter(pk="s1").update(tag_set_id=12345)
    EntityRef.objects.using(filled.using).filter(src_id="p1").delete()
    EntityRef.objects.using(filled.using).create(path="a", dst="b", src_id="nosuch")
    EntityRef.objects.using(filled.using).create(path="a", dst="b", src_id="i")
    later = at.utc + dt.timedelta(hours=1)
    HisSample.objects.using(filled.using).create(point_id="h", ts=later, val=2.0)
    found = filled.differences()
    for named in (
        "@s1: the tag set",
        "@p1: the stored ref",
        "@nosuch: ref",
        "@i: the stored ref",
    ):
        assert any(line.startswith(named) for line in found), (named, found)
    assert "@h: hisSize is 1, the history has 2 samples" in found
    assert filled.repair() > 0
    assert filled.differences() == []
    assert filled.existing("h")["hisEnd"].utc == later
    assert filled.existing("h")["hisEndVal"].val == 2.0


@pytest.mark.django_db
def test_the_command() -> None:
    from django.core.management import CommandError

    store = storages["default"]
    assert isinstance(store, OrmAdapter)
    store.load_entities(building())
    out = StringIO()
    call_command("haystack_check", stdout=out)
    assert out.getvalue() == "no differences\n"
    EntityRef.objects.filter(src_id="p1").delete()
    with pytest.raises(CommandError, match="1 differences; run with --repair"):
        call_command("haystack_check", stdout=out)
    assert "@p1: the stored references do not match its tags" in out.getvalue()
    call_command("haystack_check", "--repair", stdout=out)
    assert out.getvalue().endswith("1 entities repaired\nno differences\n")


# -- current values ---------------------------------------------------------------


def test_saving_a_current_value_logs_it(filled: OrmAdapter) -> None:
    rows = Entity.objects.using(filled.using)
    tags = {"cur": MARKER, "hisCollectCov": MARKER}
    entity = Entity(tags=point("c", **tags), cur={"curVal": Number(1)})
    entity.save(using=filled.using)
    assert rows.get(pk="c").record["hisSize"] == Number(1)
    entity = rows.get(pk="c")
    entity.save()
    assert filled.existing("c")["hisStatus"] == "ok"
    entity.cur = {"curVal": Number(2), "curStatus": "ok"}
    entity.save(update_fields=["cur"])  # too soon for another sample
    assert filled.existing("c")["hisSize"] == Number(1)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2)
    assert filled.collect_postponed(later) == 1
    record = rows.get(pk="c").record
    assert (record["hisSize"], record["hisEndVal"]) == (Number(2), Number(2))


@pytest.mark.django_db
def test_the_worker_collects_and_marks_stale_values() -> None:
    store = storages["default"]
    maintenance._workers.pop(store, None)  # which know what earlier tests had
    tags = {"cur": MARKER, "hisStaleTime": Number(10, "min")}
    store.load_entities(
        [
            point("every", hisCollectInterval=Number(1, "min"), **tags),
            point("wrong", hisCollectCov=MARKER),
        ]
    )
    wrong = Entity.rows.get(pk="wrong")
    wrong_tags = json.loads(wrong.tags) | {"hisCollectCov": "often"}
    Entity.rows.filter(pk="wrong").update(tags=json.dumps(wrong_tags))
    at = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
    store.cur_write({"every": Current(Number(1))}, at)
    assert "default" not in tick(at)[1]
    assert store.existing("every")["hisEnd"].utc == at
    assert store.existing("wrong")["hisErr"].startswith("hisCollectCov: must be")
    sweep = StaleSweep(store)
    assert sweep.tick(at + dt.timedelta(minutes=12)) == 1
    assert store.existing("every")["curStatus"] == "stale"

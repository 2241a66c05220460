"""What is in the trash is neither seen nor written, by any op or path, on any store."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from haystack_app.collector import Collector
from haystack_app.jobs.trash import empty_trash
from haystack_app.jobs.worker import Worker
from haystack_app.kinds import MARKER, REMOVE, Col, Grid, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.ops import all_ops
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.wire import zinc_writer
from tests.api.conftest import Api, grid_of, logged_in, user
from tests.storage.building import at, entity, numbers, point
from tests.urls import every_path

DAY = "2024-03-01"
TAGS = {"siteRef": Ref("hall"), "equipRef": Ref("ahu"), "cur": MARKER}


@pytest.fixture
def plant(
    store: StorageAdapter, db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StorageAdapter]:
    """As the default storage: a site and an AHU with two points, and a trashed site.

    The point ``gone`` and the site ``ruin`` are in the trash.
    """
    monkeypatch.setitem(storages._adapters, "default", store)
    store.load_entities(
        [
            entity("hall", site=MARKER, dis="Hall"),
            entity("ahu", equip=MARKER, siteRef=Ref("hall")),
            entity("ruin", site=MARKER, dis="Ruin"),
            entity("old", equip=MARKER, siteRef=Ref("ruin")),
            point("here", **TAGS, writable=MARKER, hisCollectCov=MARKER),
            point("gone", **TAGS, writable=MARKER, hisCollectCov=MARKER, dis="Gone"),
            entity("note", aboutRef=Ref("gone"), placeRef=Ref("ruin")),
        ]
    )
    samples = numbers(5, at(f"{DAY} 12:00"))
    store.his_write_all({"here": samples, "gone": samples})
    rows = [{"id": Ref(id)} for id in ("gone", "ruin")]
    store.trash_entities(rows, force=True)
    yield store


@pytest.fixture
def boss(plant: StorageAdapter) -> Api:
    return Api(logged_in("boss", is_staff=True, is_superuser=True))


def row(**tags: Any) -> Grid:
    return Grid.of([tags])


def grid(rows: list[dict[str, Any]], **meta: Any) -> Grid:
    return Grid.of(rows, meta=meta)


GONE = Ref("gone")
WRITE = Grid(
    [Col("ts"), Col("val")],
    [{"ts": at(f"{DAY} 13:00"), "val": Number(1)}],
    {"id": GONE},
)
TRASHED, UNKNOWN = "is in the trash", "unknown entity"
REFUSED: dict[str, tuple[Grid, str]] = {
    "hisRead": (row(id=GONE, range=DAY), UNKNOWN),
    "hisRead, a batch": (
        Grid.of([{"id": Ref("here")}, {"id": GONE}], meta={"range": DAY}),
        UNKNOWN,
    ),
    "hisRead, rolled up": (
        row(id=GONE, range=DAY, rollup="avg", interval=Number(1, "day")),
        UNKNOWN,
    ),
    "hisRead, by filter": (grid([], range=DAY, filter="id == @gone"), "no entities"),
    "hisWrite": (WRITE, TRASHED),
    "pointWrite": (row(id=GONE), UNKNOWN),
    "pointWrite, a level": (row(id=GONE, level=Number(8), val=Number(1)), TRASHED),
    "curWrite": (row(id=GONE, val=Number(1)), TRASHED),
    "invokeAction": (grid([{}], id=GONE, action="override"), UNKNOWN),
    "nav": (row(navId="ruin"), UNKNOWN),
    "copyTree": (grid([], id=Ref("ruin")), UNKNOWN),
    "moveTree": (grid([{"siteRef": Ref("hall")}], id=GONE), UNKNOWN),
    "moveTree, to the trash": (
        grid([{"siteRef": Ref("ruin")}], id=Ref("ahu")),
        UNKNOWN,
    ),
    "eval": (row(expr=f"readById(@gone).hisRead({DAY})"), "gone"),
    "commit, transient": (
        grid(
            [{"id": GONE, "curVal": Number(1)}],
            commit="update",
            transient=MARKER,
            force=MARKER,
        ),
        TRASHED,
    ),
}
"""Requests by op that an error grid answers, and what it says."""

SILENT: dict[str, Grid] = {
    "copyTree": grid([], id=Ref("hall"), dryRun=MARKER),
    "read": row(filter="id"),
    "read, by id": row(id=GONE),
    "read, the trash": row(filter="trash"),
    "read, sorted": row(filter="id", sort="-dis"),
    "read, words": row(search="gone"),
    "nav": Grid(),
    "nav, a site": row(navId="hall"),
    "nav, an equip": row(navId="ahu"),
    "hisRead, by filter": grid([], range=DAY, filter="point and his"),
    "eval": row(expr="readAll(point)"),
    "watchSub": grid([{"id": GONE}], watchDis="t"),
    "watchSub, a filter": grid([], watchDis="t", filter="id"),
    "bulkUpdate": Grid(
        [Col("hvac")], [{"hvac": MARKER}], {"filter": "id", "dryRun": MARKER}
    ),
}
"""Requests by op that are answered as if the entities were not there."""

OTHERS = {
    "about": "knows no entities",
    "defTags": "knows no entities",
    "close": "knows no entities",
    "defs": "knows no entities",
    "echo": "knows no entities",
    "emptyTrash": "is about the trash",
    "filetypes": "knows no entities",
    "formats": "knows no entities",
    "libs": "knows no entities",
    "load": "replaces an entity, which is then out of the trash",
    "ops": "knows no entities",
    "watchPoll": "sees what watchSub does",
    "watchUnsub": "returns nothing",
}


def op_of(case: str) -> str:
    return case.partition(",")[0]


def test_every_op_is_here() -> None:
    ours = {one.name for one in all_ops() if one.run.__module__.startswith("haystack")}
    assert ours == {op_of(case) for case in (*REFUSED, *SILENT)} | OTHERS.keys()


def test_what_is_refused(boss: Api, plant: StorageAdapter) -> None:
    before = plant.existing("gone")
    for case, (request, said) in REFUSED.items():
        answer = boss.post(op_of(case), request)
        assert said in boss.error(answer), case
    assert plant.existing("gone") == before
    assert len(list(plant.his_read("gone"))) == 5


def test_what_is_not_seen(boss: Api) -> None:
    for case, request in SILENT.items():
        answer = boss.post(op_of(case), request)
        found = grid_of(answer)
        assert not found.is_error, (case, found.meta)
        text = zinc_writer.grid_text(found)
        text = text.replace("aboutRef", "").replace("placeRef", "")
        for hidden in ("Gone", "Ruin", "trash"):
            assert hidden not in text.replace('filter:"trash"', ""), case
        ids = [one.get("id") for one in found if "id" in one]
        assert not {"gone", "ruin"} & {ref.id for ref in ids if ref}, case
    assert [one["count"] for one in grid_of(boss.post("read", COUNT))] == [Number(5)]


COUNT = row(filter="id", count=MARKER)


SEEN = {
    "/api/entities/": lambda text: (
        not {"gone", "ruin"} & {one["id"]["val"] for one in json.loads(text)["results"]}
    ),
    "/api/history/": lambda text: "gone" not in text and "here" in text,
    "/api/quality/": lambda text: "gone" not in text and "here" in text,
}
"""Lists by REST, and whether an answer is right."""
QUERIES = {
    "/api/history/": "?filter=point+and+his&range=2024-03-01",
    "/api/quality/": "?filter=point",
}
ABOUT_THE_TRASH = {
    "/api/entities/s1/": "people look at it, and restore it",
    "/api/entities/s1/writes/": "a log",
    "/api/entities/s1/changes/": "a log",
    "/api/entities/s1/removal/": "people look at it",
    "/api/changes/": "a log",
    "/api/changes/1/": "a log",
    "/api/changes/1/revert/": "the undo of a log",
    "/api/samples/changes/": "a log",
    "/api/samples/changes/1/": "a log",
    "/api/samples/changes/1/undo/": "refused, below",
    "/api/writes/": "a log",
}
OTHER_PATHS = (
    *("/api/jobs/", "/api/users/", "/api/schema/", "/api/docs/", "/api/status/"),
    "/api/dashboards/",  # which name ops
    "/api/tags/",  # below
    *("/api/alarms/", "/api/alarm-rules/"),  # evaluated without the trash
    *("/api/imports/", "/api/import-mappings/", "/api/samples/import/"),  # as hisWrite
)


def test_every_path_is_here() -> None:
    paths = {path for path in every_path() if path.startswith("/api/")}
    known = {*SEEN, *ABOUT_THE_TRASH, "/api/read", "/api/read/"}
    paths = {path.replace("/api/memory/", "/api/", 1) for path in paths}
    left = {path for path in paths - known if not path.startswith(OTHER_PATHS)}
    assert left <= {"/api/", "/api/1"}  # no op, and the pattern of unknown ones


def test_lists_by_rest(boss: Api) -> None:
    for path, is_right in SEEN.items():
        answer = boss.client.get(path + QUERIES.get(path, ""))
        assert answer.status_code == 200, answer.content
        body = b"".join(answer) if answer.streaming else answer.content
        assert is_right(body.decode()), path
        assert b"Gone" not in body, path
    found = boss.client.get("/api/entities/?trash=true&filter=trash").json()
    assert [one["id"]["val"] for one in found["results"]] == ["gone", "ruin"]


def test_tags_and_values_that_occur(boss: Api) -> None:
    tags = boss.client.get("/api/tags/").content.decode()
    assert '"dis"' in tags and '"trash"' not in tags
    values = boss.client.get("/api/tags/dis/values/").content.decode()
    assert "Hall" in values
    assert "Gone" not in values and "Ruin" not in values


def test_an_undo_of_samples_leaves_it_alone(boss: Api, plant: StorageAdapter) -> None:
    plant.update_entities([{"id": GONE, "trash": REMOVE}], force=True)
    replaced = [(at(f"{DAY} 12:00"), Number(99))]
    plant.his_write("gone", replaced)
    [change] = plant.sample_changes(id="gone")
    plant.trash_entities([{"id": GONE}], force=True)
    answer = boss.client.post(f"/api/samples/changes/{change.origin.change}/undo/")
    assert answer.json()["missing"] == ["gone"]
    first = next(iter(plant.his_read("gone")))
    assert first["val"].val == 99


def test_it_does_not_collect(plant: StorageAdapter) -> None:
    ids = ["gone", "here"]
    plant.set_transient({id: {"curVal": Number(77), "curStatus": "ok"} for id in ids})
    with plant.locked(ids):
        plant.collect(ids)
    Collector(plant, 0.0).tick(dt.datetime.now(dt.UTC))
    assert len(list(plant.his_read("gone"))) == 5
    assert len(list(plant.his_read("here"))) == 6


def test_it_is_not_named_in_refs(plant: StorageAdapter) -> None:
    plant.mend_names()
    note = plant.existing("note")
    assert (note["aboutRef"].dis, note["placeRef"].dis) == (None, None)
    plant.update_entities([{"id": GONE, "trash": REMOVE}], force=True)
    plant.mend_names()
    assert plant.existing("note")["aboutRef"].dis == "Gone"


# -- moving there by the API ------------------------------------------------------


def removal(*ids: str, **meta: Any) -> Grid:
    rows = [{"id": Ref(id)} for id in ids]
    return grid(rows, commit="remove", force=MARKER, **meta)


def test_a_removal_is_immediate_without_trash(boss: Api, plant: StorageAdapter) -> None:
    assert not grid_of(boss.post("commit", removal("note"))).is_error
    assert plant.read_by_ids(["note"]) == [None]
    assert boss.client.delete("/api/entities/here/").status_code == 204
    assert plant.read_by_ids(["here"]) == [None]


def test_commit_moves_to_the_trash(boss: Api, plant: StorageAdapter) -> None:
    assert not grid_of(boss.post("commit", removal("note", trash=MARKER))).is_error
    assert not grid_of(boss.post("commit?trash=true", removal("here"))).is_error
    for id in ("note", "here"):
        assert "trash" in plant.existing(id)
    assert plant.changes_of("here", 1)[0].who == "boss"
    add = grid([{"dis": "x"}], commit="add")
    assert "requires meta commit to be remove" in boss.error(
        boss.post("commit?trash=true", add)
    )
    assert boss.post("commit?trash=yes", add).status_code == 400


def test_delete_moves_to_the_trash(boss: Api, plant: StorageAdapter) -> None:
    """Whether others refer to it: it can be restored."""
    concerned = boss.client.get("/api/entities/ahu/removal/").json()
    assert [one["id"]["val"] for one in concerned["referrers"]] == ["here"]
    assert (concerned["more"], concerned["samples"]) == (False, 0)
    assert boss.client.get("/api/entities/here/removal/").json()["samples"] == 5
    etag = boss.client.get("/api/entities/ahu/")["ETag"]
    plant.update_entities([{"id": Ref("ahu"), "dis": "New"}], force=True)
    address = "/api/entities/ahu/?trash=true"
    stale = boss.client.delete(address, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert boss.client.delete(address).status_code == 204
    assert "trash" in plant.existing("ahu")
    body = json.dumps({"trash": None, "mod": None})
    restored = boss.client.patch(
        "/api/entities/ahu/", body, "application/json", headers={"If-Match": "*"}
    )
    assert restored.status_code == 200, restored.content
    assert "trash" not in plant.existing("ahu")
    assert boss.client.delete("/api/entities/none/?trash=true").status_code == 404


# -- emptying it ------------------------------------------------------------------


def test_empty(boss: Api, plant: StorageAdapter) -> None:
    answer = grid_of(boss.post("emptyTrash", row(id=GONE)))
    assert list(answer) == [{"id": GONE, "usedBy": Ref("note")}]
    assert (answer.meta["count"], answer.meta["kept"]) == (Number(0), Number(1))
    answer = grid_of(boss.post("emptyTrash", grid([{"id": GONE}], force=MARKER)))
    assert (list(answer), answer.meta["count"]) == ([], Number(1))
    assert plant.read_by_ids(["gone"]) == [None]
    plant.commit([], remove=["old", "note"])
    answer = grid_of(boss.post("emptyTrash", grid([], all=MARKER)))
    assert answer.meta["count"] == Number(1)
    assert plant.count("trash") == 0
    for nothing in (Grid(), grid([{"id": GONE}], all=MARKER)):
        assert "either rows" in boss.error(boss.post("emptyTrash", nothing))


def test_who_may(plant: StorageAdapter) -> None:
    """Operators may not remove, and a user that may not empty the trash only that."""
    olga = Api(logged_in("olga", "operator"))
    assert olga.post("emptyTrash", grid([], all=MARKER)).status_code == 403
    assert olga.client.delete("/api/entities/here/?trash=true").status_code == 403
    assert olga.client.get("/api/entities/here/removal/").status_code == 200
    group = Group.objects.get(name="admin")
    group.permissions.remove(*group.permissions.filter(codename="empty_trash"))
    ann = Api(logged_in("ann", "admin"))
    assert ann.post("emptyTrash", grid([], all=MARKER)).status_code == 403
    assert ann.client.delete("/api/entities/here/?trash=true").status_code == 204
    assert "trash" in plant.existing("here")
    assert plant.existing("gone")["trash"] == MARKER


def test_another_tenant(plant: StorageAdapter) -> None:
    group = Group.objects.create(name="ruins")
    GroupScope.objects.create(group=group, filter="id == @ruin or id == @old")
    tom = user("tom", "admin")
    tom.groups.add(group)
    client = Client()
    client.force_login(tom)
    api = Api(client)
    for path in ("here/removal/", "gone/"):
        assert client.get(f"/api/entities/{path}").status_code == 404
    assert client.delete("/api/entities/here/?trash=true").status_code == 404
    assert "unknown" in api.error(api.post("commit", removal("here", trash=MARKER)))
    answer = grid_of(api.post("emptyTrash", grid([], all=MARKER)))
    assert list(answer) == [{"id": Ref("ruin"), "usedBy": Ref("old")}]
    found = client.get("/api/entities/?trash=true&filter=trash").json()
    assert [one["id"]["val"] for one in found["results"]] == ["ruin"]
    assert plant.existing("gone")["trash"] == MARKER


def test_the_nightly_job(plant: StorageAdapter, settings: Any) -> None:
    plant.commit([], remove=["note"])
    for days, left in ((30, 2), (0, 2), (1e-9, 1)):
        settings.HAYSTACK = {**settings.HAYSTACK, "TRASH_DAYS": days}
        storages._adapters["default"] = plant
        empty_trash.enqueue()
        assert Worker({"long": 1}).run_one(["long"])
        # the process that has a store in its memory empties it
        assert plant.count("trash") == (left if plant.shared else 2)
    assert "trash" in plant.existing("ruin")  # something refers to it

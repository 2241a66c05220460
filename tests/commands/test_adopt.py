"""haystack_adopt: imported and rejected data of haystack-py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from haystack_app import databases
from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.sql.tables import CHANGES, TAG_SETS
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.transfer.haystack_py import samples, tables
from haystack_app.transfer.haystack_py.rename_tables import rename_tables
from haystack_app.transfer.stores import connected
from tests.storage.building import history
from tests.transfer.old_databases import Old, old_database, ref

pytestmark = [
    pytest.mark.django_db(databases="__all__"),
    pytest.mark.usefixtures("by_url"),
]
M = {"_kind": "marker"}
POINT = {"point": M, "his": M, "tz": "New_York", "kind": "Number"}
NOON = "2024-03-01T12:00:00-05:00"
ONE = "2024-03-01T13:00:00-05:00"


@pytest.fixture(params=["postgres", "timescale"])
def old(request: pytest.FixtureRequest) -> Iterator[Old]:
    if request.param not in settings.DATABASES:
        pytest.skip(settings.MISSING_SERVICES[request.param])
    with old_database(request.param) as database:
        yield database


def adopt(*args: str, **options: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("haystack_adopt", *args, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def rejected(*args: str, **options: Any) -> list[str]:
    """The lines about rejected data."""
    err = StringIO()
    with pytest.raises(CommandError, match=r"\d errors: "):
        call_command("haystack_adopt", *args, stdout=StringIO(), stderr=err, **options)
    return err.getvalue().splitlines()


@pytest.fixture
def here() -> StorageAdapter:
    return storages["default"]


def test_hayson(old: Old, here: StorageAdapter) -> None:
    old.plain().entities(
        {
            "hq": {"id": ref("hq"), "site": M, "dis": "m:", "area": 5, "no": None},
            "p": {"id": ref("p"), **POINT, "unit": "°F", "curVal": 71},
            "b": {"id": ref("b"), **POINT, "kind": "Bool"},
        }
    )
    old.samples("p", [(NOON, 71.5), (ONE, math.nan), ("1969-07-20T20:17:00Z", 5)])
    old.samples("p", [("2024-03-01T14:00:00-05:00", math.inf), (NOON, 72)])
    old.samples("b", [(NOON, 1), (ONE, 0), ("2024-03-01T13:00:30-05:00", None)])
    out, _ = adopt(old.dsn)
    assert out.startswith(
        "3 entities (hayson), 6 samples of 2 points, 0 levels from entities, history\n"
    )
    assert (
        "1 samples without a value skipped" in out
        and "1 samples with a later one at the same time skipped" in out
    )
    hq = here.existing("hq")
    assert (hq["dis"], hq["area"], hq["site"]) == ("m:", Number(5), MARKER)
    found = history(here, "p")
    assert [value for _, value in found[:2]] == [Number(5, "°F"), Number(72, "°F")]
    assert math.isnan(found[2][1].val) and found[3][1] == Number(math.inf)
    assert history(here, "b") == [(NOON, True), (ONE, False)]
    assert here.existing("b")["hisSize"] == Number(2)
    assert here.existing("p")["curVal"] == Number(71)
    assert here.changes_of("hq")[0].who == "haystack_adopt"


def test_json3(old: Old, here: StorageAdapter) -> None:
    old.plain().entities(
        {
            "hq": {"id": "r:hq HQ", "site": "m:", "area": "n:5 m²", "dis": "s:m:"},
            "p": {
                "id": "r:p",
                "point": "m:",
                "his": "m:",
                "kind": "Number",
                "tz": "UTC",
                "siteRef": "r:hq HQ",
                "at": "t:2024-03-01T12:00:00-05:00 New_York",
            },
        }
    )
    old.samples("p", [(NOON, 1)])
    assert "2 entities (json3), 1 samples" in adopt(old.dsn)[0]
    hq, p = here.existing("hq"), here.existing("p")
    assert (hq["area"], hq["dis"], hq["id"].dis) == (Number(5, "m²"), "m:", "m:")
    assert p["siteRef"].dis == "m:" and p["at"] == DateTime.parse(NOON, "New_York")


def test_released_tables_with_units_and_levels(old: Old, here: StorageAdapter) -> None:
    rows = {
        "p": {"id": ref("p"), **POINT, "unit": "fahrenheit", "writable": M},
        "mode": {"id": ref("mode"), **POINT, "kind": "Str", "writable": M},
    }
    old.released().entities(rows, "hs_entities")
    insert = "INSERT INTO hs_history VALUES ('p', %s, %s, %s)"
    for row in ((NOON, 71.5, "°F"), (ONE, 72, None)):
        old.db.execute(insert, row)
    level = "INSERT INTO hs_priority VALUES (%s, %s, %s::jsonb, %s)"
    old.db.execute(level, ["p", 16, '"70.5"', "joe"])  # JSON text made a JSON string
    old.db.execute(
        level, ["p", 8, '{"_kind": "number", "val": 68, "unit": "°F"}', None]
    )
    old.db.execute(level, ["mode", 17, '"auto"', ""])
    old.db.execute(level, ["mode", 3, None, ""])
    out, _ = adopt(old.dsn)
    assert "2 samples of 1 points, 3 levels from hs_entities, hs_history, hs_p" in out
    array = here.levels_of("p")
    assert (array[16].val, array[16].who) == (Number(70.5, "°F"), "joe")
    assert array[8].val == Number(68, "°F")
    assert here.levels_of("mode")[17].val == "auto"
    assert here.existing("p")["writeVal"] == Number(68, "°F")
    assert "0 entities (hayson), 0 samples of 1 points, 0 levels" in adopt(old.dsn)[0]


def test_rows_without_ctid(
    old: Old, here: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of a compressed hypertable are sorted by time only."""
    monkeypatch.setattr(tables, "_has_ctid", lambda connection, table: False)
    old.plain().entities({"p": {"id": ref("p"), **POINT}})
    old.samples("p", [(ONE, 2), (NOON, 1), ("2024-05-01T12:00Z", 3)])
    assert "3 samples of 1 points" in adopt(old.dsn)[0]
    assert [value.val for _, value in history(here, "p")] == [1, 2, 3]


# -- formats ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            {"a": {"id": ref("a")}, "b": {"id": "r:b", "x": "m:"}},
            "row 'a' is Hayson, row 'b' is JSON 3",
        ),
        ({"a": {"id": ref("a")}, "b": {"x": "n:5"}}, "row 'b' may be Hayson or JSON 3"),
        ({"b": {"list": ["x", "s:x"]}}, "row 'b' may be Hayson or JSON 3"),
    ],
)
def test_ambiguous_formats(
    old: Old, here: StorageAdapter, rows: dict[str, Any], message: str
) -> None:
    old.plain().entities(rows)
    with pytest.raises(CommandError, match=f"{message}: specify it with --format"):
        adopt(old.dsn)
    assert not list(here.scan())


def test_explicit_format(old: Old, here: StorageAdapter) -> None:
    old.plain().entities({"b": {"x": "n:5"}, "c": {"x": "plain"}})
    adopt(old.dsn, format="hayson")
    assert here.existing("b")["x"] == "n:5"
    adopt(old.dsn, format="json3", overwrite=True)
    assert here.existing("b")["x"] == Number(5)


# -- what is refused --------------------------------------------------------------


def test_rejected_data_is_listed(old: Old, here: StorageAdapter) -> None:
    good = {"id": ref("good"), **POINT}
    old.plain().entities(
        {
            "good": good,
            "no id!": {"dis": "x"},
            "other": {"id": ref("else")},
            "list": [1],
            "unit": {
                "id": ref("unit"),
                "x": {"_kind": "number", "val": 1, "unit": "?"},
            },
            "notz": {"id": ref("notz"), "point": M, "his": M, "kind": "Number"},
            "nohis": {"id": ref("nohis"), "tz": "UTC", "kind": "Number"},
            "nokind": {"id": ref("nokind"), "point": M, "his": M, "tz": "UTC"},
            "text": {"id": ref("text"), **POINT, "kind": "Str"},
            "flag": {"id": ref("flag"), **POINT, "kind": "Bool"},
            "early": {"id": ref("early"), **POINT},
        }
    )
    for id in ("good", "notz", "nohis", "nokind", "text", "gone", "unit"):
        old.samples(id, [(NOON, 1)])
    old.samples("flag", [(NOON, 1), (ONE, 0.5)])
    old.samples("early", [(NOON, 1), ("infinity", 1)])
    lines = rejected(old.dsn)
    assert [line.removeprefix("rejected: ") for line in lines] == [
        "@list: the tags must be a JSON object",
        '@no id!: invalid ref id "no id!"',
        "@other: the tag id must be @other, not @else",
        '@unit: x: unknown unit "?"',
        "@early: 1 samples are before 1950 or after 9998 (2 samples)",
        "@flag: 1 samples of a Bool are not 0 or 1 (2 samples)",
        "@gone: samples without an entity that can be imported (1 samples)",
        "@nohis: has no history: no tag 'point' (1 samples)",
        "@nokind: kind must be Number or Bool for numeric samples, not None (1 samples)",
        "@notz: has no history: no tag 'tz' (1 samples)",
        "@text: kind must be Number or Bool for numeric samples, not Str (1 samples)",
        "@unit: samples without an entity that can be imported (1 samples)",
    ]
    assert history(here, "good") == [(NOON, Number(1))]
    assert history(here, "flag") == []
    dry = rejected(old.dsn, dry_run=True)
    assert dry == lines
    options = {"default_tz": "New_York", "default_kind": "Number", "add_his": True}
    assert len(rejected(old.dsn, dry_run=True, **options)) == 9
    left = rejected(old.dsn, **options)
    assert not {"@notz", "@nohis", "@nokind"} & {
        line.split(":")[1].strip() for line in left
    }
    for id in ("notz", "nohis", "nokind"):
        assert [value for _, value in history(here, id)] == [Number(1)]
    assert here.existing("notz")["tz"] == "New_York"
    assert here.existing("nohis")["tz"] == "UTC"
    assert rejected(old.dsn, **options) == left


def test_units_must_agree(old: Old, here: StorageAdapter) -> None:
    points = {id: {"id": ref(id), **POINT, "unit": "kW"} for id in ("a", "b", "c")}
    points["d"] = {"id": ref("d"), **POINT}
    old.released().entities(points, "hs_entities")
    for id, unit in (("a", "kilowatt"), ("b", "°F"), ("c", "nonsense"), ("d", "kW")):
        old.db.execute(
            "INSERT INTO hs_history VALUES (%s, %s, 1, %s)", [id, NOON, unit]
        )
    assert rejected(old.dsn) == [
        "rejected: @b: unit must be °F, like that of the samples, not kW (1 samples)",
        'rejected: @c: samples have an unknown unit "nonsense" (1 samples)',
        "rejected: @d: unit must be kW, like that of the samples, not none (1 samples)",
    ]
    assert history(here, "a") == [(NOON, Number(1, "kW"))]


def test_dry_run_stores_nothing(old: Old, here: StorageAdapter) -> None:
    old.plain().entities({"p": {"id": ref("p"), "point": M, "kind": "Number"}})
    old.samples("p", [(NOON, 1)])
    out, _ = adopt(old.dsn, dry_run=True, default_tz="UTC", add_his=True)
    assert out.startswith(
        "dry run, nothing stored: 1 entities (hayson), 1 samples of 1"
    )
    assert not list(here.scan())


# -- again ------------------------------------------------------------------------


def test_interrupted_import_continues(
    old: Old, here: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Existing data is not written again, and later changes are kept."""
    old.plain().entities({id: {"id": ref(id), **POINT} for id in ("a", "b")})
    old.db.execute(
        "INSERT INTO history SELECT p, '2024-01-01'::timestamptz + n * interval '1 min',"
        " n FROM unnest(ARRAY['a', 'b']) AS p, generate_series(1, 20000) AS n"
    )
    monkeypatch.setattr(samples, "LARGEST_CHUNK", 4_096)
    writes = []
    store = OrmAdapter.his_restore

    def failing(self: OrmAdapter, id: str, batch: Any) -> None:
        writes.append(id)
        if len(writes) == 7:
            raise OSError("cut")
        store(self, id, batch)

    with monkeypatch.context() as patch:
        patch.setattr(OrmAdapter, "his_restore", failing)
        with pytest.raises(OSError, match="cut"):
            adopt(old.dsn)
    assert here.existing("a")["hisSize"] == Number(20_000)
    assert here.existing("b")["hisSize"] == Number(4_096)
    here.update_entities([{"id": Ref("a"), "dis": "New"}], force=True)
    first = DateTime.parse("2024-01-01T00:01:00Z", "New_York")
    here.his_write("a", [(first, Number(-1))])
    out, _ = adopt(old.dsn)
    assert "0 entities (hayson), 15,904 samples of 2 points" in out
    assert "1 existing entities with different tags kept: @a" in out
    assert here.existing("b")["hisSize"] == Number(20_000)
    assert history(here, "a")[0][1] == Number(-1)
    assert "1 entities (hayson), 1 samples" in adopt(old.dsn, overwrite=True)[0]
    assert "dis" not in here.existing("a") and history(here, "a")[0][1] == Number(1)


def test_invalid_entity_does_not_affect_others(old: Old, here: StorageAdapter) -> None:
    old.plain().entities({id: {"id": ref(id), **POINT} for id in ("a", "b")})
    old.samples("a", [(NOON, 1)])
    adopt(old.dsn)
    old.db.execute('UPDATE entities SET tags = tags || \'{"tz": "UTC"}\'')
    assert rejected(old.dsn, overwrite=True) == [
        "rejected: @a: has history: its tag 'tz' cannot change"
    ]
    assert here.existing("b")["tz"] == "UTC"


# -- in place ---------------------------------------------------------------------


@pytest.fixture
def own(old: Old, settings: Any) -> str:
    """The alias of a storage in the database of haystack-py."""
    using = connected(databases.postgres(old.dsn))
    backend = "haystack_app.storage.orm.OrmAdapter"
    stores = {"own": {"BACKEND": backend, "OPTIONS": {"using": using}}}
    settings.HAYSTACK = settings.HAYSTACK | {
        "STORAGES": settings.HAYSTACK["STORAGES"] | stores
    }
    return using


def fill(old: Old) -> None:
    old.plain().entities(
        {"p": {"id": ref("p"), **POINT}, "bad": {"id": ref("bad"), "0": 1}}
    )
    old.samples("p", [(NOON, 1), (ONE, 2)])


def test_migrate_names_the_command(old: Old, own: str) -> None:
    fill(old)
    with pytest.raises(CommandError, match=r"entities, history.*haystack_adopt --in-p"):
        call_command("migrate", database=own, verbosity=0)
    assert TAG_SETS not in old.tables()
    assert old.db.execute("SELECT count(*) FROM history").fetchone() == (2,)


def test_in_place(old: Old, own: str) -> None:
    fill(old)
    with pytest.raises(CommandError, match="is not migrated: --dry-run requires"):
        adopt(in_place=True, storage="own", dry_run=True)
    lines = rejected(old.dsn, in_place=True, storage="own")
    assert lines == ['rejected: @bad: invalid tag name "0"']
    store = storages["own"]
    assert history(store, "p") == [(NOON, Number(1)), (ONE, Number(2))]
    assert {"entities_haystack_py", "history_haystack_py", CHANGES} <= old.tables()
    names = {
        name
        for (name,) in old.db.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename IN ('entities', 'history')"
        )
    }
    assert {"entities_pkey", "history_pkey", "entities_tags_gin"} <= names
    # the old tables are kept if data was rejected
    with pytest.raises(
        CommandError, match="1 errors: the rejected data was not imported"
    ):
        adopt(in_place=True, storage="own", drop_old=True)
    assert "history_haystack_py" in old.tables()
    old.db.execute("DELETE FROM entities_haystack_py WHERE id = 'bad'")
    out, _ = adopt(in_place=True, storage="own", drop_old=True)
    assert "0 entities (hayson), 0 samples of 1 points" in out
    assert "dropped entities_haystack_py, history_haystack_py" in out
    assert not any("haystack_py" in name for name in old.tables())
    assert len(history(store, "p")) == 2
    with pytest.raises(CommandError, match="no tables of haystack-py found"):
        adopt(in_place=True, storage="own")


def test_in_place_with_tables_of_other_names(old: Old, own: str) -> None:
    old.released().entities({"p": {"id": ref("p"), **POINT}}, "hs_entities")
    assert "1 entities" in adopt(in_place=True, storage="own")[0]
    assert "hs_entities" in old.tables()
    assert "0 entities" in adopt(old.dsn, storage="own")[0]
    assert "hs_priority" in adopt(in_place=True, storage="own", drop_old=True)[0]
    assert not any(name.startswith("hs_") for name in old.tables())


def test_two_sets_of_tables(old: Old, own: str) -> None:
    fill(old)
    old.released().entities({"q": {"id": ref("q"), **POINT}}, "hs_entities")
    with pytest.raises(
        CommandError, match="both hs_entities and entities exist: select"
    ):
        adopt(in_place=True, storage="own")
    assert TAG_SETS not in old.tables()
    rejected(in_place=True, storage="own", tables="entities")
    assert "entities_haystack_py" in old.tables()
    assert [row["id"].id for row in storages["own"].scan()] == ["p"]
    adopt(in_place=True, storage="own", tables="hs_entities")
    assert [row["id"].id for row in storages["own"].scan()] == ["p", "q"]


def test_in_place_continues_after_renaming(old: Old, own: str) -> None:
    fill(old)
    assert rename_tables(own, ["entities", "history"]) == ["entities", "history"]
    rejected(in_place=True, storage="own")
    assert len(history(storages["own"], "p")) == 2


def test_foreign_tables_are_not_renamed(old: Old, own: str) -> None:
    old.released().db.execute("CREATE TABLE history (page TEXT)")
    with pytest.raises(
        CommandError, match="table history belongs neither to haystack-py"
    ):
        adopt(in_place=True, storage="own")
    assert "history" in old.tables() and TAG_SETS not in old.tables()


def test_in_place_requires_the_storage_database(old: Old, own: str) -> None:
    fill(old)
    elsewhere = "postgres" if "postgres" in connections.settings else "timescale"
    with pytest.raises(CommandError, match="not the storage's own database"):
        adopt(old.dsn, in_place=True, storage=elsewhere)
    with pytest.raises(CommandError, match="must be PostgreSQL"):
        adopt(in_place=True)
    with pytest.raises(
        CommandError, match="--in-place requires a storage in a database"
    ):
        adopt(in_place=True, storage="memory")
    with pytest.raises(CommandError, match=r"is not migrated: run manage\.py migrate"):
        adopt(old.dsn, storage="own")
    assert "entities_haystack_py" not in old.tables()


def test_invalid_options() -> None:
    with pytest.raises(
        CommandError, match="the DSN of haystack-py's database is required"
    ):
        adopt()
    with pytest.raises(CommandError, match="requires --in-place"):
        adopt("x", drop_old=True)
    with pytest.raises(CommandError, match="cannot be combined with --dry-run"):
        adopt(in_place=True, drop_old=True, dry_run=True)
    with pytest.raises(CommandError, match="--default-tz: unknown time zone"):
        adopt("dbname=x", default_tz="Nowhere")
    with pytest.raises(CommandError, match="Invalid PostgreSQL DSN"):
        adopt("postgresql://joe:secret@[x")

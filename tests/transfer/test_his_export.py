"""Exports of histories: folders, manifests, stopped ones, and the way back."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import CommandError

from haystack_app.kinds import MARKER, NA, Coord, DateTime, Number, Ref
from haystack_app.kinds.series import microseconds_of
from haystack_app.models import GroupScope
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.transfer import his_export
from haystack_app.transfer.his_export import ExportedPoint, Exports, exported_files
from haystack_app.transfer.his_import import import_histories
from haystack_app.wire.files import UnreadableFile
from tests.api.conftest import user
from tests.commands.conftest import Run, run
from tests.storage.building import HOUR, at, entity, numbers, point

__all__ = ["run"]

FORMATS = ["parquet", "csv", "zinc"]
ASKED = {"filter": None, "range": None, "user": None}
NOW = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
ODD = {
    "t": [Number(1), Number(-2.5e-7), NA, Number(math.nan), Number(-math.inf)],
    "on": [True, False, NA, True],
    "s": ["a", "NA", NA, 'x,"y"\nz', "", "=1"],
    "c": [Coord(37.5, -77.25), NA, Coord(-1, 2)],
}
KINDS = {"t": "Number", "on": "Bool", "s": "Str", "c": "Coord"}


def fill(store: StorageAdapter, *, samples: bool = True) -> None:
    """Points of each kind and of two zones, over the end of a year."""
    rows = [entity("a", site=MARKER), point("far", tz="Kolkata", unit="kW")]
    for id, kind in KINDS.items():
        unit = {"unit": "°F"} if id == "t" else {}
        rows.append(point(id, kind=kind, siteRef=Ref("a"), dis=id.upper(), **unit))
    store.load_entities([], replace=True)
    store.load_entities(rows)
    if not samples:
        return
    start = at("2023-12-31 16:00").utc
    for id, values in ODD.items():
        times = [DateTime(start + n * HOUR, "New_York") for n in range(len(values))]
        store.his_write(id, list(zip(times, values, strict=True)))
    store.his_write("far", numbers(800, at("2023-12-30 00:00", "Kolkata")))


def contents(store: StorageAdapter) -> dict[str, str]:
    return {id: str(list(store.his_read(id).pairs())) for id in (*ODD, "far")}


def everything(store: StorageAdapter) -> list[ExportedPoint]:
    points = store.his_points(["c", "far", "on", "s", "t"])
    last = microseconds_of(at("2025-01-01 00:00").utc)
    first = microseconds_of(at("2023-12-01 00:00").utc)
    return [ExportedPoint(it, it.id, first, last) for it in points]


def manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text())


# -- on every store --------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_exported_is_imported(
    store: StorageAdapter, format: str, tmp_path: Path
) -> None:
    fill(store)
    before = contents(store)
    export = Exports(tmp_path / "x", {"format": format, **ASKED}, NOW)
    export.write(store, everything(store), lambda count: None)
    files = exported_files(tmp_path / "x")
    assert [str(it.relative_to(tmp_path / "x")) for it in files] == [
        f"year=2023/month=12/samples.{format}",
        f"year=2024/month=01/samples.{format}",
        f"year=2024/month=02/samples.{format}",
    ]
    fill(store, samples=False)
    assert contents(store) == dict.fromkeys(before, "[]")
    result = import_histories(store, files)
    assert contents(store) == before
    assert result.samples == export.rows == 800 + sum(map(len, ODD.values()))


# -- the command -----------------------------------------------------------------


@pytest.fixture
def plant(db: None) -> StorageAdapter:
    fill(storages["default"])
    return storages["default"]


def test_the_manifest(run: Run, plant: StorageAdapter, tmp_path: Path) -> None:
    out = run("haystack_export", tmp_path / "x", "--filter", 'kind == "Number"')
    assert out.startswith("805 samples of 2 points in 3 files, ")
    found = manifest(tmp_path / "x")
    assert (found["complete"], found["rows"], found["version"]) == (True, 805, 1)
    assert found["points"][1] == {
        "id": "t",
        "dis": "T",
        "kind": "Number",
        "unit": "°F",
        "tz": "New_York",
    }
    assert list(found["months"]) == ["2023-12", "2024-01", "2024-02"]
    held = found["months"]["2024-01"]
    path = tmp_path / "x" / held["path"]
    assert held["bytes"] == path.stat().st_size
    assert held["rows"] == pyarrow.parquet.read_metadata(path).num_rows


def test_others_read_the_folder(
    run: Run, plant: StorageAdapter, tmp_path: Path
) -> None:
    run("haystack_export", tmp_path / "x", "--filter", "id == @far")
    query = (
        f"SELECT sum(val) FROM read_parquet('{tmp_path}/x/*/*/*.parquet',"
        " hive_partitioning = true) WHERE year = 2024 AND month = 1"
    )
    [(by_duckdb,)] = duckdb.sql(query).fetchall()
    frame = pandas.read_parquet(tmp_path / "x/year=2024/month=01/samples.parquet")
    assert by_duckdb == frame["val"].sum() > 0
    assert frame["ts"].min() == pandas.Timestamp(
        "2024-01-01", tz="UTC"
    ) + pandas.Timedelta(minutes=30)


def test_a_range_is_of_the_zone_of_each_point(
    run: Run, plant: StorageAdapter, tmp_path: Path
) -> None:
    out = run(
        "haystack_export", tmp_path / "x", "--range", "2024-01-01", "--format=csv"
    )
    assert out.startswith("24 samples of 5 points in 2 files")
    text = (tmp_path / "x/year=2023/month=12/samples.csv").read_text()
    assert text.splitlines()[1] == "2023-12-31T18:30:00Z,far,48,kW"


@pytest.mark.parametrize("format", FORMATS)
def test_the_commands_are_inverse(
    run: Run, plant: StorageAdapter, tmp_path: Path, format: str
) -> None:
    before = contents(plant)
    run("haystack_export", tmp_path / "x", "--format", format)
    fill(plant, samples=False)
    out = run("haystack_his_import", tmp_path / "x")
    assert "818 samples of 5 points from 3 files" in out.replace(" rows,", "")
    assert contents(plant) == before


def test_a_stopped_export_goes_on(
    run: Run,
    plant: StorageAdapter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "x"
    written: list[str] = []
    month = Exports._month

    def failing(self: Any, *args: Any) -> Any:
        if len(written) == 1:
            raise OSError(28, "No space left on device")
        written.append("one")
        return month(self, *args)

    monkeypatch.setattr(Exports, "_month", failing)
    with pytest.raises(CommandError, match="No space left"):
        run("haystack_export", folder)
    assert list(manifest(folder)["months"]) == ["2023-12"]
    with pytest.raises(CommandError, match="not complete: run haystack_export again"):
        run("haystack_his_import", folder)
    monkeypatch.setattr(Exports, "_month", month)
    first = folder / "year=2023/month=12/samples.parquet"
    inode = first.stat().st_ino
    run("haystack_export", folder)
    assert first.stat().st_ino == inode
    assert manifest(folder)["complete"]
    assert not list(folder.rglob("*.part"))
    first.write_bytes(b"damaged")
    with pytest.raises(CommandError, match=r"month=12/samples\.parquet: 7 bytes"):
        run("haystack_his_import", folder)
    run("haystack_export", folder)  # writes it again
    assert "818 samples" in run("haystack_his_import", folder)


def test_refused_folders(run: Run, plant: StorageAdapter, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    run("haystack_export", folder, "--format", "csv")
    with pytest.raises(CommandError, match="with format 'csv', not 'zinc'"):
        run("haystack_export", folder, "--format", "zinc")
    with pytest.raises(CommandError, match="with filter None, not 'temp'"):
        run("haystack_export", folder, "--format", "csv", "--filter", "temp")
    (folder / "manifest.json").write_text("{")
    with pytest.raises(CommandError, match="invalid JSON"):
        run("haystack_export", folder, "--format", "csv")
    (folder / "manifest.json").unlink()
    with pytest.raises(CommandError, match="neither empty nor an export"):
        run("haystack_export", folder, "--format", "csv")
    with pytest.raises(CommandError, match=r"no manifest\.json in this folder"):
        run("haystack_his_import", folder)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--filter", "temp and"], "filter is cut short"),
        (["--filter", "never"], "filter matches no points with history"),
        (["--range", "lastWeek"], "invalid history range"),
        (["--user", "eve"], "--user: unknown user 'eve'"),
    ],
)
def test_refused_arguments(
    run: Run, plant: StorageAdapter, tmp_path: Path, arguments: list[str], why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        run("haystack_export", tmp_path / "x", *arguments)
    assert not (tmp_path / "x").exists()


def test_a_user_exports_what_it_sees(
    run: Run, plant: StorageAdapter, tmp_path: Path
) -> None:
    group = Group.objects.create(name="a")
    GroupScope.objects.create(group=group, filter="siteRef == @a")
    user("alice", "viewer").groups.add(group)
    user("bob", "")
    run("haystack_export", tmp_path / "x", "--user", "alice")
    assert [it["id"] for it in manifest(tmp_path / "x")["points"]] == [
        "c",
        "on",
        "s",
        "t",
    ]
    with pytest.raises(CommandError, match="filter matches no points with history"):
        run(
            "haystack_export",
            tmp_path / "y",
            "--user",
            "alice",
            "--filter",
            "id == @far",
        )
    with pytest.raises(CommandError, match="may not read entities"):
        run("haystack_export", tmp_path / "y", "--user", "bob")
    get_user_model().objects.filter(username="alice").update(is_active=False)
    with pytest.raises(CommandError, match="may not read entities"):
        run("haystack_export", tmp_path / "y", "--user", "alice")


def test_the_trash_is_not_exported(
    run: Run, plant: StorageAdapter, tmp_path: Path
) -> None:
    plant.load_entities([{**plant.existing("t"), "trash": MARKER}])
    run("haystack_export", tmp_path / "x")
    assert "t" not in [it["id"] for it in manifest(tmp_path / "x")["points"]]


# -- Parquet of others -------------------------------------------------------------


def parquet(folder: Path, **columns: Any) -> Path:
    path = folder / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


TIMES = pyarrow.array([1_700_000_000_000], pyarrow.timestamp("ms", "Asia/Kolkata"))


def test_parquet_of_another_program(
    run: Run, plant: StorageAdapter, tmp_path: Path
) -> None:
    path = parquet(tmp_path, ts=TIMES, id=["t"], val=[7], more=["x"])
    assert "1 samples of 1 points" in run("haystack_his_import", path)
    held = list(plant.his_read("t").pairs())
    assert held[0] == (1_700_000_000_000_000, Number(7, "°F"))


def test_units_of_parquet(run: Run, plant: StorageAdapter, tmp_path: Path) -> None:
    path = parquet(tmp_path, ts=TIMES, id=["t"], val=[100.0], unit=["°C"])
    with pytest.raises(CommandError, match="°C"):
        run("haystack_his_import", path)
    run("haystack_his_import", path, "--convert")
    [(_, value), *_] = plant.his_read("t").pairs()
    assert value.val == pytest.approx(212)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"ts": TIMES, "id": ["t"]}, "missing column val"),
        (
            {"ts": ["2024-01-01"], "id": ["t"], "val": [1]},
            "column ts must have timestamps",
        ),
        ({"ts": TIMES, "id": ["t"], "val": ["1"]}, "column val must have numbers"),
        (
            {"ts": TIMES, "id": ["on"], "val": [3]},
            "row 1: invalid value of a Bool: '3'",
        ),
        ({"ts": TIMES, "id": ["x"], "val": [3]}, "row 1: unknown entity @x"),
    ],
)
def test_invalid_parquet(
    run: Run, plant: StorageAdapter, tmp_path: Path, columns: Any, why: str
) -> None:
    before = contents(plant)
    with pytest.raises(CommandError, match=why):
        run("haystack_his_import", parquet(tmp_path, **columns))
    assert contents(plant) == before


def test_damaged_parquet(run: Run, plant: StorageAdapter, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(CommandError, match=r"a\.parquet: invalid Parquet"):
        run("haystack_his_import", path)


def test_months_end_at_midnight_utc() -> None:
    points = [
        ExportedPoint(None, None, 0, 1),  # type: ignore[arg-type]
        ExportedPoint(None, None, 5, 5),  # type: ignore[arg-type]
    ]
    assert list(his_export._months(points)) == [(0, 31 * 86_400 * 1_000_000)]


def test_an_export_needs_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UnreadableFile, match="not a folder"):
        Exports(file, {"format": "csv", **ASKED}, NOW)

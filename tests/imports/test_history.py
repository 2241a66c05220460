"""Files of samples: what is understood, corrections, the import and its undo."""

from __future__ import annotations

import csv
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from haystack_app.kinds import Number
from haystack_app.models import FileImport
from haystack_app.storage.handler import storages
from tests.imports.conftest import TRENDS, Imports, run_jobs
from tests.storage.building import at

PAIRS = """Time,Supply Temp (°C),Time,Other
2024-03-01 08:00,20.5,2024-03-01 08:00,1
2024-03-01 08:15,21,2024-03-01 08:20,2
"""


def values(id: str, alias: str = "default") -> list[Any]:
    found = [row["val"] for row in storages[alias].his_read(id)]
    return [one.val if isinstance(one, Number) else one for one in found]


def test_what_is_understood(imports: Imports) -> None:
    answer = imports.uploaded(TRENDS)
    assert (answer["status"], answer["name"]) == ("checked", "trends.csv")
    found = answer["found"]
    assert (found["kind"], found["problem"]) == ("history", "")
    [table] = found["tables"]
    assert (table["layout"], table["encoding"]) == ("wide", "utf-8")
    assert (table["delimiter"], table["zone"]) == ("comma", None)
    assert table["header"] == ["Timestamp", "Supply Temp (°C)", "Fan"]
    assert table["rows"][0] == ["2024-03-01 08:00", "20.5", "true"]
    time, temp, fan = table["columns"]
    assert time["use"] == "time"
    assert (temp["id"], temp["unit"], temp["decimal"]) == ("sat", "°C", "point")
    assert (fan["id"], fan["kind"]) == ("fan", "Bool")
    assert found["counts"]["rows"] == 3
    assert found["counts"]["samples"] == 6
    sat = next(one for one in found["points"] if one["id"] == "sat")
    assert (sat["first"], sat["last"]) == (
        "2024-03-01T08:00:00Z",
        "2024-03-01T08:45:00Z",
    )
    assert sat["interval"] == 900
    assert found["bad"]["count"] == 2
    assert [row["line"] for row in found["bad"]["shown"]] == [4, 6]
    assert found["bad"]["shown"][0]["column"] == "Supply Temp (°C)"
    assert found["canStart"] is False
    assert values("sat") == []


def test_two_bad_rows_are_left_out(imports: Imports) -> None:
    id = imports.uploaded(TRENDS)["id"]
    refused = imports.start(id)
    assert refused.status_code == 400
    assert "see problem and bad" in refused.json()["dis"]
    assert imports.corrected(id, skipBad="2")["found"]["canStart"]
    job = imports.done(id)
    assert job["status"] == "successful", job
    result = job["result"]
    assert (result["samples"], result["leftOut"]) == (6, 2)
    assert result["points"] == ["fan", "sat"]
    assert values("sat") == [20.5, 21, 21.5]
    assert values("fan") == [True, True, False]
    [change] = storages["default"].sample_changes()
    assert change.origin.change == result["change"]
    assert (change.origin.user, change.origin.reason) == ("alice", "trends.csv")


def test_the_undo_of_a_whole_import(imports: Imports) -> None:
    """It restores what was replaced, and removes what was added."""
    store = storages["default"]
    store.his_write("sat", [(at("2024-03-01 08:15", "UTC"), Number(1, "°C"))])
    id = imports.uploaded(TRENDS)["id"]
    imports.corrected(id, skipBad="100%")
    imports.done(id)
    assert values("sat") == [20.5, 21, 21.5]
    job = imports.undone(id)
    assert job["status"] == "successful", job
    assert job["result"]["restored"] == 6
    assert values("sat") == [1]
    assert values("fan") == []


def test_the_undo_of_an_import_beside_many_changes(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others edit samples while the import runs."""
    store = storages["default"]
    store.his_write("sat", [(at("2024-03-01 08:15", "UTC"), Number(1, "°C"))])
    write = type(store).his_write_all

    def beside(self: Any, samples: Any, *args: Any, **kwargs: Any) -> None:
        write(self, samples, *args, **kwargs)
        for value in range(120):
            sample = at("2023-01-01 08:15", "UTC"), Number(value, "°C")
            write(store, {"sat": [sample]})

    monkeypatch.setattr(type(store), "his_write_all", beside)
    id = imports.uploaded(TRENDS)["id"]
    imports.corrected(id, skipBad="100%")
    assert imports.done(id)["result"]["change"]


def test_all_bad_rows_are_downloadable(imports: Imports) -> None:
    rows = "".join(
        f"2024-03-01 08:{n // 60:02}:{n % 60:02},x{n},true\n" for n in range(150)
    )
    id = imports.uploaded(f"Timestamp,Supply Temp,Fan\n{rows}")["id"]
    found = imports.get(id)["found"]
    assert (found["bad"]["count"], len(found["bad"]["shown"])) == (150, 100)
    answer = imports.client.get(f"{imports.root}{id}/bad-rows/")
    assert answer["Content-Type"].startswith("text/csv")
    assert "trends-invalid-rows.csv" in answer["Content-Disposition"]
    text = b"".join(answer).decode()
    listed = list(csv.DictReader(StringIO(text)))
    assert [row["line"] for row in listed] == [str(n) for n in range(2, 152)]


def test_a_cell_that_is_a_formula_is_a_text_in_the_list(imports: Imports) -> None:
    text = "Timestamp,=cmd()\n2024-03-01 08:00,warm\n"
    id = imports.uploaded(text)["id"]
    imports.corrected(id, mapping={"=cmd()": "sat"})
    answer = b"".join(imports.client.get(f"{imports.root}{id}/bad-rows/")).decode()
    [row] = csv.DictReader(StringIO(answer))
    assert (row["line"], row["column"]) == ("2", "'=cmd()")
    assert not any(cell.startswith("=") for cell in row.values())


def test_an_unknown_column_is_shown_and_mapped(imports: Imports) -> None:
    text = "Time;Zuluft;Bemerkung\n01.03.2024 08:00;20,5;gut\n13.03.2024 08:00;21,5;\n"
    answer = imports.uploaded(text)
    found = answer["found"]
    assert found["canStart"] is False
    assert "map it with `mapping`, or leave it out with `ignore`" in found["problem"]
    [table] = found["tables"]
    assert [column["use"] for column in table["columns"]] == [
        "time",
        "unknown",
        "unknown",
    ]
    assert table["columns"][1]["cells"] == ["20,5", "21,5"]
    assert "Zuluft" in table["columns"][1]["problem"]
    found = imports.corrected(
        answer["id"], mapping={"Zuluft": "sat", "Bemerkung": None}
    )["found"]
    assert (found["problem"], found["canStart"]) == ("", True)
    assert found["tables"][0]["times"]["order"] == "dmy"
    assert found["tables"][0]["columns"][2]["use"] == "ignored"
    assert imports.done(answer["id"])["status"] == "successful"
    assert values("sat") == [20.5, 21.5]


def test_two_readings_are_a_problem_that_names_the_correction(
    imports: Imports,
) -> None:
    answer = imports.uploaded("Time,Supply Temp\n03/04/2024 08:00,1\n")
    assert "`dates`" in answer["found"]["problem"]
    assert "--" not in answer["found"]["problem"]
    assert answer["found"]["tables"][0]["header"] == ["Time", "Supply Temp"]
    found = imports.corrected(answer["id"], dates="dmy")["found"]
    assert found["first"] == "2024-04-03T08:00:00Z"
    found = imports.corrected(answer["id"], dates="mdy", tz="New_York")["found"]
    assert found["first"] == "2024-03-04T13:00:00Z"
    found = imports.corrected(answer["id"], tz=None)["found"]
    assert found["first"] == "2024-03-04T08:00:00Z"


def test_a_factor_and_a_unit(imports: Imports) -> None:
    text = "Time,T\n2024-03-01 08:00,700\n"
    id = imports.uploaded(text)["id"]
    mapping = {"T": {"id": "sat", "factor": 0.1, "unit": "°F"}}
    found = imports.corrected(id, mapping=mapping)["found"]
    assert "unit must be °C, not °F" in found["problem"]
    found = imports.corrected(id, convert=True)["found"]
    assert found["canStart"], found
    imports.done(id)
    assert values("sat") == [pytest.approx(21.11, abs=0.01)]


def test_names_in_rows(imports: Imports) -> None:
    text = "Point,Time,Value\nFan,2024-03-01 08:00,true\nOther,2024-03-01 08:00,1\n"
    answer = imports.uploaded(text)
    [table] = answer["found"]["tables"]
    assert table["layout"] == "long"
    known, unknown = table["names"]
    assert (known["header"], known["id"]) == ("Fan", "fan")
    assert (unknown["header"], unknown["use"]) == ("Other", "unknown")
    assert answer["found"]["bad"]["count"] == 1
    found = imports.corrected(answer["id"], mapping={"Other": "sat"})["found"]
    assert found["canStart"], found
    imports.done(answer["id"])
    assert (values("sat"), values("fan")) == ([1], [True])


def test_our_own_form(imports: Imports) -> None:
    text = "ts,id,val\n2024-03-01T08:00:00Z,sat,20\n"
    answer = imports.uploaded(text)
    assert answer["found"]["kind"] == "history"
    assert answer["found"]["canStart"]
    imports.done(answer["id"])
    assert values("sat") == [20]


def test_a_grid_of_samples(imports: Imports) -> None:
    text = 'ver:"3.0" id:@sat\nts,val\n2024-03-01T08:00:00Z UTC,20°C\n'
    answer = imports.uploaded(text, "samples.zinc")
    assert (answer["found"]["kind"], answer["found"]["tables"]) == ("history", [])
    imports.done(answer["id"])
    assert values("sat") == [20]


def test_a_file_in_parts(imports: Imports) -> None:
    text = b"ts,id,val\n2024-03-01T08:00:00Z,sat,20\n"
    first = imports.upload(text[:10], size=len(text)).json()
    assert (first["status"], first["received"]) == ("uploading", 10)
    assert imports.start(first["id"]).status_code == 400
    path = f"{imports.root}{first['id']}/parts/"
    octets = "application/octet-stream"
    wrong = imports.client.post(f"{path}?offset=3", text[10:], octets)
    assert wrong.status_code == 400
    assert "offset must be 10, not 3" in wrong.json()["dis"]
    long = imports.client.post(f"{path}?offset=10", text[10:] + b"x", octets)
    assert "more than the" in long.json()["dis"]
    whole = imports.client.post(f"{path}?offset=10", text[10:], octets)
    assert whole.json()["status"] == "checked", whole.content
    again = imports.client.post(f"{path}?offset=10", text[10:], octets)
    assert again.status_code == 409
    imports.done(first["id"])
    assert values("sat") == [20]


def test_a_long_file_is_checked_by_a_job(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haystack_app.imports.uploads._AT_ONCE", 8)
    answer = imports.uploaded(TRENDS)
    assert (answer["status"], answer["found"]) == ("checking", None)
    assert answer["checkJob"]["title"] == "check trends.csv"
    assert imports.correct(answer["id"], skipBad="2").status_code == 409
    assert imports.client.delete(f"{imports.root}{answer['id']}/").status_code == 409
    run_jobs()
    found = imports.get(answer["id"])
    assert (found["status"], found["found"]["bad"]["count"]) == ("checked", 2)


def test_the_spool_is_private(imports: Imports, spool: Path) -> None:
    imports.uploaded(TRENDS, "../../<img src=x>.CSV")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in spool.rglob("*")}
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700
    [folder] = spool.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        "invalid-rows.csv",
        "upload.csv",
    ]
    assert modes[folder] == 0o700
    assert modes[folder / "upload.csv"] == 0o600


def test_a_spool_that_others_may_read_is_refused(imports: Imports, spool: Path) -> None:
    spool.mkdir(mode=0o755)
    answer = imports.upload(TRENDS)
    assert answer.status_code == 400
    assert "chmod 700" in answer.json()["dis"]
    assert not FileImport.objects.exists()


def test_expired_files_are_deleted(imports: Imports, spool: Path) -> None:
    from haystack_app.imports.uploads import delete_expired

    imports.uploaded(TRENDS)
    assert delete_expired() == 0
    FileImport.objects.update(expires_at=timezone.now())
    assert delete_expired() == 1
    assert list(spool.iterdir()) == []


def test_deletion(imports: Imports, spool: Path) -> None:
    id = imports.uploaded(TRENDS)["id"]
    assert imports.client.delete(f"{imports.root}{id}/").status_code == 204
    assert list(spool.iterdir()) == []
    assert imports.client.get(f"{imports.root}{id}/").status_code == 404


@pytest.mark.parametrize(
    ("text", "name", "status", "reason"),
    [
        (TRENDS, "", 400, "missing name"),
        (TRENDS, "x" * 201 + ".csv", 400, "at most 200"),
        (TRENDS, "setup.exe", 400, "the name must end in .csv"),
        ("", "trends.csv", 400, "size must be at least 1"),
    ],
)
def test_bad_uploads(
    imports: Imports, text: str, name: str, status: int, reason: str
) -> None:
    answer = imports.upload(text, name)
    assert answer.status_code == status
    assert reason in answer.json()["dis"]
    assert not FileImport.objects.exists()


def test_the_cap(imports: Imports, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IMPORT": 200}}
    assert imports.upload(TRENDS).status_code == 201
    answer = imports.upload(TRENDS)
    assert answer.status_code == 413
    assert "cap IMPORT" in answer.json()["dis"]


def test_a_bomb(imports: Imports) -> None:
    import gzip

    packed = gzip.compress(b"0" * 70_000_000, 9)
    found = imports.uploaded(packed, "bomb.csv.gz")["found"]
    assert "larger than" in found["problem"]
    assert found["canStart"] is False


@pytest.mark.parametrize(
    ("corrections", "reason"),
    [
        ({"dates": "ydm"}, "dates"),
        ({"kind": "weather"}, "kind"),
        ({"mapping": {"a": {"id": "x", "factor": "two"}}}, "factor must be a number"),
        ({"mapping": {"a": {"id": "no id"}}}, "mapping"),
        ({"mapping": []}, "mapping"),
        ({"skipBad": "many"}, "skipBad"),
        ({"year": 12}, "year"),
        ({"tzz": "UTC"}, "tzz: unknown field"),
    ],
)
def test_bad_corrections(imports: Imports, corrections: Any, reason: str) -> None:
    id = imports.uploaded(TRENDS)["id"]
    answer = imports.correct(id, **corrections)
    assert answer.status_code == 400, answer.content
    assert reason in answer.json()["dis"]


def test_a_zone_that_does_not_exist(imports: Imports) -> None:
    id = imports.uploaded(TRENDS)["id"]
    found = imports.corrected(id, tz="Atlantis")["found"]
    assert "unknown time zone 'Atlantis'" in found["problem"]


def test_samples_in_dropped_days_are_a_problem(imports: Imports) -> None:
    from haystack_app.kinds.series import microseconds_of
    from haystack_app.models import HistoryPolicy

    store = storages["default"]
    HistoryPolicy.objects.create(name="short", position=1, filter="point", keep_days=1)
    store.his_write("sat", [(at("2024-01-01", "UTC"), Number(1, "°C"))])
    store.his_write("sat", [(at("2024-05-01", "UTC"), Number(1, "°C"))])
    end = microseconds_of(at("2024-04-01", "UTC").utc)
    store.his_drop(store.his_points(["sat"])[0], end)
    found = imports.uploaded("Time,Supply Temp\n2024-03-01 08:00,1\n")["found"]
    assert "dropped by policy 'short'" in found["problem"]
    assert found["canStart"] is False


def test_cells_of_a_table_of_pairs(imports: Imports) -> None:
    """Those of the long table that is read, not of the columns of the file."""
    [table] = imports.uploaded(PAIRS)["found"]["tables"]
    assert table["header"] == ["Point", "Time", "Value"]
    assert table["rows"][0] == ["Supply Temp (°C)", "2024-03-01 08:00", "20.5"]
    assert [one["header"] for one in table["names"]] == ["Supply Temp (°C)", "Other"]
    assert [one["use"] for one in table["names"]] == ["point", "unknown"]


def test_uploads_that_were_broken_off_are_deleted(
    imports: Imports, spool: Path
) -> None:
    answer = imports.upload(TRENDS, size=1_000)
    assert answer.status_code == 201
    FileImport.objects.update(expires_at=timezone.now())
    second = imports.uploaded(TRENDS)
    assert [found.pk for found in FileImport.objects.all()] == [second["id"]]
    third = imports.upload(TRENDS, size=1_000).json()
    url = f"{imports.root}{third['id']}/"
    assert imports.client.delete(url).status_code == 204
    assert len(list(spool.iterdir())) == 1

"""Bodies and answers that are files: all errors of rows, Trio's M, downloads."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.commands.test_dump import raws
from tests.commands.test_what_we_write import RECORDS
from tests.defects.building import point
from tests.storage.building import given

from .conftest import Api, grid_of, logged_in

PYTHON = re.compile(r"datetime\.|\b\w+\(\w+=|\bNone\b|<class|\bstr\b|\bdict\b")


@pytest.fixture
def staff(db: None) -> Api:
    storages["default"].load_entities(
        [
            point("n", unit="°F"),
            {"id": Ref("w"), "point": MARKER, "writable": MARKER, "kind": "Number"},
        ],
        replace=True,
    )
    return Api(logged_in("boss", is_staff=True))


def loaded() -> StorageAdapter:
    return storages["default"]


# -- all invalid rows --------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "body", "lines"),
    [
        (
            "text/zinc",
            'ver:"3.0"\nid,t\n@a,1zz\n@b,5\n@c,2024-13-01\n',
            [
                'unknown unit "zz" at line 3, column 4',
                "invalid date '2024-13-01': .* at line 5, column 4",
            ],
        ),
        (
            "application/json; version=3",
            '[{"id":"r:a","t":"n:x"},{"id":"r:b"},{"id":"r:c","t":"d:x"}]',
            [r"\[0\].t", r"\[2\].t"],
        ),
        (
            "application/json",
            '[{"id":{"_kind":"ref","val":"a b"}},{"t":{"_kind":"time","val":"x"}}]',
            ['invalid ref id "a b" at \\[0\\].id', r"\[1\].t"],
        ),
        (
            "text/trio",
            "id:@a\nt:5zz\n---\nid:@b\n---\nid:@\n",
            ['t: unknown unit "zz" at line 2', "id: .* at line 6"],
        ),
    ],
)
def test_all_rows_that_cannot_be_parsed(
    staff: Api, content_type: str, body: str, lines: list[str]
) -> None:
    answer = staff.post("load", body, content_type)
    assert answer.status_code == 400
    head, *found = answer.json()["dis"].split("\n")
    assert head == f"{len(lines)} errors, nothing was stored"
    for line, wanted in zip(found, lines, strict=True):
        assert re.search(wanted, line)


def test_all_invalid_records(staff: Api) -> None:
    body = 'ver:"3.0"\nid,t,x\n"r:a",1,\n@b,5,\n[@a],2,\n2023-03-08,,\nN,N,N\n@b,,1\n'
    text = staff.error(staff.post("load", body))
    assert text.split("\n") == [
        "5 errors, nothing was stored",
        'row 1: id must be a Ref, not "r:a": this is JSON 3, send it as'
        " application/json; version=3",
        "row 3: id must be a Ref, not [@a]",
        "row 4: id must be a Ref, not 2023-03-08",
        "row 5: id must be a Ref, not null",
        "id @b is given twice, in rows 2 and 6",
    ]


def test_the_first_hundred_records(staff: Api) -> None:
    body = 'ver:"3.0"\nid\n' + "5\n" * 250
    lines = staff.error(staff.post("load", body)).split("\n")
    assert lines[0] == "250 errors, nothing was stored"
    assert lines[100] == "row 100: id must be a Ref, not 5"
    assert lines[101:] == [".. and 150 more"]


def test_all_invalid_samples(staff: Api) -> None:
    rows = ["2023-03-08", "[@a]", '"x"', "M", "5kW", "T", "{a}", "5"]
    body = 'ver:"3.0" id:@n\nts,val\n' + "".join(
        f"2024-01-01T00:0{index}:00Z,{val}\n" for index, val in enumerate(rows)
    )
    body = body.replace("Z,", "-05:00 New_York,")
    lines = staff.error(staff.post("hisWrite", body)).split("\n")
    assert lines == [
        "7 errors, nothing was stored",
        "@n, sample 1: value must be a Number, not Date 2023-03-08",
        "@n, sample 2: value must be a Number, not List [@a]",
        '@n, sample 3: value must be a Number, not Str "x"',
        "@n, sample 4: value must be a Number, not a Marker",
        "@n, sample 5: unit must be °F, not kW",
        "@n, sample 6: value must be a Number, not Bool T",
        "@n, sample 7: value must be a Number, not Dict {a}",
    ]
    assert not list(loaded().his_read("n"))


ROW = 'ver:"3.0" commit:"{}" force\nid,mod,x\n{}\n'


@pytest.mark.parametrize(
    ("op", "body"),
    [
        ("commit", 'ver:"3.0" commit:"update"\nid,mod,x\n@n,2023-03-08,1\n'),
        ("commit", 'ver:"3.0" commit:"update"\nid,mod,x\n@n,[@a],1\n'),
        ("commit", 'ver:"3.0" commit:"update"\nid,mod,x\n2023-03-08,,1\n'),
        ("commit", 'ver:"3.0" commit:2023-03-08\nid\n@n\n'),
        ("commit", 'ver:"3.0" commit:"add"\nid,x\n[@a,@b],1\n'),
        ("hisWrite", 'ver:"3.0" id:@n\nts,val\n2023-03-08,5\n'),
        ("hisWrite", 'ver:"3.0" id:@n\nts,val\n[@a],5\n'),
        ("pointWrite", 'ver:"3.0"\nid,level,val\n@w,10,2023-03-08\n'),
        ("pointWrite", 'ver:"3.0"\nid,level,val\n@w,10,[@a]\n'),
        ("pointWrite", 'ver:"3.0"\nid,level,val\n@w,10,{a:@b}\n'),
        ("pointWrite", 'ver:"3.0"\nid,level,val\n@w,10,T\n'),
        ("read", 'ver:"3.0"\nfilter\n2023-03-08\n'),
        ("read", 'ver:"3.0"\nid\n2023-03-08\n'),
        ("hisRead", 'ver:"3.0"\nid,range\n@n,[@a]\n'),
        ("watchSub", 'ver:"3.0" watchDis:[@a]\nid\n@n\n'),
    ],
)
def test_values_in_errors_are_those_of_haystack(staff: Api, op: str, body: str) -> None:
    text = staff.error(staff.post(op, body))
    assert not PYTHON.search(text), text


# -- what load reads ---------------------------------------------------------------


def test_new_ids_are_counted(staff: Api) -> None:
    answer = grid_of(staff.post("load", 'ver:"3.0"\nid,dis\n@a,"A"\n,"B"\n'))
    assert answer.first["created"] == Number(2)
    assert answer.first["newIds"] == Number(1)
    assert len(loaded().read('dis == "B"')) == 1
    answer = grid_of(staff.post("load", 'ver:"3.0"\nid,dis\n@a,"A"\n'))
    assert "newIds" not in answer.first


def test_the_word_m(staff: Api) -> None:
    staff.post("load", "id:@a\nsite:M\nother:M\n", "text/trio")
    assert given(loaded().existing("a")) == {
        "id": Ref("a"),
        "site": MARKER,
        "other": "M",
    }


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        ("text/zinc", "zinc"),
        ("application/json", "json"),
        ("application/json; version=3", "json"),
        ("text/trio", "trio"),
        ("text/csv", "csv"),
    ],
)
def test_an_answer_of_read_comes_back(
    staff: Api, tmp_path: Path, accept: str, suffix: str
) -> None:
    loaded().load_entities(RECORDS, replace=True)
    before = raws(loaded())
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(staff.get("read", accept=accept, filter="id").content)
    loaded().load_entities([], replace=True)
    call_command("haystack_load", str(path), stdout=io.StringIO())
    assert raws(loaded()) == before


# -- downloads ---------------------------------------------------------------------

TEXTS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1", "", "plain"]


def cells(answer: Any, name: str) -> list[str]:
    text = answer.content.decode("utf-8-sig")
    return [row[name] for row in csv.DictReader(io.StringIO(text, newline=""))]


def test_a_download_is_safe_for_spreadsheets(staff: Api) -> None:
    loaded().load_entities(
        {"id": Ref(f"x{at}"), "t": text, "num": Number(-at - 0.5, "°C"), "x": MARKER}
        for at, text in enumerate(TEXTS)
    )
    answer = staff.get("read", filter="x", download="all sites.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="all sites.csv"'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith("\ufeff".encode())
    safe = sorted(["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", *TEXTS[6:]])
    assert sorted(cells(answer, "t")) == safe
    assert set(cells(answer, "id")) == {f"'@x{at}" for at in range(len(TEXTS))}
    assert "-0.5°C" in cells(answer, "num")


def test_an_answer_for_machines_is_exact(staff: Api) -> None:
    loaded().load_entities(
        {"id": Ref(f"x{at}"), "t": text, "num": Number(-at - 0.5, "°C"), "x": MARKER}
        for at, text in enumerate(TEXTS)
    )
    answer = staff.get("read", accept="text/csv", filter="x")
    assert "Content-Disposition" not in answer
    assert sorted(cells(answer, "t")) == sorted(TEXTS)
    assert "-0.5°C" in cells(answer, "num")


def test_a_download_of_a_history(staff: Api) -> None:
    staff.post(
        "hisWrite",
        'ver:"3.0" id:@n\nts,val\n2024-01-01T00:00:00-05:00 New_York,-5°F\n',
    )
    answer = staff.get("hisRead", id="@n", range="2024-01-01", download="n.csv")
    assert cells(answer, "'@n") == ["-5°F"]
    answer = staff.get("hisRead", id="@n", range="2024-01-01", download="n.zinc")
    assert answer["Content-Type"].startswith("text/zinc")
    assert answer["Content-Disposition"] == 'attachment; filename="n.zinc"'
    assert grid_of(answer).first["val"] == Number(-5, "°F")


@pytest.mark.parametrize(
    "name", ["x.exe", "x", ".csv", "a/b.csv", 'a"b.csv', "a\n.csv"]
)
def test_an_invalid_name_of_a_download(staff: Api, name: str) -> None:
    answer = staff.get("read", filter="x", download=name)
    assert answer.status_code == 406
    assert "must be the name of a file that ends in .zinc" in answer.json()["dis"]

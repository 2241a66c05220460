"""Errors of files: all of them in one run, with their place, in Haystack's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.wire import limits

from .conftest import Run

Write = Callable[[str, str | bytes], Path]
PYTHON = re.compile(
    r"datetime\.|\b\w+\(\w+=|\bNone\b|\bTrue\b|universal-newline|<class"
)
"""What Python says of its values."""
HAYSON_ROW = '{"id":{"_kind":"ref","val":"%s"},"t":{"_kind":"date","val":"%s"}}'
HEAD = (
    '{"_kind":"grid","meta":{"ver":"3.0"},"cols":[{"name":"id"},{"name":"t"}],"rows":['
)

ENTITIES = {
    "a.zinc": 'ver:"3.0"\nid,t\n@a,1zz\n@b,5\n"c",6\n@d,2024-02-30\n',
    "a.json": HEAD
    + ",".join(
        [
            HAYSON_ROW % ("a", "x"),
            HAYSON_ROW % ("b", "2024-01-01"),
            HAYSON_ROW % ("c c", "2024-01-01"),
            HAYSON_ROW % ("d", "2024-13-01"),
        ]
    )
    + "]}",
    "list.json": "["
    + ",".join(
        [HAYSON_ROW % ("a", "x"), HAYSON_ROW % ("b", "2024-01-01"), "5", '{"id":4}']
    )
    + "]",
    "three.json": '[{"id":"r:a","t":"n:x"},{"id":"r:b"},{"id":"x"},{"id":"r:d","t":"z:1"}]',
    "a.trio": "id:@a\nt:5zz\n---\nid:@b\n---\nid:@c\nt:@\n---\nid:4\n",
    "a.csv": 'id,t\n@a,5,6\n@b,5\nc,6\n"@d"x,7\n',
}


@pytest.mark.parametrize("name", ENTITIES)
def test_all_invalid_rows_of_entities(
    run: Run, adapter: StorageAdapter, write: Write, name: str
) -> None:
    """Rows 1, 3 and 4 are invalid, in one way or another."""
    path = write(name, ENTITIES[name])
    with pytest.raises(CommandError) as caught:
        run("haystack_load", path)
    text = str(caught.value)
    found = [line for line in text.split("\n") if str(path) in line]
    if name == "a.zinc":  # an invalid record is found only if all rows can be parsed
        assert text.startswith("2 errors") and len(found) == 2
    elif name in ("a.json", "a.trio", "list.json", "three.json", "a.csv"):
        assert len(found) >= 2
    assert not PYTHON.search(text)
    assert not list(adapter.scan())


def test_invalid_records_of_all_files(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    one = write("a.zinc", 'ver:"3.0"\nid,t\n"a",1\n@b,5\nN,N\n')
    other = write("b.trio", "id:2024-01-01\n---\nid:@b\n")
    with pytest.raises(CommandError) as caught:
        run("haystack_load", one, other)
    assert str(caught.value).split("\n") == [
        "4 errors, nothing was stored",
        f'{one}, row 1: id must be a Ref, not "a"',
        f"{one}, row 3: the row is empty: a record must have tags",
        f"{other}, row 1: id must be a Ref, not 2024-01-01",
        f"{other}, row 2: duplicate id @b: also in {one}, row 2",
    ]


def test_the_first_hundred_are_listed(
    run: Run, points: StorageAdapter, write: Write
) -> None:
    path = write("a.csv", "ts,num\n" + "yesterday,1\n" * 250)
    other = write("b.csv", "ts,num\n2024-01-01T00:00Z,x\n")
    with pytest.raises(CommandError) as caught:
        run("haystack_his_import", path, other)
    lines = str(caught.value).split("\n")
    assert lines[0] == "251 errors, nothing was stored"
    assert len(lines) == 1 + 100 + 1 + 1
    assert lines[101] == f"{path}: .. and 150 more"
    assert lines[102].startswith(f"{other}, line 2: @num: invalid Number")


SAMPLES = (
    "ts,id,val\n"
    "yesterday,num,1\n"
    "2024-01-01T00:00Z,num,1\n"
    "2024-01-01T00:00Z,nope,1\n"
    "2024-01-01T00:00Z,num\n"
    '2024-01-01T00:00Z,num,"1,696"\n'
    '2024-01-01T00:00Z,num,"21,5"\n'
    "2024-01-01T00:00Z,num,5kW\n"
    "1900-01-01T00:00Z,num,5\n"
    '2024-01-01T00:00Z,"num"x,5\n'
    "2024-03-10 02:30,num,5\n"
)


def test_all_invalid_samples(run: Run, points: StorageAdapter, write: Write) -> None:
    path = write("a.csv", SAMPLES)
    with pytest.raises(CommandError) as caught:
        run("haystack_his_import", path)
    head, *lines = str(caught.value).split("\n")
    assert head == "9 errors, nothing was stored"
    wanted = {
        2: 'invalid time "yesterday"',
        4: "unknown entity @nope",
        5: "expected 3 cells, found 2",
        6: "write 1.696 if the comma is the decimal sign, otherwise 1696",
        7: "the decimal sign must be a point",
        8: "unit must be °F, not kW",
        9: "ts is before 1950",
        10: "a comma is expected after a quoted cell",
        11: "clocks go forward",
    }
    for line, reason in wanted.items():
        assert any(f"line {line}: " in text and reason in text for text in lines)
    assert not PYTHON.search("\n".join(lines))
    assert not list(points.his_read("num"))


def test_old_line_ends(run: Run, points: StorageAdapter, write: Write) -> None:
    """A CSV of an old spreadsheet ends its rows with CR."""
    out = run(
        "haystack_his_import",
        write("a.csv", "ts,num\r2024-01-01T00:00Z,1\r2024-01-01T01:00Z,2\r"),
    )
    assert "2 rows, 2 samples" in out


def test_a_point_in_the_trash(run: Run, points: StorageAdapter, write: Write) -> None:
    points.update_entities([{"id": Ref("num"), "trash": MARKER}], force=True)
    path = write("a.csv", "ts,id,val\n2024-01-01T00:00Z,num,1\n")
    with pytest.raises(CommandError, match="line 2: @num is in the trash"):
        run("haystack_his_import", path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.zinc", 'ver:"3.0"\nid,ts\n@a,2020-01-01T00:00:00Z Rel\n'),
        ("a.zinc", 'ver:"3.0"\nid,ts\n@a,"x"\n@b,2020-01-01T00:00:00-05:00 Rel\n'),
        (
            "a.json",
            '[{"id":{"_kind":"ref","val":"a"},"ts":{"_kind":"dateTime",'
            '"val":"2020-01-01T00:00:00Z","tz":"Rel"}}]',
        ),
        ("a.json", '[{"id":"r:a","ts":"t:2020-01-01T00:00:00Z Rel"}]'),
        ("a.trio", "id:@a\nts:2020-01-01T00:00:00Z Rel\n"),
    ],
)
def test_an_unknown_zone_has_a_place(
    run: Run, adapter: StorageAdapter, write: Write, name: str, text: str
) -> None:
    with pytest.raises(
        CommandError, match=f"{name}, (row|line) .*unknown time zone .Rel."
    ):
        run("haystack_load", write(name, text))


# -- Trio's M, and ids ------------------------------------------------------------


def test_the_word_m(run: Run, adapter: StorageAdapter, write: Write) -> None:
    """A Marker where the def says so, else a Str; both are counted and named."""
    text = (
        "id:@a\nsite:M\nsize:M\ndis:M\nnested:Trio:\n  equip:M\n---\n"
        'id:@b\nsite: M\nahu:"M"\n'
    )
    out = run("haystack_load", write("a.trio", text))
    a, b = adapter.scan()
    assert a["site"] is MARKER and b["site"] is MARKER
    assert (a["size"], a["dis"], b["ahu"]) == ("M", "M", "M")
    assert a["nested"] == {"equip": MARKER}
    assert "3 values M were read as Marker: equip (1), site (2)" in out
    assert "2 values M were read as Str: dis (1), size (1)" in out


def test_the_word_m_by_a_loaded_def(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    lib = "def:^lib:x\nlib:^lib:x\n---\ndef:^sprinkler\nis:^marker\nlib:^lib:x\n"
    run("haystack_load_defs", write("lib.trio", lib))
    run("haystack_load", write("a.trio", "id:@a\nsprinkler:M\nother:M\n"))
    [record] = adapter.scan()
    assert (record["sprinkler"], record["other"]) == (MARKER, "M")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.zinc", 'ver:"3.0"\nid,dis\n@a,"A"\n,"B"\nN,"C"\n'),
        ("a.trio", "id:@a\ndis:A\n---\ndis:B\n---\ndis:C\n"),
        ("a.json", '[{"id":"r:a","dis":"A"},{"dis":"B"},{"id":null,"dis":"C"}]'),
        ("a.csv", "id,dis\n@a,A\n,B\n,C\n"),
    ],
)
def test_records_without_an_id(
    run: Run, adapter: StorageAdapter, write: Write, name: str, text: str
) -> None:
    out = run("haystack_load", write(name, text))
    assert "2 records had no id and got a new one" in out
    assert sorted(record["dis"] for record in adapter.scan()) == ["A", "B", "C"]
    assert len({record["id"] for record in adapter.scan()} - {Ref("a")}) == 2


def test_a_time_that_the_zone_cannot_show(
    run: Run, points: StorageAdapter, write: Write
) -> None:
    path = write("a.csv", "ts,num\n0001-01-01T00:00Z,1\n2024-01-01T00:00Z,x\n")
    with pytest.raises(CommandError, match=r"2 errors.*\n.*line 2: .*\n.*line 3: "):
        run("haystack_his_import", path)


@pytest.mark.parametrize("name", ["a.zinc", "a.json", "three.json", "a.trio"])
def test_a_limit_of_the_whole_file(
    run: Run,
    adapter: StorageAdapter,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Each row is valid, and the file is not."""
    texts = {
        "a.zinc": 'ver:"3.0"\nid\n' + "@a\n" * 30,
        "a.json": HEAD + ",".join([HAYSON_ROW % ("a", "2024-01-01")] * 30) + "]}",
        "three.json": '{"meta":{"ver":"3.0"},"cols":[{"name":"id"}],"rows":['
        + ",".join(['{"id":"r:a"}'] * 30)
        + "]}",
        "a.trio": "id:@a\n---\n" * 30,
    }
    monkeypatch.setattr(limits, "MAX_CELLS", 20)
    with pytest.raises(CommandError, match="cap CELLS"):
        run("haystack_load", write(name, texts[name]))
    assert not list(adapter.scan())

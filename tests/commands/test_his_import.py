"""haystack_his_import: CSV in rows and in columns, and history grids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from haystack_app.kinds import NA, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.transfer import his_import

from .conftest import Run

Write = Callable[[str, str | bytes], Path]


def his(adapter: StorageAdapter, id: str) -> list[tuple[str, Any]]:
    return [(row["ts"].iso, row["val"]) for row in adapter.his_read(id)]


def test_rows_of_many_points(run: Run, points: StorageAdapter, write: Write) -> None:
    out = run(
        "haystack_his_import",
        write(
            "a.csv",
            "ts,id,val\n"
            "2024-06-01T12:00:00-04:00,@num,71.5\n"
            "2024-06-01T17:00:00Z,num,72.5°F\n"
            "2024-06-01T18:00:00Z,num,NA\n"
            "\n"
            "2024-06-01T12:00:00-04:00 New_York,flag,true\n"
            "2024-06-01 13:00,flag,F\n"
            '2024-06-01T12:00:00-04:00,@text Some text,"a ""b"", c"\n',
        ),
    )
    assert "6 samples of 3 points from 1 files" in out
    assert his(points, "num") == [
        ("2024-06-01T12:00:00-04:00", Number(71.5, "°F")),
        ("2024-06-01T13:00:00-04:00", Number(72.5, "°F")),
        ("2024-06-01T14:00:00-04:00", NA),
    ]
    assert his(points, "flag") == [
        ("2024-06-01T12:00:00-04:00", True),
        ("2024-06-01T13:00:00-04:00", False),
    ]
    assert his(points, "text") == [("2024-06-01T12:00:00-04:00", 'a "b", c')]


def test_columns(run: Run, points: StorageAdapter, write: Write) -> None:
    """Empty cells, a byte order mark and CRLF are ignored."""
    text = "\ufeffts,@num,flag\r\n2024-01-01T00:00,1e1,\r\n2024-01-01T00:15,,T\r\n"
    assert "2 samples of 2 points" in run("haystack_his_import", write("a.csv", text))
    assert his(points, "num") == [("2024-01-01T00:00:00-05:00", Number(10, "°F"))]
    assert his(points, "flag") == [("2024-01-01T00:15:00-05:00", True)]


def test_a_zone_for_times_without_offset(
    run: Run, points: StorageAdapter, write: Write
) -> None:
    text = "ts,num\n2024-01-01T12:00,1\n2024-01-01T12:00Z,2\n2024-01-01T12:00 Tokyo,3\n"
    run("haystack_his_import", write("a.csv", text), tz="London")
    assert his(points, "num") == [
        ("2023-12-31T22:00:00-05:00", Number(3, "°F")),
        ("2024-01-01T07:00:00-05:00", Number(2, "°F")),
    ]
    with pytest.raises(CommandError, match="--tz: unknown time zone"):
        run("haystack_his_import", write("a.csv", text), tz="Nowhere")


def test_history_grids(run: Run, points: StorageAdapter, write: Write) -> None:
    single = 'ver:"3.0" id:@num\nts,val\n2024-01-01T12:00:00Z,5°F\n'
    batch = (
        'ver:"3.0"\nts,v0 id:@flag,v1 id:@text\n'
        '2024-01-01T07:00:00-05:00 New_York,T,"x"\n2024-01-01T07:15:00-05:00 New_York,,NA\n'
    )
    out = run("haystack_his_import", write("a.zinc", single), write("b.zinc", batch))
    assert "4 samples of 3 points from 2 files" in out
    assert his(points, "num") == [("2024-01-01T07:00:00-05:00", Number(5, "°F"))]
    assert his(points, "flag") == [("2024-01-01T07:00:00-05:00", True)]
    assert [val for _, val in his(points, "text")] == ["x", NA]


ROWS = "ts,id,val\n2024-01-01T00:00:00Z,num,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROWS + "2024-01-01T00:00:00Z,num,x\n", 'line 3: @num: invalid Number "x"'),
        (
            ROWS + "2024-01-01T00:00:00Z,num,1e999\n",
            "line 3: @num: Number out of range",
        ),
        (
            ROWS + "2024-01-01T00:00:00Z,num,1kW\n",
            "line 3: @num: unit must be °F, not kW",
        ),
        (ROWS + "2024-01-01T00:00:00Z,num,1zz\n", 'line 3: @num: unknown unit "zz"'),
        (ROWS + "2024-01-01T00:00:00Z,num,\n", "line 3: @num: missing value"),
        (ROWS + "2024-01-01T00:00:00Z,flag,1\n", "line 3: @flag: invalid Bool"),
        (ROWS + "2024-01-01T00:00:00Z,nope,1\n", "line 3: unknown entity @nope"),
        (ROWS + "2024-01-01T00:00:00Z,site,1\n", "line 3: @site has no history"),
        (ROWS + "2024-01-01T00:00:00Z,n m,1\n", 'line 3: invalid ref id "n m"'),
        (ROWS + "yesterday,num,1\n", 'line 3: invalid time "yesterday"'),
        (ROWS + "2024-02-30T00:00:00Z,num,1\n", "line 3: invalid time .*no such day"),
        (ROWS + "2024-02-20T00:00:00 Nowhere,num,1\n", "line 3: unknown time zone"),
        (ROWS + "1900-01-01T00:00:00Z,num,1\n", "line 3: @num: ts is before 1950"),
        (ROWS + "2024-01-01T00:00:00Z,num\n", "line 3: expected 3 cells, found 2"),
        (ROWS + '2024-01-01T00:00:00Z,text,"a"b\n', "line 3: .*expected after"),
        ("ts,num,@num\n", "line 1: duplicate column for @num"),
        ("ts,nope\n", "line 1: unknown entity @nope"),
        ("time,num\n", "line 1: expected the columns ts, id, val"),
        ("ts,id\n", "line 1: expected the columns ts, id and val"),
        ("", "line 1: expected the columns .* not none"),
    ],
)
def test_invalid_line_stores_nothing(
    run: Run, points: StorageAdapter, write: Write, text: str, message: str
) -> None:
    with pytest.raises(CommandError, match=f"bad.csv, {message}"):
        run("haystack_his_import", write("good.csv", ROWS), write("bad.csv", text))
    assert his(points, "num") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'ver:"3.0" id:@num\nts,val\n2024-01-01T00:00:00Z,5kW\n',
            "row 1: @num: unit must",
        ),
        ('ver:"3.0" id:@num\nts,val\n,5\n', "row 1: ts must be a DateTime"),
        ('ver:"3.0" id:@num\nval\n5\n', "a history grid must have a column ts"),
        (
            'ver:"3.0"\nts,val\n',
            "missing point id: it must be in the meta of the grid or of column val",
        ),
        ('ver:"3.0"\nts,a id:@num,b id:@num\n', "duplicate column for @num"),
        ('ver:"3.0"\nts,a id:@x\n', "unknown entity @x"),
    ],
)
def test_invalid_grid(
    run: Run, points: StorageAdapter, write: Write, text: str, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run("haystack_his_import", write("good.csv", ROWS), write("bad.zinc", text))
    assert his(points, "num") == []


def test_all_or_nothing_over_several_writes(
    run: Run, points: StorageAdapter, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches written before the error are rolled back."""
    monkeypatch.setattr(his_import, "_BATCH", 2)
    good = "ts,num\n" + "".join(
        f"2024-01-01T{hour:02d}:00,{hour}\n" for hour in range(9)
    )
    with pytest.raises(CommandError, match="line 11"):
        run("haystack_his_import", write("a.csv", good + "2024-01-01T10:00,x\n"))
    assert his(points, "num") == []
    assert "9 samples" in run("haystack_his_import", write("a.csv", good))
    assert len(his(points, "num")) == 9


def test_a_store_without_transactions(points: StorageAdapter, write: Write) -> None:
    memory = storages.create("memory")
    memory.load_entities(record.tags for record in points.scan())
    with pytest.raises(ValueError, match=r"bad.csv, line 2: @num: unit must"):
        his_import.import_histories(
            memory,
            [
                write("good.csv", ROWS),
                write("bad.csv", "ts,num\n2024-01-01T00:00,1kW\n"),
            ],
        )
    assert his(memory, "num") == []
    his_import.import_histories(memory, [write("good.csv", ROWS)])
    assert len(his(memory, "num")) == 1

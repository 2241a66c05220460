"""haystack_load: stored entities and errors."""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.storage.base import StorageAdapter
from tests.storage.building import given

from .conftest import Run

Write = Callable[[str, str | bytes], Path]
ZINC = 'ver:"3.0"\nid,dis,site,curVal\n@a,"A",M,\n@b "B","B",,5kW\n'
JSON3 = (
    '{"meta":{"ver":"3.0"},"cols":[{"name":"id"},{"name":"site"}],'
    '"rows":[{"id":"r:g","site":"m:"}]}'
)
JSON = '[{"id":{"_kind":"ref","val":"c"},"dis":"C","num":3}]'


def ids(adapter: StorageAdapter) -> list[str]:
    return [record["id"].id for record in adapter.scan()]


def test_files_of_all_formats(run: Run, adapter: StorageAdapter, write: Write) -> None:
    files = [
        write("a.zinc", ZINC),
        write("b.json", JSON),
        write("c.trio", "id: @d\ndis: D\n---\nid: @e\nnum: 5kW\n"),
        write("d.json", '[{"id":"r:f F","num":"n:3 kW","s":"s:a:b"}]'),
        write("e.json", JSON3),
    ]
    out = run("haystack_load", *files)
    assert (
        "7 entities from 5 files: 7 created, 0 updated, 0 unchanged, 0 removed" in out
    )
    a, b, c, d, e, f, g = adapter.scan()
    assert given(d) == {"id": Ref("d"), "dis": "D"}
    assert given(e) == {"id": Ref("e"), "num": Number(5, "kW")}
    assert given(f) == {"id": Ref("f"), "num": Number(3, "kW"), "s": "a:b"}
    assert given(g) == {"id": Ref("g"), "site": MARKER}
    assert given(a) == {"id": Ref("a"), "dis": "A", "site": MARKER}
    assert b["curVal"] == Number(5, "kW")
    assert c["num"] == Number(3)


def test_a_folder_is_searched(run: Run, adapter: StorageAdapter, write: Write) -> None:
    first = write("in/z/a.zinc", ZINC)
    write("in/b.json", JSON)
    write("in/notes.txt", "nothing of ours")
    assert "from 2 files" in run("haystack_load", first.parents[1], first)
    assert ids(adapter) == ["a", "b", "c"]


def test_hayson_grid_and_byte_order_mark(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    grid = '{"_kind":"grid","cols":[{"name":"id"}],"rows":[{"id":{"_kind":"ref","val":"g"}}]}'
    run("haystack_load", write("g.json", b"\xef\xbb\xbf" + grid.encode()))
    assert ids(adapter) == ["g"]


def test_an_existing_entity_keeps_its_history(
    run: Run, points: StorageAdapter, write: Write
) -> None:
    at = DateTime(dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "New_York")
    points.his_write("num", [(at, Number(1))])
    out = run(
        "haystack_load",
        write(
            "a.zinc",
            'ver:"3.0"\nid,point,his,tz,kind,unit,dis\n@num,M,M,"New_York","Number","°F","Renamed"\n',
        ),
    )
    assert "1 updated" in out
    assert points.existing("num")["dis"] == "Renamed"
    assert len(list(points.his_read("num"))) == 1


def test_replace_and_dry_run(run: Run, adapter: StorageAdapter, write: Write) -> None:
    run("haystack_load", write("a.zinc", ZINC), write("b.json", JSON))
    changed = write("c.zinc", ZINC.replace('"A"', '"AA"') + "@new,,,\n")
    counts = "1 created, 1 updated, 1 unchanged, 1 removed"
    out = run("haystack_load", changed, replace=True, dry_run=True)
    assert out.startswith("dry run, nothing stored:") and counts in out
    assert ids(adapter) == ["a", "b", "c"]
    assert adapter.existing("a")["dis"] == "A"
    assert counts in run("haystack_load", changed, replace=True)
    assert ids(adapter) == ["a", "b", "new"]


def test_dry_run_shows_the_changes_of_a_load(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    """Transient tags that are missing in the input are not a change."""
    run("haystack_load", write("a.zinc", ZINC))
    without = write("b.zinc", 'ver:"3.0"\nid,dis\n@b "B","B"\n')
    assert "1 unchanged" in run("haystack_load", without, dry_run=True)
    assert "1 unchanged" in run("haystack_load", without)
    assert adapter.existing("b")["curVal"] == Number(5, "kW")


def test_a_dry_run_takes_no_name_of_a_ref_for_a_change(run: Run, write: Write) -> None:
    """Stores write the current names of entities into the refs to them."""
    text = 'ver:"3.0"\nid,dis,aRef\n@a,"A",\n@b,"B",@a\n'
    path = write("a.zinc", text)
    run("haystack_load", path)
    assert "2 unchanged" in run("haystack_load", path, dry_run=True)
    assert "2 unchanged" in run("haystack_load", path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.zinc",
            ZINC + "@c,5,,\n@d,6zz,,\n",
            r'x.zinc, row 4 \(line 6, .*unknown unit "zz"',
        ),
        ("x.zinc", ZINC + '"c",,,\n', r"x.zinc, row 3: id must be a Ref"),
        ("x.zinc", ZINC + "N,,,\n", r"x.zinc, row 3: the row is empty"),
        ("x.zinc", ZINC + "@c,5\n", r"x.zinc, row 3 \(line 5.*expected 4 cells"),
        ("x.zinc", 'ver:"3.0" err dis:"no"\nempty\n', "an error grid: no"),
        ("x.zinc", b'ver:"3.0"\nid\n@\xff', "byte 14: invalid UTF-8"),
        (
            "x.json",
            '[{"id":{"_kind":"ref","val":"d"}},{"id":4}]',
            "row 2: id must be a Ref",
        ),
        (
            "x.json",
            '[{"id":{"_kind":"ref","val":"c"},"t":{"_kind":"zz"}}]',
            "row 1: t: unknown _kind",
        ),
        ("x.json", "[5]", "row 1: expected a dict"),
        ("x.json", "[{]", "line 1, column 3: invalid JSON"),
        ("x.json", '{"rows":[]}', "expected a grid"),
        (
            "x.json",
            '{"_kind":"grid","cols":[{"name":"id"},{"name":"t"}],"rows":[{},{"t":{"_kind":"date","val":"x"}}]}',
            "row 2: t: invalid date",
        ),
        ("x.doc", "x", "the name must end in .zinc or .json or .trio or .csv"),
    ],
)
def test_invalid_file_stores_nothing(
    run: Run,
    adapter: StorageAdapter,
    write: Write,
    name: str,
    content: str | bytes,
    message: str,
) -> None:
    with pytest.raises(CommandError, match=message):
        run("haystack_load", write("good.json", JSON), write(name, content))
    assert ids(adapter) == []


def test_duplicate_id_names_both_files(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    first = write("a.zinc", ZINC)
    second = write("b.zinc", 'ver:"3.0"\nid\n@z\n@b\n')
    with pytest.raises(CommandError) as caught:
        run("haystack_load", first, second)
    assert (
        str(caught.value) == f"{second}, row 2: duplicate id @b: also in {first}, row 2"
    )
    assert ids(adapter) == []


def test_missing_files(run: Run, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no such file or folder"):
        run("haystack_load", tmp_path / "nothing.zinc")
    with pytest.raises(
        CommandError, match=r"no \.zinc or \.json or \.trio file in this folder"
    ):
        run("haystack_load", tmp_path)
    with pytest.raises(CommandError, match="no storage 'nope'"):
        run("haystack_dump", storage="nope")


def test_the_garbage_collector_runs_again(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    """Also after an error, for ``call_command`` may be part of a longer process."""
    run("haystack_load", write("a.zinc", ZINC))
    assert gc.isenabled()
    with pytest.raises(CommandError):
        run("haystack_load", write("b.zinc", "nothing of ours"))
    assert gc.isenabled()

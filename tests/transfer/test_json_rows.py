"""Files of JSON, whose rows are parsed one at a time."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.transfer.entity_load import EntityFiles
from haystack_app.transfer.json_rows import json_rows
from haystack_app.wire import hayson_writer
from haystack_app.wire.files import UnreadableFile

ROWS: list[dict[str, Any]] = [
    {"id": {"_kind": "ref", "val": f"r{n}"}, "site": {"_kind": "marker"}, "n": n}
    for n in range(2_500)
]
HEAD: dict[str, Any] = {
    "_kind": "grid",
    "meta": {"ver": "3.0"},
    "cols": [{"name": "id"}, {"name": "site"}, {"name": "n"}],
}
CODED = [{"id": f"r:r{n}", "site": "m:", "n": f"n:{n}"} for n in range(2_500)]
CODED_HEAD = {"meta": {"ver": "3.0"}, "cols": HEAD["cols"]}
FORMS = {
    "list": ROWS,
    "grid": {**HEAD, "rows": ROWS},
    "rows first": {"rows": ROWS, **HEAD},
    "list of JSON 3": CODED,
    "grid of JSON 3": {**CODED_HEAD, "rows": CODED},
}


def load(path: Path, content: bytes) -> tuple[list[Any], EntityFiles]:
    path.write_bytes(content)
    files = EntityFiles(InMemoryAdapter().namespace())
    return list(files.stored([path])), files


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n\n  ", b" " * 200])
def test_forms(tmp_path: Path, name: str, before: bytes) -> None:
    path = tmp_path / "a.json"
    stored, files = load(path, before + json.dumps(FORMS[name]).encode())
    assert [one.id for one in stored] == [f"r{n}" for n in range(2_500)]
    assert json.loads(stored[7].tags) == {**ROWS[7]}
    assert files.positions["r7"] == (path, "row 8")
    with json_rows(path) as found:
        assert (found is None) == (len(before) > 64)


def test_a_packed_file(tmp_path: Path) -> None:
    stored, _ = load(tmp_path / "a.json.gz", gzip.compress(json.dumps(ROWS).encode()))
    assert len(stored) == 2_500


def test_columns_that_are_not_named(tmp_path: Path) -> None:
    rows = [
        {**ROWS[0], "more": 1, "gone": None, "_kind": "dict"},
        {**ROWS[1], "more": 2},
    ]
    stored, files = load(
        tmp_path / "a.json", json.dumps({**HEAD, "rows": rows}).encode()
    )
    assert files.unnamed == {"more": 2}
    assert json.loads(stored[1].tags)["more"] == 2


WRONG = {
    "": "",
    "[": "line 1, column",
    '[{"id":{"_kind":"ref","val":"a"}} {}]': "line 1, column 35",
    '[{"id":{"_kind":"ref","val":"a"},"b":{"_kind":"what"}}]': "row 1: b: unknown _kind",
    "[5]": "row 1: expected a dict of tags",
    '{"_kind":"grid","rows":[{"a":1}]}': "unknown column 'a'",
    '{"_kind":"grid","cols":[{"name":"id"}],"rows":[5]}': "row 1: a row must be",
    '{"_kind":"grid","cols":[{"name":"id"}],"rows":5}': "rows: must be a JSON array",
    '{"_kind":"grid","cols":[{"name":"1 a"}],"rows":[]}': "cols[0]: invalid column",
    '{"_kind":"grid","meta":{"err":{"_kind":"marker"},"dis":"gone"},"cols":'
    '[{"name":"id"}],"rows":[]}': "error grid: gone",
    '{"_kind":"grid","cols":[{"name":"id"},{"name":"b"}],"rows":'
    '[{"id":{"_kind":"ref","val":"a"}},{"b":{"_kind":"what"}}]}': "row 2: b: unknown",
    '{"meta":{"ver":"3.0"},"cols":[{"name":"id"}],"rows":[{"id":"r:a"},{"id":"z:a"}]}': (
        "row 2"
    ),
    '{"meta":{"ver":"9"},"cols":[{"name":"id"}],"rows":[]}': "meta.ver",
    '[{"id":{"_kind":"ref","val":"a"},"b":"\\ud800"}]': "no low surrogate",
    '[{"id":{"_kind":"ref","val":"a"},"b":NaN}]': "line 1, column",
    "[" * 3_000 + "]" * 3_000: "depth limit",
    '{"_kind":"grid","cols":[{"name":"id"}],"rows":[{"id":' + "[" * 3_000: "line 1",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_errors_name_the_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableFile) as info:
        load(tmp_path / "a.json", text.encode())
    assert str(tmp_path / "a.json") in str(info.value)
    assert WRONG[text] in str(info.value)


def test_invalid_utf_8_in_a_row(tmp_path: Path) -> None:
    rows = json.dumps(ROWS[:3]).encode()[:-1]
    content = rows + b',{"id":{"_kind":"ref","val":"x"},"dis":"\xff"}]'
    with pytest.raises(UnreadableFile, match="invalid UTF-8"):
        load(tmp_path / "a.json", content)


def test_all_rows_with_an_error_are_named(tmp_path: Path) -> None:
    rows = [
        {**row, "n": {"_kind": "what"}} if n % 2 else row for n, row in enumerate(ROWS)
    ]
    for content in (rows[:9], {**HEAD, "rows": rows[:9]}):
        with pytest.raises(UnreadableFile) as info:
            load(tmp_path / "a.json", json.dumps(content).encode())
        assert str(info.value).startswith("4 errors")
        assert str(info.value).count("row 8: n: unknown _kind") == 1


def test_the_values_of_rows(tmp_path: Path) -> None:
    record = {
        "id": Ref("a", "A"),
        "site": MARKER,
        "area": Number(5.5, "ft²"),
        "l": [MARKER],
    }
    stored, _ = load(tmp_path / "a.json", f"[{hayson_writer.dump(record)}]".encode())
    assert stored[0].tags == hayson_writer.dump(record)


def test_each_file_has_its_own_errors(tmp_path: Path) -> None:
    wrong = [{**ROWS[0], "n": {"_kind": "what"}}]
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in paths:
        path.write_text(json.dumps({**HEAD, "rows": wrong}))
    with pytest.raises(UnreadableFile) as info:
        list(EntityFiles(InMemoryAdapter().namespace()).stored(paths))
    assert str(info.value).startswith("2 errors")

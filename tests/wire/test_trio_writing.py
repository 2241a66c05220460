"""Trio writer, existing Trio files, and limits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app.kinds import MARKER, NA, DateTime, Grid, Number, Ref
from haystack_app.wire import (
    hayson_reader,
    limits,
    trio_reader,
    trio_writer,
    zinc_reader,
)
from haystack_app.wire.errors import ParseError
from tests import strategies as pool
from tests.strategies import canonical

many = settings(max_examples=300, deadline=None, derandomize=True)

UTC = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason=f"there is no {DATA}")

# -- writing ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("hello", "hello"),
        ("OK if safe - and_so on 5", "OK if safe - and_so on 5"),
        ("true", '"true"'),
        ("T", '"T"'),
        ("NA", '"NA"'),
        ("INF", '"INF"'),
        ("Zinc", '"Zinc"'),
        ("", '""'),
        (" lead", '" lead"'),
        ("trail ", '"trail "'),
        ("5", '"5"'),
        ("-x", '"-x"'),
        ("a:b", '"a:b"'),
        ("a, b", '"a, b"'),
        ("$5", '"\\$5"'),
        ("Zürich", '"Zürich"'),
        ("a\tb", '"a\\tb"'),
        ("a\n\n  b\n", "\n  a\n  \n    b\n  "),
        ("// x\n---", "\n  // x\n  ---"),
        ("a\r\nb", '"a\\r\\nb"'),
        (" a\n b", '" a\\n b"'),
        ("\na", '"\\na"'),
        ("a \nb", '"a \\nb"'),
        (True, "true"),
        (False, "false"),
        (NA, "NA"),
        (Number(5, "kW"), "5kW"),
        (Ref("a", "Dis"), '@a "Dis"'),
        (DateTime(UTC), "2024-06-01T12:00:00Z"),
        ([Number(1), "two", MARKER, None], '[1,"two",M,N]'),
        ({"a": Number(1), "m": MARKER}, "{a:1 m}"),
        (Grid(), 'Zinc:\n  ver:"3.0"\n  empty'),
        ([Grid()], 'Zinc:\n  [<<\n  ver:"3.0"\n  empty\n  \n  >>]'),
    ],
)
def test_written_text(value: Any, text: str) -> None:
    assert trio_writer.value_text(value) == text
    record = {"a": value, "b": MARKER}
    assert trio_writer.dict_text(record) == f"a:{text}\nb\n"
    assert canonical(trio_reader.read_dict(f"a:{text}\nb\n")) == canonical(record)


def test_the_order_of_tags() -> None:
    tags = {"mod": MARKER, "z": None, "dis": "x", "id": Ref("a"), "area": Number(1)}
    assert trio_writer.dict_text(tags) == "id:@a\narea:1\ndis:x\nmod\n"


@given(
    text=st.text(
        st.sampled_from("a b\n\r\t-/\"'\\:{[)T\u00a0\u2028é\x0b\x1c\x85"), max_size=12
    )
)
@many
def test_no_text_is_lost(text: str) -> None:
    records = [{"a": text, "b": MARKER}, {"a": text}]
    assert trio_reader.read_dicts(trio_writer.dicts_text(records)) == records


@given(records=st.lists(pool.dicts(pool.values | pool.wire_texts), max_size=4))
@many
def test_records_round_trip(records: list[Any]) -> None:
    text = trio_writer.dicts_text(records)
    for end in ("\n", "\r\n", "\r"):
        found = trio_reader.read_dicts(text.replace("\n", end))
        assert [canonical(tags) for tags in found] == [
            canonical(tags) for tags in records if tags
        ]


# -- files ------------------------------------------------------------------------


@needs_data
def test_the_sources_of_the_defs() -> None:
    found = 0
    for path in sorted((DATA / "defs").rglob("*.trio")):
        records = trio_reader.read_dicts(path.read_text("utf-8"))
        assert all("def" in tags or "defx" in tags for tags in records), path
        assert trio_reader.read_dicts(trio_writer.dicts_text(records)) == records
        found += len(records)
    assert found > 700


@needs_data
def test_a_building_is_the_same_in_three_formats() -> None:
    found = [
        list(map(canonical, rows))
        for rows in (
            trio_reader.read_dicts((DATA / "alpha.trio").read_text("utf-8")),
            zinc_reader.read_grid((DATA / "alpha.zinc").read_text("utf-8")).rows,
            hayson_reader.read_grid((DATA / "alpha.json").read_text("utf-8")).rows,
        )
    ]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 2_032


# -- limits -----------------------------------------------------------------------


def nested(levels: int, inner: str) -> str:
    lines = [" " * level + "a:Trio:" for level in range(levels)]
    return "\n".join([*lines, " " * levels + inner])


@pytest.mark.parametrize(
    ("inner", "levels"), [("a", 0), ("a:1", 0), ("a:[[1]]", 2), ("a:{b:{c}}", 2)]
)
def test_depth_limit_spans_blocks(inner: str, levels: int) -> None:
    trio_reader.read_dicts(nested(limits.MAX_DEPTH - levels, inner))
    for count in (limits.MAX_DEPTH - levels + 1, 400):
        with pytest.raises(ParseError, match="nested deeper"):
            trio_reader.read_dicts(nested(count, inner))


def test_value_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CELLS", 10)
    trio_reader.read_dicts("a\n---\n" * 5)
    with pytest.raises(ParseError, match="more than 10 values") as caught:
        trio_reader.read_dicts("a\n---\n" * 6)
    assert caught.value.position == "line 11"

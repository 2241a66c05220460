"""JSON of haystack-py in both versions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.errors import InvalidRecord
from haystack_app.transfer.checksums import canonical
from haystack_app.transfer.haystack_py.json3 import (
    HAYSON,
    JSON3,
    AmbiguousFormat,
    format_of,
    record_of,
    value_of,
)
from haystack_app.wire import hayson_writer, json3_writer
from tests import strategies

WRITERS = {HAYSON: hayson_writer, JSON3: json3_writer}


def row(record: dict[str, Any], format: str) -> tuple[str, str]:
    tags = WRITERS[format].encode(record)
    return record["id"].id, orjson.dumps(tags).decode()


@given(records=strategies.data_sets(), format=st.sampled_from([HAYSON, JSON3]))
def test_records_are_read_in_their_version(
    records: list[dict[str, Any]], format: str
) -> None:
    rows = [row(record, format) for record in records]
    assert format_of(rows) == format
    for record, (id, text) in zip(records, rows, strict=True):
        assert canonical(record_of(id, text, format)) == canonical(record)


def test_strings_that_look_like_the_other_version() -> None:
    """``"m:"`` in a record with Hayson objects is a Str."""
    hayson = '{"id": {"_kind": "ref", "val": "a"}, "dis": "m:", "x": "n:5"}'
    assert format_of([("a", hayson)]) == HAYSON
    assert record_of("a", hayson, HAYSON)["dis"] == "m:"
    json3 = '{"id": "r:a", "dis": "s:m:", "x": "m:", "n": "n:5"}'
    assert format_of([("a", json3)]) == JSON3
    found = {"id": Ref("a"), "dis": "m:", "x": MARKER, "n": Number(5)}
    assert record_of("a", json3, JSON3) == found


def test_rows_with_the_same_meaning_in_both() -> None:
    assert format_of([]) == HAYSON
    assert format_of([("a", '{"dis": "plain", "n": 5}')]) == HAYSON
    assert format_of([("a", '{"dis": "plain"}'), ("b", '{"x": "m:"}')]) == JSON3
    with pytest.raises(AmbiguousFormat, match="row 'a' may be"):
        format_of([("a", '{"x": {"y": ["u:x"]}}')])


@pytest.mark.parametrize(
    ("text", "format", "message"),
    [
        ("5", HAYSON, "the tags must be a JSON object"),
        ('{"x": {"_kind": "huh"}}', HAYSON, 'x: unknown _kind "huh"'),
        ('{"x": {"y": "n:?"}}', JSON3, r"x\.y: "),
        ('{"id": "r:b"}', JSON3, "the tag id must be @a, not @b"),
        ('{"id": "b"}', HAYSON, 'the tag id must be @a, not "b"'),
        (
            '{"meta": {"ver": "3.0"}, "cols": [{"name": "x"}], "rows": []}',
            JSON3,
            "grid",
        ),
    ],
)
def test_invalid_rows(text: str, format: str, message: str) -> None:
    with pytest.raises(InvalidRecord, match=message):
        record_of("a", text, format)


@pytest.mark.parametrize(
    ("text", "format", "value"),
    [
        ("72", HAYSON, Number(72)),
        ('"72"', HAYSON, Number(72)),
        ('"true"', HAYSON, True),
        ('"auto"', HAYSON, "auto"),
        ('"\\"auto\\""', HAYSON, "auto"),
        ('"{\\"_kind\\": \\"marker\\"}"', HAYSON, MARKER),
        ('"n:5 kW"', JSON3, Number(5, "kW")),
    ],
)
def test_levels(text: str, format: str, value: Any) -> None:
    found = value_of(text, format)
    assert found == value and type(found) is type(value)

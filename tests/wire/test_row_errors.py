"""All invalid rows of a text, also far from its beginning."""

from __future__ import annotations

import pytest

from haystack_app.wire import hayson_reader
from haystack_app.wire.errors import ParseError
from haystack_app.wire.registry import HAYSON, JSON3, TRIO, ZINC, Format
from haystack_app.wire.row_errors import row_errors

BAD = (0, 999, 1_000, 2_500)
ROWS = 2_501


def text_of(format: Format) -> str:
    if format is ZINC:
        rows = (f"@a{at},{'5zz' if at in BAD else 5}\n" for at in range(ROWS))
        return 'ver:"3.0"\nid,x\n' + "".join(rows)
    if format is TRIO:
        rows = (f"id:@a{at}\nx:{'5zz' if at in BAD else 5}\n" for at in range(ROWS))
        return "---\n".join(rows)
    if format is JSON3:
        head = '{"meta":{"ver":"3.0"},"cols":[{"name":"x"}],"rows":['
        rows = (f'{{"x":"n:{"x" if at in BAD else 5}"}}' for at in range(ROWS))
        return head + ",".join(rows) + "]}"
    date = '{"x":{"_kind":"date","val":"%s"}}'
    rows = (date % ("x" if at in BAD else "2024-01-01") for at in range(ROWS))
    return "[" + ",".join(rows) + "]"


PLACES = {
    ZINC.name: [f"line {at + 3}, column" for at in BAD],
    TRIO.name: [f"line {at * 3 + 2}" for at in BAD],
    JSON3.name: [f"rows[{at}].x" for at in BAD],
    HAYSON.name: [f"[{at}].x" for at in BAD],
}


def errors(format: Format, most: int = 10**9) -> list[ParseError]:
    text = text_of(format)
    with pytest.raises(ParseError) as caught:
        if format is HAYSON:
            hayson_reader.read_value(text)
        else:
            format.read_text(text)
    return list(row_errors(format, text, caught.value, most))


@pytest.mark.parametrize(
    "format", [ZINC, TRIO, JSON3, HAYSON], ids=lambda one: one.name
)
def test_places(format: Format) -> None:
    found = errors(format)
    for err, place in zip(found, PLACES[format.name], strict=True):
        assert err.position.startswith(place)


@pytest.mark.parametrize("format", [ZINC, JSON3, HAYSON], ids=lambda one: one.name)
def test_a_long_text_is_not_read_again_to_its_end(format: Format) -> None:
    assert 0 < len(errors(format, 150_000)) < len(BAD)
    assert len(errors(format, 0)) == 1

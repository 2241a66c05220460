"""The caps of ``HAYSTACK["LIMITS"]`` and their effect."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from haystack_app import checks, conf, filters
from haystack_app.filters import parser
from haystack_app.kinds import Ref
from haystack_app.storage.errors import InvalidRecord
from haystack_app.storage.stored import stored_form
from haystack_app.wire import hayson_reader, limits, zinc_reader
from haystack_app.wire.errors import ParseError
from tools import document_settings


def limited(**values: Any) -> Any:
    from django.conf import settings

    return override_settings(HAYSTACK={**settings.HAYSTACK, "LIMITS": values})


def test_the_defaults() -> None:
    assert {name: conf.limit(name) for name in conf.LIMITS} == {
        "BODY": 33_554_432,
        "CELLS": 8_000_000,
        "DASHBOARDS": 200,
        "DEPTH": 64,
        "FILTER_LENGTH": 16_384,
        "FILTER_DEPTH": 100,
        "IDS": 10_000,
        "IMPORT": 1_073_741_824,
        "JOBS": 20,
        "LOCK_SECONDS": 10,
        "ROWS": 250_000,
        "RUNNING": 4,
        "SPOOL": 1_073_741_824,
        "STATEMENT_SECONDS": 60,
        "WATCHED": 20_000,
        "WATCHES": 1_000,
        "WEBHOOKS": 20,
    }


def test_modules_without_django_follow_the_settings() -> None:
    before = (limits.MAX_DEPTH, limits.MAX_CELLS, parser.MAX_DEPTH, parser.MAX_LENGTH)
    with limited(DEPTH=5, CELLS=6, FILTER_DEPTH=7, FILTER_LENGTH=8):
        inside = limits.MAX_DEPTH, limits.MAX_CELLS, parser.MAX_DEPTH, parser.MAX_LENGTH
        assert inside == (5, 6, 7, 8)
    after = (limits.MAX_DEPTH, limits.MAX_CELLS, parser.MAX_DEPTH, parser.MAX_LENGTH)
    assert after == before == (64, 8_000_000, 100, 16_384)


@pytest.mark.parametrize("deep", ["[" * 5 + "]" * 5, "{a:" * 5 + "1" + "}" * 5])
def test_depth(deep: str) -> None:
    as_json = deep.replace("a:", '"a":')
    readers = (zinc_reader.read_value, deep), (hayson_reader.read_value, as_json)
    for read, text in readers:
        value = read(text)
        stored_form({"id": Ref("a"), "v": value})
        with limited(DEPTH=4):
            with pytest.raises(ParseError, match=r"deeper than 4 \(cap DEPTH\)"):
                read(text)
            with pytest.raises(InvalidRecord, match=r"deeper than 4 \(cap DEPTH\)"):
                stored_form({"id": Ref("a"), "v": value})


def test_the_deepest_that_may_be_set() -> None:
    deepest = 128
    with limited(DEPTH=deepest):
        nested = "[" * (deepest - 1) + "]" * (deepest - 1)
        value = hayson_reader.read_value(nested)
        assert zinc_reader.read_value(nested) == value
        stored = stored_form({"id": Ref("a"), "v": value})
        assert nested in stored.tags


def test_cells() -> None:
    zinc = 'ver:"3.0"\na,b\n1,2\n3,4\n'
    cols = '[{"name":"a"},{"name":"b"}]'
    rows = '[{"a":1,"b":2},{"a":3,"b":4}]'
    hayson = f'{{"_kind":"grid","cols":{cols},"rows":{rows}}}'
    for cap, fits in ((6, True), (5, False)):
        with limited(CELLS=cap):
            readers = (zinc_reader.read_grid, zinc), (hayson_reader.read_grid, hayson)
            for read, text in readers:
                if fits:
                    assert len(list(read(text))) == 2
                else:
                    with pytest.raises(ParseError, match=r"than 5 values \(cap CELLS"):
                        read(text)


def test_limits_of_filters_are_not_cached() -> None:
    for text, name, cap in (
        ("((site))", "FILTER_DEPTH", 1),
        ("site and dis", "FILTER_LENGTH", 11),
    ):
        filters.parse(text)
        with (
            limited(**{name: cap}),
            pytest.raises(ParseError, match=rf"{cap}.*\(cap {name}\)"),
        ):
            filters.parse(text)
        filters.parse(text)


WRONG = [
    ({"ROW": 5}, "'ROW'", "one of BODY, CELLS"),
    ({"ROWS": 0}, "'ROWS'", "1 or greater"),
    ({"ROWS": "5"}, "'ROWS'", "whole number"),
    ({"ROWS": 5.0}, "'ROWS'", "whole number"),
    ({"ROWS": True}, "'ROWS'", "whole number"),
    ({"ROWS": None}, "'ROWS'", "whole number"),
    ({"DEPTH": 3}, "'DEPTH'", "4 to 128"),
    ({"DEPTH": 129}, "'DEPTH'", "4 to 128"),
    ({"FILTER_DEPTH": 101}, "'FILTER_DEPTH'", "1 to 100"),
    ([1], "'LIMITS'", "must be a dict"),
]


@pytest.mark.parametrize(("given", "named", "hint"), WRONG)
def test_invalid_limits_are_reported(given: Any, named: str, hint: str) -> None:
    from django.conf import settings

    with override_settings(HAYSTACK={**settings.HAYSTACK, "LIMITS": given}):
        [message] = checks.check_settings()
        assert message.id == "haystack.E008"
        assert named in message.msg
        assert message.hint is not None
        assert hint in message.hint
        assert conf.limit("ROWS") == 250_000
        assert (limits.MAX_DEPTH, parser.MAX_DEPTH) == (64, 100)


def test_valid_limits_are_not_reported() -> None:
    with limited(ROWS=1, BODY=1, DEPTH=128, STATEMENT_SECONDS=86_400):
        assert list(checks.check_settings()) == []
    with limited():
        assert list(checks.check_settings()) == []


def test_the_document_has_every_setting() -> None:
    document = document_settings.DOCUMENT.read_text("utf-8")
    assert document_settings.documented(document) == document, (
        "run python tools/document_settings.py --write"
    )


def test_a_project_without_the_setting() -> None:
    with override_settings():
        from django.conf import settings

        del settings.HAYSTACK
        conf.app_settings.reload()
        try:
            assert list(checks.check_settings()) == []
            backend = conf.app_settings.STORAGES["default"]["BACKEND"]
            assert backend == "haystack_app.storage.orm.OrmAdapter"
            assert conf.limit("ROWS") == 250_000
        finally:
            conf.app_settings.reload()
    conf.app_settings.reload()


def test_an_unknown_key_is_not_an_attribute() -> None:
    with pytest.raises(AttributeError, match=r"HAYSTACK\['COLOUR'\]"):
        _ = conf.app_settings.COLOUR

"""Topic templates and JSON paths."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.connectors.mqtt.json_paths import JsonPath
from haystack_app.connectors.mqtt.rules import Rule
from haystack_app.connectors.mqtt.topics import TopicTemplate, filled, subscriptions


@pytest.mark.parametrize(
    ("template", "subscription", "topic", "names"),
    [
        (
            "bms/{equip}/{point}",
            "bms/+/+",
            "bms/ahu/t",
            {"equip": "ahu", "point": "t"},
        ),
        ("bms/{equip}/{point}", "bms/+/+", "bms/ahu/t/x", None),
        ("bms/{equip}/{point}", "bms/+/+", "bms//t", None),
        ("bms/{equip}/{point}", "bms/+/+", "BMS/ahu/t", None),
        ("bms/+/t", "bms/+/t", "bms/ahu/t", {}),
        ("bms/+/t", "bms/+/t", "bms//t", {}),
        ("bms/#", "bms/#", "bms/a/b/c", {}),
        ("bms/#", "bms/#", "bms", {}),
        ("bms/#", "bms/#", "bmsx", None),
        ("#", "#", "a/b", {}),
        ("#", "#", "$SYS/uptime", None),
        ("+/x", "+/x", "$SYS/x", None),
        ("bms/{path#}", "bms/#", "bms/hq/ahu/t", {"path": "hq/ahu/t"}),
        ("ahu-{n}/t{m}", "+/+", "ahu-7/t12", {"n": "7", "m": "12"}),
        ("a.b/c", "a.b/c", "aXb/c", None),
        ("/a", "/a", "/a", {}),
    ],
)
def test_match(
    template: str, subscription: str, topic: str, names: dict[str, str] | None
) -> None:
    found = TopicTemplate.of(template)
    assert found.subscription == subscription
    assert found.match(topic) == names


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("", "1 to 65535"),
        ("a/#/b", "# must be the last level"),
        ("a/{rest#}/b", "# must be the last level"),
        ("a/b+", "a level must be"),
        ("a/{b", "a level must be"),
        ("a/{b}-{c}/{b}", "stands in it twice"),
        ("a/{b}{c}", "put text between two names"),
        ("$SYS/#", "not data"),
        ("a\0", "U+0000"),
    ],
)
def test_invalid_template(template: str, error: str) -> None:
    with pytest.raises(ValueError, match=error.replace("+", r"\+")):
        TopicTemplate.of(template)


@pytest.mark.parametrize(
    ("templates", "filters"),
    [
        (["a/{x}", "a/+", "a/b"], ["a/+"]),
        (["#", "a/{x}", "b"], ["#"]),
        (["a/#", "a", "a/b/c", "b/#"], ["a/#", "b/#"]),
        (["a/+/c", "a/b/+"], ["a/+/c", "a/b/+"]),
        (["+/#", "a", "#"], ["#"]),
        (["a/+", "a/#", "a/+/b"], ["a/#"]),
        (["+", "a/b"], ["+", "a/b"]),
        ([], []),
    ],
)
def test_subscriptions(templates: list[str], filters: list[str]) -> None:
    assert subscriptions(map(TopicTemplate.of, templates)) == filters


def test_filled() -> None:
    assert filled("{a}-{$.id}", {"a": "x", "$.id": "7"}) == "x-7"
    with pytest.raises(ValueError, match="use one of a"):
        filled("{b}", {"a": "x"})


DATA = {
    "value": 1,
    "list": [{"v": 2}, {"v": 3}],
    "set point": {"v": 4},
    "at": {"t1": {"v": 5}, "t2": {"v": None}},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [({}, DATA)]),
        ("$.value", [({}, 1)]),
        ("$.list[1].v", [({}, 3)]),
        ("$.list[-1].v", [({}, 3)]),
        ("$['set point'].v", [({}, 4)]),
        ('$["set point"]["v"]', [({}, 4)]),
        ("$.at.{p}.v", [({"p": "t1"}, 5), ({"p": "t2"}, None)]),
        ("$.list[{n}].v", [({"n": "0"}, 2), ({"n": "1"}, 3)]),
        ("$.missing.v", []),
        ("$.list.v", []),
        ("$.list[7]", []),
        ("$.value.v", []),
    ],
)
def test_path(path: str, found: list[Any]) -> None:
    read = JsonPath.of(path)
    assert list(read.find(DATA, {})) == found
    assert read.first(DATA, {}) == (found[0][1] if found else None)


def test_path_with_known_names() -> None:
    path = JsonPath.of("$.at.{p}.v")
    assert list(path.find(DATA, {"p": "t1"})) == [({"p": "t1"}, 5)]
    assert path.first(DATA, {"p": "t2"}) is None


@pytest.mark.parametrize("path", ["", "value", "$.", "$..a", "$.a[", "$.a[x]", "$.a b"])
def test_invalid_path(path: str) -> None:
    with pytest.raises(ValueError, match="invalid path"):
        JsonPath.of(path)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"target": "{x}"}, "unknown name {x}: use one of equip, topic"),
        ({"target": ""}, "target must not be empty"),
        ({"target": "a", "time": "$.{x}"}, "unknown name {x}"),
        ({"target": "a", "unit": "furlongs"}, 'unknown unit "furlongs"'),
        ({"target": "Bad Tag", "find": "tag"}, "expected a tag such as mqttTopic"),
    ],
)
def test_invalid_rule(arguments: dict[str, str], error: str) -> None:
    with pytest.raises(ValueError) as caught:
        Rule.of("bms/{equip}", **arguments)
    assert error in str(caught.value)


def test_a_tag_is_compared_with_the_topic() -> None:
    assert Rule.of("a", "tag", "mqttTopic").target == "mqttTopic={topic}"
    rule = Rule.of("a", "tag", "mqttTopic={topic}#{$.id}")
    assert [key.text for key in rule.keys] == ["$.id"]

"""What messages say of points."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from haystack_app.connectors.mqtt.decoder import Decoded, Decoder
from haystack_app.connectors.mqtt.messages import Message
from haystack_app.connectors.mqtt.resolver import Resolver
from haystack_app.connectors.mqtt.rules import Rule
from haystack_app.connectors.mqtt.writer import write
from haystack_app.kinds import MARKER, NA, Number, Ref
from haystack_app.kinds.series import instant_of, microseconds_of
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.memory import InMemoryAdapter

NOW = microseconds_of(dt.datetime(2024, 10, 27, 1, 30, tzinfo=dt.UTC))
HIS = dict.fromkeys(("point", "his", "cur"), MARKER) | {"tz": "Berlin"}
RECORDS: list[dict[str, Any]] = [
    {"id": Ref("hq"), "site": MARKER, "dis": "HQ"},
    {"id": Ref("ahu"), "equip": MARKER, "navName": "AHU 1", "siteRef": Ref("hq")},
    {
        "id": Ref("ahu-t"),
        **HIS,
        "kind": "Number",
        "unit": "°C",
        "navName": "Temp",
        "equipRef": Ref("ahu"),
        "siteRef": Ref("hq"),
        "mqttTopic": "zigbee/7",
    },
    {"id": Ref("ahu-fan"), **HIS, "kind": "Bool", "enum": "standing,running"},
    {"id": Ref("ahu-mode"), **HIS, "kind": "Str", "enum": "Auto,Off"},
    {"id": Ref("ahu-n"), **HIS, "kind": "Number"},
    {"id": Ref("ahu-cur"), "point": MARKER, "cur": MARKER, "kind": "Number"},
    {
        "id": Ref("ahu-cov"),
        **HIS,
        "kind": "Number",
        "hisCollectCov": MARKER,
    },
    {
        "id": Ref("ahu-sync"),
        **HIS,
        "kind": "Number",
        "hisCollectCov": MARKER,
        "hisSync": MARKER,
    },
    {"id": Ref("ahu-none"), "point": MARKER, "kind": "Number"},
]
PLAIN = Rule.of("bms/{equip}/{point}", "id", "{equip}-{point}")
JSON = Rule.of(
    "json/{equip}/{point}",
    "id",
    "{equip}-{point}",
    value="$.value",
    time="$.ts",
    unit="$.unit",
)
STATUS = Rule.of("st/{point}", "id", "ahu-{point}", value="$.v", status="$.status")


@pytest.fixture
def points() -> StorageAdapter:
    store = InMemoryAdapter()
    store.load_entities(RECORDS)
    return store


@pytest.fixture
def stored(store: StorageAdapter) -> StorageAdapter:
    """On every store."""
    store.load_entities(RECORDS)
    return store


def message(topic: str, payload: Any, **more: Any) -> Message:
    data = payload if isinstance(payload, bytes | str) else json.dumps(payload)
    raw = data.encode() if isinstance(data, str) else data
    return Message(topic, raw, more.pop("received", NOW), **more)


def decoded(store: StorageAdapter, *messages: Message, rules: Any = ()) -> Decoded:
    used = rules or [PLAIN, JSON, STATUS]
    return Decoder(used, Resolver(store)).decode(messages)


def samples(found: Decoded, id: str) -> list[tuple[int, Any]]:
    column = found.columns[id]
    return list(zip(column.times, column.vals, strict=True))


@pytest.mark.parametrize(
    ("topic", "payload", "value"),
    [
        ("bms/ahu/t", "21.5", 21.5),
        ("bms/ahu/t", " 21.5 °C\n", 21.5),
        ("bms/ahu/t", "1.234", 1.234),
        ("bms/ahu/t", "1,234.5", 1234.5),
        ("bms/ahu/t", "70.7°F", 21.5),
        ("bms/ahu/t", "-1e3", -1000.0),
        ("bms/ahu/t", "NaN", NA),
        ("bms/ahu/t", "NA", NA),
        ("bms/ahu/fan", "ON", True),
        ("bms/ahu/fan", "0", False),
        ("bms/ahu/fan", "running", True),
        ("bms/ahu/mode", "auto", "Auto"),
        ("json/ahu/t", {"value": 21, "ts": 1729992600}, 21.0),
        ("json/ahu/t", {"value": 70.7, "unit": "°F", "ts": 1729992600}, 21.5),
        ("json/ahu/t", {"value": None, "ts": 1729992600}, NA),
        ("json/ahu/t", {"value": "21.5", "ts": 1729992600}, 21.5),
        ("json/ahu/fan", {"value": True, "ts": 1729992600}, True),
        ("json/ahu/fan", {"value": 1, "ts": 1729992600}, True),
    ],
)
def test_value(points: StorageAdapter, topic: str, payload: Any, value: Any) -> None:
    found = decoded(points, message(topic, payload))
    assert not found.error
    [(_, stored)] = samples(found, "ahu-" + topic.rpartition("/")[2])
    assert stored == value and type(stored) is type(value)


@pytest.mark.parametrize(
    ("topic", "payload", "error"),
    [
        ("bms/ahu/t", "warm", 'invalid Number "warm"'),
        ("bms/ahu/t", "0,696", "Number"),
        ("bms/ahu/t", "5 kW", "unit must be °C, not kW"),
        ("bms/ahu/n", "5 kW", "the point has no tag unit"),
        ("bms/ahu/t", b"\xff\xfe", "not UTF-8"),
        ("bms/ahu/fan", "maybe", "invalid Bool"),
        ("bms/ahu/mode", "Fast", "value must be one of Auto, Off"),
        ("json/ahu/t", "{", "payload is not JSON"),
        ("json/ahu/t", "[" * 5000, "payload is not JSON"),
        ("json/ahu/t", [1], "no value at $.value"),
        ("json/ahu/t", {"value": 1}, "no value at $.ts"),
        ("json/ahu/t", {"value": {"v": 1}, "ts": 1729992600}, "a list or an object"),
        ("json/ahu/t", {"value": True, "ts": 1729992600}, "not a Bool"),
        ("json/ahu/t", {"value": 1, "ts": "soon"}, 'invalid time "soon"'),
        ("json/ahu/t", {"value": 1, "ts": "01/02/2024"}, "invalid time"),
        ("json/ahu/t", {"value": 1, "ts": 45000}, "neither seconds nor ms"),
        ("json/ahu/t", {"value": 1, "ts": 4102444800}, "more than a day ahead"),
        ("json/ahu/t", {"value": 1, "ts": [1]}, "expected a text or a number"),
        ("json/ahu/t", {"value": 1, "ts": 1729992600, "unit": 5}, "must be a text"),
        ("json/ahu/t", {"value": 1, "ts": 1729992600, "unit": "q"}, "unknown unit"),
        ("st/t", {"v": 1, "status": "quux"}, 'unknown status "quux"'),
    ],
)
def test_garbage_does_not_stop_others(
    points: StorageAdapter, topic: str, payload: Any, error: str
) -> None:
    good = message("bms/ahu/t", "1")
    found = decoded(points, message(topic, payload), good, rules=[PLAIN, JSON, STATUS])
    assert found.garbage == 1
    assert error in found.error and f"topic {topic}" in found.error
    assert samples(found, "ahu-t") == [(NOW, 1.0)]


@pytest.mark.parametrize(
    ("ts", "time"),
    [
        (1729992600, "2024-10-27T01:30:00"),
        (1729992600.25, "2024-10-27T01:30:00.250"),
        (1729992600123, "2024-10-27T01:30:00.123"),
        ("1729992600123", "2024-10-27T01:30:00.123"),
        ("2024-10-27T01:30:00Z", "2024-10-27T01:30:00"),
        ("2024-10-27T03:30:00.5+02:00", "2024-10-27T01:30:00.500"),
        ("2024-10-27 12:00", "2024-10-27T11:00:00"),
        # twice in Berlin: the one next to the time of arrival
        ("2024-10-27 02:30", "2024-10-27T01:30:00"),
    ],
)
def test_time(points: StorageAdapter, ts: Any, time: str) -> None:
    found = decoded(points, message("json/ahu/t", {"value": 1, "ts": ts}))
    assert not found.error
    wanted = dt.datetime.fromisoformat(time + "+00:00")
    assert instant_of(samples(found, "ahu-t")[0][0]) == wanted


def test_arrivals_differ(points: StorageAdapter) -> None:
    """Two messages of one millisecond are two samples."""
    found = decoded(points, *[message("bms/ahu/t", str(n)) for n in range(3)])
    assert samples(found, "ahu-t") == [(NOW + n * 1_000, float(n)) for n in range(3)]


@pytest.mark.parametrize(
    ("rule", "topic", "payload"),
    [
        (Rule.of("x/{path#}", "path", "{path}"), "x/HQ/AHU 1/Temp", "1"),
        (Rule.of("x/{path#}", "path", "AHU 1/{path}"), "x/Temp", "1"),
        (Rule.of("zigbee/+", "tag", "mqttTopic"), "zigbee/7", "1"),
        (
            Rule.of("gw", "id", "{$.dev}-{key}", value="$.vals.{key}"),
            "gw",
            {"dev": "ahu", "vals": {"t": 1}},
        ),
    ],
)
def test_points_are_found(
    stored: StorageAdapter, rule: Rule, topic: str, payload: Any
) -> None:
    found = decoded(stored, message(topic, payload), rules=[rule])
    assert samples(found, "ahu-t") == [(NOW, 1.0)], (found.unknown, found.error)


def test_several_values_of_a_message(points: StorageAdapter) -> None:
    rule = Rule.of("gw", "id", "ahu-{p}", value="$.{p}.v", time="$.{p}.at")
    at = NOW // 1_000_000 - 60
    payload = {
        "t": {"v": 1, "at": at},
        "n": {"v": 2, "at": at + 1},
        "x": {"v": 3, "at": at},
        "fan": {"v": "hot", "at": at},
    }
    found = decoded(points, message("gw", payload), rules=[rule])
    assert samples(found, "ahu-t") == [(at * 1_000_000, 1.0)]
    assert samples(found, "ahu-n") == [((at + 1) * 1_000_000, 2.0)]
    assert [one.reason for one in found.unknown] == ["no point with the id ahu-x"]
    assert found.garbage == 1


def test_values_of_a_message_have_a_limit(points: StorageAdapter) -> None:
    rule = Rule.of("gw", "id", "{p}", value="$.{p}")
    many = {f"p{n}": n for n in range(1_001)}
    found = decoded(points, message("gw", many), rules=[rule])
    assert "more than 1,000 values at $.{p}" in found.error
    assert not found.unknown


def test_unknown_topics(points: StorageAdapter) -> None:
    listed = Rule.of("new/#", "list")
    found = decoded(
        points,
        message("new/a", "1"),
        message("bms/ahu/none", "1"),
        message("bms/ahu/gone", "1"),
        rules=[PLAIN, listed],
    )
    assert [one.reason for one in found.unknown] == [
        "no rule has this topic",
        "@ahu-none has neither the tag his nor cur",
        "no point with the id ahu-gone",
    ]


def test_new_points_are_found(points: StorageAdapter) -> None:
    resolver = Resolver(points)
    decoder = Decoder([PLAIN], resolver)
    resolver.refresh()
    assert decoder.decode([message("bms/new/t", "1")]).unknown
    points.add_entities([{"id": Ref("new-t"), **HIS, "kind": "Number"}])
    resolver._check_at = 0
    assert resolver.refresh()
    assert not decoder.decode([message("bms/new/t", "1")]).unknown


def test_current_values(points: StorageAdapter) -> None:
    """Without history, or where the server collects it, only the current value."""
    found = decoded(
        points,
        message("bms/ahu/cur", "1"),
        message("bms/ahu/cur", "2"),
        message("bms/ahu/cov", "3"),
        message("bms/ahu/sync", "4"),
    )
    assert found.columns.keys() == {"ahu-sync"}
    assert {id: one.current for id, one in found.currents.items()} == {
        "ahu-cur": Current(Number(2)),
        "ahu-cov": Current(Number(3)),
    }


def test_samples_of_a_bad_status_are_left_out(points: StorageAdapter) -> None:
    found = decoded(
        points,
        message("st/t", {"v": 1, "status": "ok"}),
        message("st/t", {"v": 2, "status": "fault"}),
        message("st/n", {"v": 1, "status": False}),
        message("st/n", {"v": 2, "status": True}),
    )
    assert samples(found, "ahu-t") == [(NOW, 1.0)]
    assert found.currents["ahu-t"].current == Current(None, "fault", "status fault")
    assert samples(found, "ahu-n") == [(NOW, 2.0)]
    assert "ahu-n" not in found.currents


def test_retained(stored: StorageAdapter) -> None:
    """As a current value, unless the point has one that may be newer."""
    store = Rule.of(
        "s/{p}", "id", "ahu-{p}", value="$.v", time="$.ts", retained="store"
    )
    ignore = Rule.of("i/{p}", "id", "ahu-{p}", retained="ignore")
    rules = [PLAIN, JSON, store, ignore]
    at = NOW // 1_000_000
    found = decoded(
        stored,
        message("bms/ahu/t", "1", is_retained=True),
        message("json/ahu/n", {"value": 2, "ts": at - 5}, is_retained=True),
        message("s/fan", {"v": 1, "ts": at - 9}, is_retained=True),
        message("i/cur", "4", is_retained=True),
        rules=rules,
    )
    assert samples(found, "ahu-fan") == [((at - 9) * 1_000_000, True)]
    assert found.columns.keys() == {"ahu-fan"}
    assert found.currents.keys() == {"ahu-t", "ahu-n"}
    assert write(stored, "mqtt", found).stored == 3
    assert stored.existing("ahu-t")["curVal"] == Number(1, "°C")

    again = decoded(
        stored,
        message("bms/ahu/t", "7", is_retained=True),
        message("json/ahu/n", {"value": 8, "ts": at - 5}, is_retained=True),
        rules=rules,
    )
    write(stored, "mqtt", again)
    assert stored.existing("ahu-t")["curVal"] == Number(1, "°C")
    assert stored.existing("ahu-n")["curVal"] == Number(2)


def test_a_removed_retained_message_has_no_value(points: StorageAdapter) -> None:
    found = decoded(points, message("bms/ahu/t", b""))
    assert not found.columns and found.ignored == 1


def test_write(stored: StorageAdapter) -> None:
    at = NOW // 1_000_000
    found = decoded(
        stored,
        message("json/ahu/t", {"value": 1, "ts": at - 60}),
        message("json/ahu/t", {"value": None, "ts": at - 30}),
        message("json/ahu/t", {"value": 2, "ts": at}),
        message("bms/ahu/mode", "off"),
    )
    written = write(stored, "mqtt", found)
    assert written == (4, 0, "")
    assert write(stored, "mqtt", found) == written  # it may be repeated
    assert [row["val"] for row in stored.his_read("ahu-t")] == [
        Number(1, "°C"),
        NA,
        Number(2, "°C"),
    ]
    record = stored.existing("ahu-t")
    assert record["curVal"] == Number(2, "°C") and record["hisSize"] == Number(3)
    assert stored.existing("ahu-mode")["curVal"] == "Off"


def test_what_the_store_refuses_is_left_out(stored: StorageAdapter) -> None:
    old = {"value": 7, "ts": "1949-01-01T00:00:00Z"}
    messages = [message("json/ahu/t", old)]
    for n in range(5):
        messages.append(message("json/ahu/t", {"value": n, "ts": NOW // 1_000_000 - n}))
        messages.append(message("bms/ahu/fan", "on"))
        messages.append(message("bms/ahu/cur", str(n)))
    found = decoded(stored, *messages)
    stored.remove_entities([stored.existing("ahu-fan")])  # after it was found
    written = write(stored, "mqtt", found)
    assert written.stored == 5 + 1
    assert written.refused == 1 + 5
    assert len(list(stored.his_read("ahu-t"))) == 5

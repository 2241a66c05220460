"""Haystack city names and the tz database."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest

from haystack_app.kinds import timezones
from haystack_app.kinds.timezones import UnknownTimeZone, city_of, same_zone, zone_of

SUMMER = datetime(2024, 6, 1, 12, tzinfo=UTC)
WINTER = datetime(2024, 12, 1, 12, tzinfo=UTC)


def offset(zone: ZoneInfo, instant: datetime) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()


@pytest.mark.parametrize(
    ("city", "key", "summer", "winter"),
    [
        ("New_York", "America/New_York", -4, -5),
        ("Los_Angeles", "America/Los_Angeles", -7, -8),
        ("London", "Europe/London", 1, 0),
        ("Kathmandu", "Asia/Kathmandu", 5.75, 5.75),
        ("Kiritimati", "Pacific/Kiritimati", 14, 14),
        ("Lord_Howe", "Australia/Lord_Howe", 10.5, 11),
        ("St_Johns", "America/St_Johns", -2.5, -3.5),
        ("Sao_Paulo", "America/Sao_Paulo", -3, -3),
        ("Port_of_Spain", "America/Port_of_Spain", -4, -4),
        ("Port-au-Prince", "America/Port-au-Prince", -4, -5),
        ("Knox", "America/Indiana/Knox", -5, -6),
        ("Longyearbyen", "Arctic/Longyearbyen", 2, 1),
        ("UTC", "UTC", 0, 0),
        ("GMT", "GMT", 0, 0),
        ("GMT-3", "Etc/GMT-3", 3, 3),  # the sign is POSIX's
        ("GMT+3", "Etc/GMT+3", -3, -3),
        ("CET", "CET", 2, 1),
        ("EST5EDT", "EST5EDT", -4, -5),
    ],
)
def test_zone_of(city: str, key: str, summer: float, winter: float) -> None:
    zone = zone_of(city)
    assert zone.key == key
    assert offset(zone, SUMMER) == timedelta(hours=summer)
    assert offset(zone, WINTER) == timedelta(hours=winter)
    assert city_of(zone) == city == city_of(key)


def test_zones_are_loaded_once() -> None:
    assert zone_of("Lord_Howe") is zone_of("Lord_Howe")


@pytest.mark.parametrize(
    ("city", "key"),
    [
        ("Indianapolis", "America/Indianapolis"),
        ("Louisville", "America/Louisville"),
        ("Buenos_Aires", "America/Buenos_Aires"),
        ("Nicosia", "Asia/Nicosia"),
        ("Istanbul", "Asia/Istanbul"),
        ("Singapore", "Singapore"),
    ],
)
def test_shared_city_takes_the_shallowest_name(city: str, key: str) -> None:
    assert zone_of(city).key == key


@pytest.mark.parametrize(
    ("name", "city"),
    [
        ("Etc/UTC", "UTC"),
        ("Etc/GMT", "GMT"),
        ("America/Indiana/Indianapolis", "Indianapolis"),
        ("America/Kentucky/Louisville", "Louisville"),
        ("Europe/Istanbul", "Istanbul"),
    ],
)
def test_every_name_of_a_shared_city_leads_to_it(name: str, city: str) -> None:
    assert city_of(name) == city_of(ZoneInfo(name)) == city


def test_names_that_share_a_city_have_the_same_rules() -> None:
    shared: defaultdict[str, set[str]] = defaultdict(set)
    for name in available_timezones():
        if timezones._accepted(name):
            shared[city_of(name)].add(name)
    instants = [
        datetime(year, month, 15, tzinfo=UTC)
        for year in range(1970, 2038)
        for month in (1, 4, 7, 10)
    ]
    assert len(shared) > 500
    for names in (names for names in shared.values() if len(names) > 1):
        rules = {tuple(offset(ZoneInfo(name), at) for at in instants) for name in names}
        assert len(rules) == 1, names


def test_every_city_loads_and_returns() -> None:
    for city in timezones._index().names:
        assert "/" not in city
        assert city_of(zone_of(city)) == city


UNKNOWN = [
    "",
    "Gotham",
    "Rel",
    "new_york",
    "New York",
    " New_York",
    "New_York\n",
    "America",
    "Pacific",
    "localtime",
    "posixrules",
    "Factory",
    "leapseconds",
    "tzdata.zi",
    "New_York\x00",
    "\x00",
    "..",
    ".",
    "/",
    "../Etc/UTC",
    "/etc/passwd",
    "a" * 1000,
    "\ud800",
]


@pytest.mark.parametrize("city", [*UNKNOWN, "America/New_York", "Etc/UTC"])
def test_unknown_cities(city: str) -> None:
    with pytest.raises(UnknownTimeZone) as caught:
        zone_of(city)
    assert isinstance(caught.value, ValueError)
    assert caught.value.name == city
    assert repr(city) in str(caught.value)


def test_unknown_cities_are_not_remembered() -> None:
    zone_of("UTC")
    before = len(timezones._zones)
    for number in range(100):
        with pytest.raises(UnknownTimeZone):
            zone_of(f"Nowhere{number}")
    assert len(timezones._zones) == before


@pytest.mark.parametrize("name", [*UNKNOWN, "New_York", "US/Pacific"])
def test_names_without_a_city(name: str) -> None:
    with pytest.raises(UnknownTimeZone):
        city_of(name)


def test_zone_without_a_key_has_no_city() -> None:
    try:
        from importlib.resources import files

        source = files("tzdata.zoneinfo.Europe").joinpath("London")
    except ModuleNotFoundError:
        pytest.skip("needs the tzdata package")
    with source.open("rb") as file:
        zone = ZoneInfo.from_file(file)
    with pytest.raises(UnknownTimeZone):
        city_of(zone)


def test_import_reads_nothing() -> None:
    """Neither the names nor a zone are read before the first use."""
    code = (
        "from haystack_app.kinds import timezones as t\n"
        "assert not t._zones and not t._index.cache_info().currsize\n"
        "t.zone_of('Kathmandu')\n"
        "assert list(t._zones) == ['Kathmandu']\n"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(UnknownTimeZone("Gotham")))
    assert (error.name, str(error)) == ("Gotham", "unknown time zone 'Gotham'")


def test_names_of_one_zone_have_the_same_clocks_since_1970() -> None:
    cities = timezones._index().names
    named: dict[str, list[str]] = {}
    for city in cities:
        named.setdefault(timezones._resolved(city), []).append(city)
    instants = [
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=5 * n) for n in range(4_200)
    ]
    for group in named.values():
        first, *others = (zone_of(city) for city in group)
        if others:
            expected = [offset(first, at) for at in instants]
            for other in others:
                assert [offset(other, at) for at in instants] == expected, group


@pytest.mark.parametrize(
    ("city", "other", "same"),
    [
        ("Kolkata", "Calcutta", True),
        ("Oslo", "Stockholm", True),
        ("EST5EDT", "New_York", True),
        ("Zulu", "UTC", True),
        ("GMT", "UTC", False),
        ("New_York", "Detroit", False),
        ("London", "Dublin", False),
    ],
)
def test_same_zone(city: str, other: str, same: bool) -> None:
    assert same_zone(city, other) is same_zone(other, city) is same


def test_an_unknown_zone_is_the_same_as_none() -> None:
    with pytest.raises(UnknownTimeZone, match="Rel"):
        same_zone("Rel", "UTC")


def test_zones_are_those_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of the machine, whose Oslo may have rules of its own."""
    monkeypatch.setattr(timezones, "_zones", {})
    oslo, berlin = zone_of("Oslo"), zone_of("Berlin")
    old = datetime(1946, 6, 1, tzinfo=UTC)
    assert offset(oslo, old) == offset(berlin, old)

"""Forms of times, and the instants that they mean."""

from __future__ import annotations

import datetime as dt
import decimal

import pytest

from haystack_app.transfer.tables.stamps import (
    instants_of,
    number_form,
    number_instants,
    stamp_of,
)


@pytest.mark.parametrize(
    ("text", "order", "utc"),
    [
        ("2024-06-15T08:15:00-04:00 New_York", None, "2024-06-15T12:15:00"),
        ("2024-06-15T08:15:00.5Z", None, "2024-06-15T08:15:00.500000"),
        ("2024-06-15T08:15-0500", None, "2024-06-15T13:15:00"),
        ("2024-06-15 08:15:00 +02", None, "2024-06-15T06:15:00"),
        ("2024-06-15 08:15:00 UTC+2", None, "2024-06-15T06:15:00"),
        ("2024-06-15T08:15:00+02:00[Europe/Paris]", None, "2024-06-15T06:15:00"),
        ("2024-06-15 08:15 America/Chicago", None, "2024-06-15T13:15:00"),
        ("2024-06-15 08:15 Chicago", None, "2024-06-15T13:15:00"),
        ("20240615T081500Z", None, "2024-06-15T08:15:00"),
        ("20240615 0815", None, "2024-06-15T12:15:00"),
        ("20240615", None, "2024-06-15T04:00:00"),
        ("2024-06-15", None, "2024-06-15T04:00:00"),
        ("2012/05/19 05:07:00", None, "2012-05-19T09:07:00"),
        ("8/28/2007 0:00", "mdy", "2007-08-28T04:00:00"),
        ("8/28/07 0:00", "mdy", "2007-08-28T04:00:00"),
        ("28.08.2007 13:45", "dmy", "2007-08-28T17:45:00"),
        ("07-08-28 13:45", "ymd", "2007-08-28T17:45:00"),
        ("22-Sep-26 09:00:01 AM UTC", "dmy", "2026-09-22T09:00:01"),
        ("26-Sep-22 09:00:01 AM UTC", "ymd", "2026-09-22T09:00:01"),
        ("Sun, 22 September 2026 12:00 am", None, "2026-09-22T04:00:00"),
        ("Sep 22, 2026 12:30 p.m.", None, "2026-09-22T16:30:00"),
        ("2024-06-15 24:00", None, "2024-06-16T04:00:00"),
        ("2024-12-31 24:00:00", None, "2025-01-01T05:00:00"),
        ("2024-11-03 01:30 EDT", None, "2024-11-03T05:30:00"),
        ("2024-11-03 01:30 EST", None, "2024-11-03T06:30:00"),
        ("15. März 2024 08:15 Uhr", None, "2024-03-15T12:15:00"),
        ("Fr, 15. MÄR 2024 08:15", None, "2024-03-15T12:15:00"),
        ("15.Mrz.2024 08:15:00", None, "2024-03-15T12:15:00"),
        ("Mi. 01 Mai 2024 08:15", None, "2024-05-01T12:15:00"),
        ("3. Dezember 2024", None, "2024-12-03T05:00:00"),
        ("30-Okt-2024 08:15", None, "2024-10-30T12:15:00"),
        ("jeudi 1er février 2024 08:15", None, "2024-02-01T13:15:00"),
        ("mar. 6 févr. 2024 08:15", None, "2024-02-06T13:15:00"),
        ("14 juil. 2024 08:15", None, "2024-07-14T12:15:00"),
        ("14 juin 2024 08:15", None, "2024-06-14T12:15:00"),
        ("15-août-2024 08:15", None, "2024-08-15T12:15:00"),
        ("31 DÉCEMBRE 2024 08:15", None, "2024-12-31T13:15:00"),
        ("Mar 05, 2024 08:15", None, "2024-03-05T13:15:00"),
    ],
)
def test_instants(text: str, order: str | None, utc: str) -> None:
    (found,) = instants_of(text, order, "New_York")
    assert found == dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "12.5", "20.50", "1,234", "2024-06", "10:15", "13/13/2024", "32.01.2024"),
        *("2024/19/05", "2024-06-15 25:00", "2024-06-15 24:01", "2024-06-15 13:00 PM"),
        *("2024-06-15 08:60", "15-Foo-2024", "2024-06-15 x", "1.234.567", "20241301"),
        *("0001-01-01", "00010101", "01/02/0024", "01.02.0024 10:00", "1-Jan-0024"),
        *("15-Ju-2024", "15-Jui-2024", "2024-Jun-2024"),
    ],
)
def test_not_a_time(text: str) -> None:
    assert stamp_of(text) is None


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("03/04/2024", {"dmy", "mdy"}),
        ("13/04/2024", {"dmy"}),
        ("04/13/2024", {"mdy"}),
        ("03-04-05", {"dmy", "mdy", "ymd"}),
        ("21.05.12", {"dmy", "ymd"}),
        ("2024/05/06", {"ymd"}),
        ("22-Sep-26", {"dmy", "ymd"}),
        ("22-Sep-2026", {"dmy"}),
    ],
)
def test_the_orders_of_a_date(text: str, orders: set[str]) -> None:
    stamp = stamp_of(text)
    assert stamp is not None
    assert stamp.orders == orders


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2024-02-30", "no such day"),
        ("2024-06-15 08:15 Nowhere", "unknown time zone"),
        ("2024-06-15 08:15 EST", "EST is not what clocks in New_York show"),
        ("2024-06-15 08:15 GMT-5", "two readings"),
        ("2024-03-10 02:30", "does not occur"),
        ("03/04/2024", "two readings"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        instants_of(text, None, "New_York")


def test_a_date_in_another_order_than_its_column() -> None:
    with pytest.raises(ValueError, match="the dates of the column are mdy"):
        instants_of("28/08/2007", "mdy", "New_York")


def test_an_hour_that_occurs_twice_has_both_times() -> None:
    found = instants_of("2024-11-03 01:30", None, "New_York")
    assert [f"{utc:%H:%M}" for utc in found] == ["05:30", "06:30"]


@pytest.mark.parametrize(
    ("text", "form", "utc"),
    [
        ("1718438400", "s", "2024-06-15T08:00:00"),
        ("1718438400.25", "s", "2024-06-15T08:00:00.250000"),
        ("1718438400123", "ms", "2024-06-15T08:00:00.123000"),
        ("1718438400123456", "us", "2024-06-15T08:00:00.123456"),
        ("1718438400123456789", "ns", "2024-06-15T08:00:00.123456"),
        ("45458.010416666664", "serial", "2024-06-15T04:15:00"),
        ("45458", "serial", "2024-06-15T04:00:00"),
    ],
)
def test_numbers(text: str, form: str, utc: str) -> None:
    assert number_form(text) == form
    (found,) = number_instants(text, form, "New_York")
    assert found == dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)


def test_the_precision_of_decimals_is_that_of_the_process() -> None:
    """Some libraries lower it to six digits when they are imported."""
    with decimal.localcontext(prec=6):
        test_numbers("1718438400.25", "s", "2024-06-15T08:00:00.250000")


def test_a_number_of_another_form_than_its_column() -> None:
    with pytest.raises(ValueError, match="the other rows have ms"):
        number_instants("1718438400", "ms", "New_York")

"""Files of Australian meters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.base import StorageAdapter

from .conftest import Import

STREAM = "200,6305123456,E1B1,E1,E1,N1,01009,kWh,30,20240601\n"
ACTUAL = ["0.5", *["0.25"] * 46, "1.125"]


def day(*values: str, date: str = "20240315", quality: str = "A") -> str:
    return f"300,{date},{','.join(values)},{quality},,,20240401000000,\n"


def file(*records: str) -> str:
    return "".join(["100,NEM12,202406011200,MDP1,RETAIL\n", *records, "900\n"])


@pytest.fixture
def meter(building: StorageAdapter) -> StorageAdapter:
    common = {"point": MARKER, "his": MARKER, "kind": "Number", "unit": "kWh"}
    building.load_entities(
        [
            {"id": Ref("e1"), "dis": "6305123456/E1", "tz": "Sydney", **common},
            {"id": Ref("b1"), "dis": "6305123456/B1", "tz": "Sydney", **common},
        ]
    )
    return building


def test_two_streams(
    meter: StorageAdapter, load: Import, his: Callable[[str], dict[str, Any]]
) -> None:
    """The times are ten hours ahead of UTC, also where clocks are set forward."""
    second = STREAM.replace(",E1,E1,", ",B1,B1,").replace(",kWh,30,", ",Wh,5,")
    records = (STREAM, day(*ACTUAL), "500,O,S01,20240316000000,\n")
    load(file(*records, second, day(*["1000"] * 288)), "--convert")
    found = his("e1")
    assert next(iter(found.items())) == ("2024-03-14T14:30:00", 0.5)
    assert list(found.items())[-1] == ("2024-03-15T14:00:00", 1.125)
    assert len(found) == 48
    found = his("b1")
    assert next(iter(found)) == "2024-03-14T14:05:00"
    assert (len(found), set(found.values())) == (288, {1.0})


def test_qualities(
    meter: StorageAdapter, load: Import, his: Callable[[str], dict[str, Any]]
) -> None:
    varied = (
        day(*ACTUAL, quality="V") + "400,1,20,F14,76,\n400,21,24,N,,\n400,25,48,A,,\n"
    )
    empty = day(*["0"] * 48, date="20240316", quality="N")
    load(file(STREAM, varied, empty))
    found = his("e1")
    assert len(found) == 44
    assert "2024-03-15T00:00:00" in found and "2024-03-15T00:30:00" not in found


def test_points_are_made(building: StorageAdapter, load: Import) -> None:
    load(file(STREAM, day(*ACTUAL)), "--create", "--tz", "Sydney", "--stamps", "end")
    [made] = [
        one for one in building.read("point and his") if "6305123456" in one["dis"]
    ]
    assert (made["unit"], made["hisMode"], made["hisSize"]) == (
        "kWh",
        "consumption",
        Number(48),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (file(day(*ACTUAL)), "line 2: a record 300 follows a record 200"),
        (file(STREAM, day(*ACTUAL[1:])), "line 3: .* 30 minutes has 48 values"),
        (file(STREAM.replace(",30,", ",7,")), "5, 15 or 30 minutes, not 7"),
        (file(STREAM, day(*ACTUAL, date="15/03/24")), "must be like 20240315"),
        (file(STREAM, day(*ACTUAL, quality="V")), "quality of interval 1"),
        (file(STREAM, "400,1,48,A,,\n"), "a record 400 follows one of a day"),
        (file(STREAM, day(*ACTUAL), "250,1\n"), "not 250"),
        (file(STREAM, day(*ACTUAL)).replace("900\n", ""), "it is not whole"),
        (
            file(STREAM, day("x", *ACTUAL[1:])),
            'line 3, column Value: .*invalid Number "x"',
        ),
    ],
)
def test_refused(meter: StorageAdapter, load: Import, text: str, problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        load(text)
    assert meter.existing("e1").get("hisSize") is None

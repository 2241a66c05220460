"""Local times in files of samples, when clocks go back and forward."""

from __future__ import annotations

from pathlib import Path

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer.his_import import ImportResult, import_histories
from haystack_app.transfer.his_points import ReadingOptions
from haystack_app.wire.files import UnreadableFile

DAY = "2023-11-05"
UP = "00:30 01:00 01:30 01:00 01:30 02:00"
TIMES_UP = [
    "00:30:00-04:00",
    "01:00:00-04:00",
    "01:30:00-04:00",
    "01:00:00-05:00",
    "01:30:00-05:00",
    "02:00:00-05:00",
]


@pytest.fixture
def points(store: StorageAdapter) -> StorageAdapter:
    common = {"point": MARKER, "his": MARKER, "kind": "Number"}
    store.load_entities(
        [
            {"id": Ref("a"), "tz": "New_York", **common},
            {"id": Ref("b"), "tz": "New_York", **common},
            {"id": Ref("uk"), "tz": "London", **common},
            {"id": Ref("isle"), "tz": "Lord_Howe", **common},
        ]
    )
    return store


def imported(
    store: StorageAdapter, folder: Path, text: str, **options: object
) -> ImportResult:
    path = folder / "a.csv"
    path.write_text(text)
    given = ReadingOptions(**options)  # type: ignore[arg-type]
    return import_histories(store, [path], options=given)


def columns(times: str, day: str = DAY, id: str = "a") -> str:
    rows = [f"{day} {time},{row}\n" for row, time in enumerate(times.split())]
    return f"ts,@{id}\n" + "".join(rows)


def his(store: StorageAdapter, id: str = "a") -> dict[str, float]:
    return {row["ts"].iso[11:]: row["val"].val for row in store.his_read(id)}


def test_a_step_back_is_the_second_occurrence(
    points: StorageAdapter, tmp_path: Path
) -> None:
    result = imported(points, tmp_path, columns(UP))
    assert (result.rows, result.samples, result.repeated) == (6, 6, 0)
    assert his(points) == dict(zip(TIMES_UP, range(6), strict=True))


def test_newest_first(points: StorageAdapter, tmp_path: Path) -> None:
    imported(points, tmp_path, columns(" ".join(reversed(UP.split()))))
    assert his(points) == dict(zip(TIMES_UP, reversed(range(6)), strict=True))


def test_rows_of_several_points(points: StorageAdapter, tmp_path: Path) -> None:
    """Each point has an order of its own: one is written after the other."""
    up = [f"{DAY}T{time},a,{row}" for row, time in enumerate(UP.split())]
    down = [f"{DAY}T{time},b,{row}" for row, time in enumerate(reversed(UP.split()))]
    imported(points, tmp_path, "\n".join(["ts,id,val", *up, *down]))
    assert his(points) == dict(zip(TIMES_UP, range(6), strict=True))
    assert his(points, "b") == dict(zip(TIMES_UP, reversed(range(6)), strict=True))


def test_an_equal_neighbour_is_a_repetition(
    points: StorageAdapter, tmp_path: Path
) -> None:
    times = "00:30 01:00 01:00 01:30 01:30 01:00 01:00 02:00"
    result = imported(points, tmp_path, columns(times))
    assert (result.rows, result.samples, result.repeated) == (8, 5, 3)
    assert his(points)["01:00:00-05:00"] == 6


def test_a_point_with_gaps_follows_the_others(
    points: StorageAdapter, tmp_path: Path
) -> None:
    rows = [
        f"{DAY} {time},{row},{row if row in (0, 4, 5) else ''}"
        for row, time in enumerate(UP.split())
    ]
    imported(points, tmp_path, "\n".join(["ts,a,b", *rows]))
    assert his(points, "b") == {
        "00:30:00-04:00": 0,
        "01:30:00-05:00": 4,
        "02:00:00-05:00": 5,
    }


@pytest.mark.parametrize(
    ("id", "day", "times", "found"),
    [
        (
            "uk",
            "2023-10-29",
            "00:45 01:15 01:45 01:15 02:15",
            "00:45:00+01:00 01:15:00+01:00 01:45:00+01:00 01:15:00Z 02:15:00Z",
        ),
        # half an hour, in the southern autumn
        (
            "isle",
            "2024-04-07",
            "01:15 01:30 01:45 01:30 01:45 02:00",
            "01:15:00+11:00 01:30:00+11:00 01:45:00+11:00"
            " 01:30:00+10:30 01:45:00+10:30 02:00:00+10:30",
        ),
    ],
)
def test_other_zones(
    points: StorageAdapter,
    tmp_path: Path,
    id: str,
    day: str,
    times: str,
    found: str,
) -> None:
    imported(points, tmp_path, columns(times, day, id))
    assert list(his(points, id)) == found.split()


UNDECIDED = [
    ("00:30 01:00 01:30 02:00", "2 rows .*lines 3, 4;"),
    ("01:30 00:30 02:00 01:00 01:30", "3 rows .*lines 2, 5, 6;"),
    ("00:00 01:00 01:00 02:00", "2 rows .*lines 3, 4;"),
    ("01:30 01:00", "2 rows .*lines 2, 3;"),
    ("01:30", "1 rows .*line 2;"),
]


@pytest.mark.parametrize(("times", "message"), UNDECIDED)
def test_one_error_where_the_order_does_not_tell(
    points: StorageAdapter, tmp_path: Path, times: str, message: str
) -> None:
    with pytest.raises(UnreadableFile, match=message) as caught:
        imported(points, tmp_path, columns(times))
    assert "--dst first" in str(caught.value) and "New_York" in str(caught.value)
    assert "stays on standard time, use --tz GMT+5" in str(caught.value)
    assert his(points) == {}


@pytest.mark.parametrize(("dst", "offset"), [("first", "-04:00"), ("second", "-05:00")])
def test_the_option_decides(
    points: StorageAdapter, tmp_path: Path, dst: str, offset: str
) -> None:
    imported(points, tmp_path, columns("00:30 01:00 01:30 02:00"), dst=dst)
    assert f"01:00:00{offset}" in his(points) and f"01:30:00{offset}" in his(points)


def test_the_option_does_not_overrule_the_order(
    points: StorageAdapter, tmp_path: Path
) -> None:
    imported(points, tmp_path, columns(UP), dst="first")
    assert len(his(points)) == 6


def test_the_names_of_many_rows_are_cut(points: StorageAdapter, tmp_path: Path) -> None:
    text = columns(" ".join(["00:30", *["01:00"] * 150, "02:00"]))
    with pytest.raises(UnreadableFile, match=r"150 rows .*, 102 and 50 more;"):
        imported(points, tmp_path, text)


@pytest.mark.parametrize(
    ("id", "time", "advice"),
    [
        ("a", "2024-03-10 02:30", r"use --tz GMT\+5"),
        ("uk", "2024-03-31 01:30", "use --tz GMT$"),
        ("isle", "2024-10-06 02:15", r"add the offset \+10:30"),
    ],
)
def test_the_gap_in_spring(
    points: StorageAdapter, tmp_path: Path, id: str, time: str, advice: str
) -> None:
    with pytest.raises(UnreadableFile, match=f"does not occur in .*{advice}"):
        imported(points, tmp_path, f"ts,{id}\n{time},1\n")


def test_a_logger_on_standard_time(points: StorageAdapter, tmp_path: Path) -> None:
    imported(points, tmp_path, "ts,a\n2024-03-10 02:30,1\n", tz="GMT+5")
    [row] = points.his_read("a")
    assert (row["ts"].iso, row["val"]) == ("2024-03-10T03:30:00-04:00", Number(1))

"""Files of the form NEM12, by which Australian meters are read.

Each record has its kind in the first cell: 100 begins the file, 200 a meter's data
stream with its unit and interval, 300 is a day with a value for each interval, 400 the
quality of some of its intervals, 500 tells about the meter, 900 ends the file. Times
are those of the market, ten hours ahead of UTC all year; the value of an interval is at
its end. Source: AEMO, Meter Data File Format Specification NEM12 & NEM13, version 2.5.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

__all__ = ["is_nem12", "nem12_rows"]

Row = tuple[int, list[str]]
_HEADER = ["NMI", "End of interval", "Value", "Unit", "Quality"]
_ZONE = dt.timezone(dt.timedelta(hours=10))
_MINUTES = 24 * 60
_STREAM = 9
_VARIES = "V"
_QUALITIES = {"A": "ok", "E": "ok", "F": "ok", "S": "ok", "N": "null", _VARIES: ""}
"""Actual, estimated, substituted (F: finally) values, no value, those of a record."""


def is_nem12(cells: list[str]) -> bool:
    return [cell.strip() for cell in cells[:2]] == ["100", "NEM12"]


def nem12_rows(rows: Iterator[Row]) -> Iterator[Row]:
    """A row for each interval of each data stream, after a header.

    A point is named by the meter and its data stream, such as ``6305123456/E1``. Raises
    ValueError for a record that is not as the specification says.
    """
    yield 1, _HEADER
    stream: _Stream | None = None
    day: tuple[int, list[str]] | None = None
    qualities: dict[int, str] = {}
    for line, cells in rows:
        cells = [cell.strip() for cell in cells]
        kind = cells[0]
        if kind == "400":
            if stream is None or day is None:
                raise ValueError(f"line {line}: a record 400 follows one of a day, 300")
            qualities |= _intervals(line, cells)
            continue
        if stream is not None and day is not None:
            yield from stream.samples(*day, qualities)
        day, qualities = None, {}
        if kind == "200":
            stream = _Stream(line, cells)
        elif kind == "300":
            if stream is None:
                raise ValueError(f"line {line}: a record 300 follows a record 200")
            day = line, cells
        elif kind == "900":
            return
        elif kind not in ("100", "500"):
            raise ValueError(
                f"line {line}: a record of NEM12 begins with 100, 200, 300, 400, 500"
                f" or 900, not {kind}"
            )
    raise ValueError("the file ends without the record 900: it is not whole")


class _Stream:
    """What a record 200 says."""

    def __init__(self, line: int, cells: list[str]) -> None:
        if len(cells) < _STREAM:
            raise ValueError(f"line {line}: a record 200 has at least {_STREAM} cells")
        self.name = f"{cells[1]}/{cells[4]}"
        self.unit = cells[7]
        minutes = cells[8]
        if minutes not in ("5", "15", "30"):
            raise ValueError(
                f"line {line}: the interval must be 5, 15 or 30 minutes, not {minutes}"
            )
        self.minutes = int(minutes)
        self.count = _MINUTES // self.minutes

    def samples(
        self, line: int, cells: list[str], qualities: dict[int, str]
    ) -> Iterator[Row]:
        """Rows of a day, a record 300."""
        whole = cells[self.count + 2] if len(cells) > self.count + 2 else ""
        if whole[:1] not in _QUALITIES:
            raise ValueError(
                f"line {line}: a day of intervals of {self.minutes} minutes has"
                f" {self.count} values, and then their quality"
            )
        start = _day(line, cells[1])
        for number, value in enumerate(cells[2 : self.count + 2], 1):
            quality = qualities.get(number, whole)[:1]
            if quality == _VARIES:
                raise ValueError(
                    f"line {line}: no record 400 has the quality of interval {number}"
                )
            end = start + dt.timedelta(minutes=number * self.minutes)
            status = _QUALITIES.get(quality, quality)
            yield line, [self.name, end.isoformat(), value, self.unit, status]


def _day(line: int, text: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=_ZONE)
    except ValueError:
        raise ValueError(
            f"line {line}: a date must be like 20240315, not {text}"
        ) from None


def _intervals(line: int, cells: list[str]) -> dict[int, str]:
    """The quality of each interval of a record 400."""
    try:
        first, last, quality = int(cells[1]), int(cells[2]), cells[3]
    except (ValueError, IndexError):
        raise ValueError(
            f"line {line}: a record 400 has the first and the last interval, and their"
            " quality"
        ) from None
    return dict.fromkeys(range(first, min(last, _MINUTES) + 1), quality)

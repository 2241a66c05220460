"""Spreadsheets, written by hand: the parts of an .xlsx that a reader needs."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from .conftest import Import

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def book(*sheets: str) -> bytes:
    """A workbook of sheets, each the XML of its rows; style 1 is a date with a time."""
    numbers = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet"'
        f' Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship'
        f' Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'{relations}<Relationship Id="rId99" Type="{OFFICE}/styles"'
        ' Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    for number, rows in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return out.getvalue()


def row(number: int, *cells: str | float | bool, date: bool = True) -> str:
    found = []
    for letter, cell in zip("ABCDEFG", cells, strict=False):
        place = f'r="{letter}{number}"'
        if isinstance(cell, bool):
            found.append(f'<c {place} t="b"><v>{cell:d}</v></c>')
        elif isinstance(cell, str):
            found.append(f'<c {place} t="inlineStr"><is><t>{cell}</t></is></c>')
        else:
            style = 's="1"' if date and letter == "A" else ""
            found.append(f"<c {place} {style}><v>{cell!r}</v></c>")
    return f'<row r="{number}">{"".join(found)}</row>'


TREND = (
    row(1, "Report of HQ")
    + row(3, "Time", "Supply Temp (°C)", "Fan", "Power")
    + row(4, 45458, 20.5, True, "1,5")
    + row(5, 45458.010416666664, 21, False, "---")
    + row(6, "Total", 41.5)
)


@pytest.mark.parametrize(
    ("name", "pack"), [("a.xlsx", bytes), ("a.xlsx.gz", gzip.compress)]
)
def test_a_sheet(
    name: str,
    pack: Callable[[bytes], bytes],
    load: Import,
    his: Callable[[str], dict[str, Any]],
) -> None:
    assert "text: a sheet" in load(pack(book("", TREND)), name=name)
    assert his("sat") == {"2024-06-15T04:00:00": 20.5, "2024-06-15T04:15:00": 21}
    assert list(his("fan").values()) == [True, False]
    assert list(his("kw").values()) == [1.5]


def test_days_as_numbers(load: Import, his: Callable[[str], dict[str, Any]]) -> None:
    rows = row(1, "Date", "sat") + row(2, 45458.010416666664, 1.234, date=False)
    load(book(rows), name="a.xlsx")
    assert his("sat") == {"2024-06-15T04:15:00": 1.234}


def test_an_error_has_the_row_of_the_sheet(load: Import) -> None:
    rows = row(1, "Time", "sat") + row(4, 45458, 1) + row(7, 45459, "x")
    with pytest.raises(CommandError, match="line 7, column sat: @sat: invalid Number"):
        load(book(rows), name="a.xlsx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip", "invalid spreadsheet"),
        (book(TREND, TREND), "expected one sheet with content, not S1, S2"),
        (book(""), "expected one sheet with content, not none"),
        (
            book('<row r="1048576"><c r="XFD1048576"/></row>'),
            "at most 50,000,000 cells",
        ),
    ],
)
def test_refused(content: bytes, message: str, load: Import) -> None:
    with pytest.raises(CommandError, match=message):
        load(content, name="a.xlsx")


def test_a_sheet_that_unpacks_to_far_more(
    load: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haystack_app.transfer.tables.source._FREE", 1_000)
    with pytest.raises(CommandError, match="unpacked it is larger than"):
        load(book(" " * 5_000_000), name="a.xlsx")


def test_without_the_extra(load: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(CommandError, match=r"haystack-server\[files\]"):
        load(book(TREND), name="a.xlsx")

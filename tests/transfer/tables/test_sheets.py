"""Spreadsheets, written by hand: the parts of an .xlsx that a reader needs."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from haystack_app.storage.base import StorageAdapter

from .conftest import Import

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


STYLES = '<cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>'


def book(*sheets: str, styles: str = STYLES) -> bytes:
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
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
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


SECOND = row(1, "Time", "Return Temp") + row(2, 45458, 18) + row(3, 45459, "x")


@pytest.mark.parametrize(
    ("number", "code", "values"),
    [
        ("10", "", {"2024-06-15T04:00:00": 57, "2024-06-15T04:15:00": 8}),
        ("170", "0.0%;[Red]-0.0%", {"2024-06-15T04:00:00": 57}),
        ("170", "0.0&quot;%&quot;", {"2024-06-15T04:00:00": 0.57}),
        ("2", "", {"2024-06-15T04:00:00": 0.57}),
    ],
)
def test_percentages_are_read_as_they_are_shown(
    number: str,
    code: str,
    values: dict[str, float],
    load: Import,
    building: StorageAdapter,
    his: Callable[[str], dict[str, Any]],
) -> None:
    """57 % is stored as 0.57; another cell of the column may be without the style."""
    rows = row(1, "Time", "Damper (%)") + row(2, 45458, 0.57).replace(
        'r="B2" ', 'r="B2" s="2" '
    )
    rows += row(3, 45458.010416666664, 8)
    formats = f'<numFmts><numFmt numFmtId="{number}" formatCode="{code}"/></numFmts>'
    styles = STYLES.replace("</cellXfs>", f'<xf numFmtId="{number}"/></cellXfs>')
    load(
        book(rows, styles=(formats if code else "") + styles),
        *("--create", "--tz", "New_York"),
        name="a.xlsx",
    )
    assert his("damper").items() >= values.items()
    assert building.existing("damper")["unit"] == "%"


def test_several_sheets(load: Import, his: Callable[[str], dict[str, Any]]) -> None:
    """All with content, or those that are named; each is a file of its own."""
    both = book(TREND, "", SECOND.replace(">x<", ">19<"))
    out = load(both, name="a.xlsx")
    assert "a.xlsx#S1\n" in out and "a.xlsx#S3\n" in out
    assert out.endswith("4 rows, 7 samples of 4 points from 2 files\n")
    assert list(his("rat").values()) == [18, 19]
    bad = book(TREND, SECOND)
    with pytest.raises(CommandError, match=r"a\.xlsx#S2, line 3, column Return Temp"):
        load(bad, name="a.xlsx")
    out = load(gzip.compress(bad), "--sheet", "S1", name="a.xlsx.gz")
    assert out.endswith("2 rows, 5 samples of 3 points from 1 files\n")
    with pytest.raises(CommandError, match="no sheet S9 with content, only S1, S2"):
        load(bad, "--sheet", "S9", name="a.xlsx")


def test_a_sheet_that_unpacks_to_far_more(
    load: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haystack_app.transfer.tables.source._FREE", 1_000)
    with pytest.raises(CommandError, match="unpacked it is larger than"):
        load(book(" " * 5_000_000), name="a.xlsx")


def test_a_part_that_is_larger_than_it_says(load: Import) -> None:
    """Sizes are written twice, and the check sum is that of the part that is said."""
    content = book(TREND + " " * 5_000_000)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        info = parts.getinfo("xl/worksheets/sheet1.xml")
        said = parts.read(info)[:1000]
    real = struct.pack("<LLL", info.CRC, info.compress_size, info.file_size)
    forged = struct.pack("<LLL", zlib.crc32(said), info.compress_size, len(said))
    assert content.count(real) == 2
    with pytest.raises(CommandError, match="invalid spreadsheet"):
        load(content.replace(real, forged), name="a.xlsx")


def test_without_the_extra(load: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(CommandError, match=r"haystack-server\[files\]"):
        load(book(TREND), name="a.xlsx")

"""haystack_load: tables of entities as people have them."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from haystack_app import demo
from haystack_app.kinds import MARKER, Coord, DateTime, Number, Ref, Uri
from haystack_app.kinds.grid import Col, Grid, column_order
from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer.entity_tables.guesses import guessed_kind
from haystack_app.wire import csv_writer
from haystack_app.wire.csv_cells import csv_rows
from tests.storage.building import given as tags_of
from tests.transfer.tables.test_sheets import book, row

from .conftest import Run

Write = Callable[[str, str | bytes], Path]
Load = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def load(run: Run, adapter: StorageAdapter, write: Write) -> Load:
    """Loads a file; the stored records by their ids, without ids and ``mod``."""

    def load(
        content: str | bytes, *args: str, name: str = "a.csv"
    ) -> dict[str, dict[str, Any]]:
        run("haystack_load", write(name, content), *args)
        found = {}
        for record in adapter.scan():
            tags = tags_of(record)
            found[tags.pop("id").id] = tags
        return found

    return load


def test_a_column_for_each_tag(load: Load) -> None:
    """Kinds of headers, of defs and of cells; Refs by id, by @id and by dis."""
    found = load(
        "id,dis,site,equip,Site Ref,equipRef,area (ft²),unit,serial,Rated Power kW,"
        "installed (Date),spare (Bool),web,geoCoord,note (Str)\n"
        "hq,Head Office,x,,,,12000,,,,,,https://x.example/,51.5 -0.1,5\n"
        "ahu-1,AHU 1,,X,hq,,,,007,5.5,2020-05-31,yes,,,\n"
        "fan,Fan,,,@hq,AHU 1,,deg C,012,0.5,,no,,,NA\n"
    )
    assert found == {
        "hq": {
            "dis": "Head Office",
            "site": MARKER,
            "area": Number(12000, "ft²"),
            "web": Uri("https://x.example/"),
            "geoCoord": Coord(51.5, -0.1),
            "note": "5",
        },
        "ahu-1": {
            "dis": "AHU 1",
            "equip": MARKER,
            "siteRef": Ref("hq"),
            "serial": "007",
            "ratedPower": Number(5.5, "kW"),
            "installed": dt.date(2020, 5, 31),
            "spare": True,
        },
        "fan": {
            "dis": "Fan",
            "siteRef": Ref("hq"),
            "equipRef": Ref("ahu-1"),
            "unit": "°C",
            "serial": "012",
            "ratedPower": Number(0.5, "kW"),
            "spare": False,
            "note": "NA",
        },
    }


def test_names_that_people_give_columns(load: Load) -> None:
    """A name is ``dis``, and a site or an equip is named where it is a marker."""
    found = load(
        "Name;Site;Equip;Tags;Area (m²)\n"
        "Halle 1;;;site;1.250,5\n"
        "AHU 1;Halle 1;;equip;\n"
        "Supply temp;Halle 1;AHU 1;point sensor;\n"
    )
    ids = {tags["dis"]: Ref(id) for id, tags in found.items()}
    by_name = {tags["dis"]: tags for tags in found.values()}
    assert by_name["Halle 1"] == {
        "dis": "Halle 1",
        "site": MARKER,
        "area": Number(1250.5, "m²"),
    }
    assert by_name["Supply temp"]["siteRef"] == ids["Halle 1"]
    assert by_name["Supply temp"]["equipRef"] == ids["AHU 1"]
    # with a column of its own, it is the tag that it says
    found = load("id,dis,name,site\nhq,Head Office,HQ,M\n", name="b.csv")
    assert found["hq"] == {"dis": "Head Office", "name": "HQ", "site": MARKER}


def test_a_column_of_units(load: Load) -> None:
    found = load("id;point;Units\na;x;DEG F\nb;x;gpm\n")
    assert [tags["unit"] for tags in found.values()] == ["°F", "gal/min"]


def test_names_among_markers(load: Load, tmp_path: Path) -> None:
    report = tmp_path / "bad.csv"
    with pytest.raises(CommandError, match=r"expected M, x, true or ✓, not .SAT."):
        load("Point;kind\nSAT;Number\n", "--errors", str(report))
    assert "the def of the tag asks for a Marker" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("word", ["M", "x", "X", "✓", "true", "TRUE", "yes", "1"])
def test_words_of_markers(load: Load, word: str) -> None:
    found = load(f"id;site;equip\na;{word};-\nb;false;{word}\n")
    assert found == {"a": {"site": MARKER}, "b": {"equip": MARKER}}


def test_markers_without_a_def(load: Load) -> None:
    found = load("id;myOwn;mine\na;x;1\nb;;2\n")
    assert found == {
        "a": {"myOwn": MARKER, "mine": Number(1)},
        "b": {"mine": Number(2)},
    }


def test_a_column_of_words(load: Load) -> None:
    found = load(
        "id,dis,tags\n"
        'hq,HQ,"site, area:1000ft², tz:America/New_York"\n'
        'sat,SAT,"point;sensor temp siteRef:HQ kind:number unit:°C '
        'alias:""Supply, air"" code:""07"""\n'
    )
    assert found == {
        "hq": {
            "dis": "HQ",
            "site": MARKER,
            "area": Number(1000, "ft²"),
            "tz": "New_York",
        },
        "sat": {
            "dis": "SAT",
            "siteRef": Ref("hq"),
            "kind": "Number",
            "unit": "°C",
            "alias": "Supply, air",
            "code": "07",
            **dict.fromkeys(("point", "sensor", "temp"), MARKER),
        },
    }


GERMAN = (
    "Liste der Gebäude\nid;dis;site;area (m²);yearBuilt;rate;opened\n"
    "a;Müllerstraße;x;1.234,5;1998;0,5;31.12.1999\nb;Höhe;x;900;2001;2;01.02.2001\n"
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", GERMAN.encode()),
        ("a.csv", b"\xef\xbb\xbf" + GERMAN.encode()),
        ("a.txt", GERMAN.encode("cp1252")),
        ("a.csv", GERMAN.encode("utf-16")),
        ("a.tsv", GERMAN.replace(";", "\t").replace("\n", "\r\n").encode()),
        ("a.csv", ("sep=;\n" + GERMAN).encode()),
        ("a.csv.gz", gzip.compress(GERMAN.encode(), mtime=0)),
    ],
)
def test_dialects(load: Load, name: str, content: bytes) -> None:
    assert load(content, name=name) == {
        "a": {
            "dis": "Müllerstraße",
            "site": MARKER,
            "area": Number(1234.5, "m²"),
            "yearBuilt": Number(1998),
            "rate": Number(0.5),
            "opened": dt.date(1999, 12, 31),
        },
        "b": {
            "dis": "Höhe",
            "site": MARKER,
            "area": Number(900, "m²"),
            "yearBuilt": Number(2001),
            "rate": Number(2),
            "opened": dt.date(2001, 2, 1),
        },
    }


SHEET = row(1, "id", "dis", "site", "area", "built") + row(
    2, "a", "A", True, 12.5, "2020-05-31"
)


def test_the_first_sheet_with_content_or_the_named_one(
    load: Load, run: Run, write: Write
) -> None:
    other = row(1, "id", "dis") + row(2, "b", "B")
    content = book("", SHEET, other)
    assert load(content, name="a.xlsx") == {
        "a": {
            "dis": "A",
            "site": MARKER,
            "area": Number(12.5),
            "built": dt.date(2020, 5, 31),
        }
    }
    assert "b" in load(content, "--sheet", "S3", name="a.xlsx")
    out = run("haystack_load", write("a.xlsx", content), dry_run=True)
    assert "text: sheet S2; not read: S3 (--sheet)" in out
    with pytest.raises(CommandError, match=r"the sheet S9 with content.*S2, S3"):
        load(content, "--sheet", "S9", name="a.xlsx")
    with pytest.raises(CommandError, match=r"--sheet is for \.xlsx files"):
        load("id,Dis\na,A\n", "--sheet", "S9")


def test_equal_names_are_decided(load: Load) -> None:
    """By what the tag asks for, and by the site of the row."""
    found = load(
        "id;dis;tags;siteRef;equipRef\n"
        "s1;North;site;;\ns2;South;site;;\n"
        "e1;AHU;equip;North;\ne2;AHU;equip;South;\n"
        "p0;South;point;s1;\n"
        "p1;T;point;North;AHU\np2;T;point;South;AHU\n"
    )
    assert found["p1"]["equipRef"] == Ref("e1")
    assert found["p2"]["equipRef"] == Ref("e2")
    assert found["p2"]["siteRef"] == Ref("s2")


def test_names_of_other_files_and_of_the_store(
    load: Load, run: Run, write: Write, adapter: StorageAdapter
) -> None:
    adapter.load_entities([{"id": Ref("hq"), "site": MARKER, "dis": "HQ"}])
    points = write("p.csv", "dis;tags;siteRef;equipRef\nT;point;HQ;AHU 1\n")
    equips = write("e.csv", "dis;tags;siteRef\nAHU 1;equip;HQ\n")
    assert "2 records had no id" in run("haystack_load", points, equips)
    by_dis = {record["dis"]: record for record in adapter.scan()}
    assert by_dis["T"]["equipRef"] == by_dis["AHU 1"]["id"]
    assert by_dis["T"]["siteRef"] == Ref("hq")


def test_replace_names_entities_of_the_files_only(
    load: Load, adapter: StorageAdapter
) -> None:
    adapter.load_entities([{"id": Ref("hq"), "site": MARKER, "dis": "HQ"}])
    with pytest.raises(CommandError, match='no entity with the id or dis "HQ"'):
        load("id;dis;tags;siteRef\nt;T;point;HQ\n", "--replace")


BAD = (
    "id;dis;site;area (ft²);tags;siteRef;unit;opened (Date)\n"
    "a b;A;x;1;;;;2020-01-02\n"
    "b;B;maybe;5 m²;;;;x\n"
    "c;C;;one;2x:5;North;furlongz;2020-01-02\n"
    "d;D;;;dis;;;\n"
    "e;E;;;;;\n"
    "f;F;;;area:5;;;2020-02-31\n"
    "g;G;;;;A;;\n"
)


def test_all_bad_cells_are_listed(load: Load, tmp_path: Path) -> None:
    report = tmp_path / "bad.csv"
    with pytest.raises(CommandError, match="nothing was stored"):
        load(BAD, "--errors", str(report))
    rows = list(csv.DictReader(report.open(encoding="utf-8")))
    found = {(row["line"], row["column"]): row["reason"] for row in rows}
    assert found == {
        ("2", "id"): 'invalid id "a b": ids have letters, digits and _ : - . ~',
        ("3", "site"): 'expected M, x, true or ✓, not "maybe"',
        ("3", "area (ft²)"): "unit is m² in the cell and ft² in the header",
        ("3", "opened (Date)"): 'invalid Date "x": expected such as 2024-03-31',
        ("4", "area (ft²)"): 'invalid Number "one"',
        ("4", "tags"): '"2x" is not the name of a tag',
        ("4", "unit"): 'unknown unit "furlongz"',
        ("4", "siteRef"): 'no entity with the id or dis "North"',
        ("5", "tags"): "dis is not a Marker: write dis:value",
        ("6", ""): "expected 8 cells, found 7",
        (
            "7",
            "opened (Date)",
        ): 'invalid time "2020-02-31": there is no such day or hour',
    }
    assert all(row["file"].endswith("a.csv") for row in rows)
    unknown = next(row for row in rows if row["column"] == "unit")
    assert unknown["remedy"] == "see the table of units, or begin your own with _"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id;Was ist das?\na;b\n", r'"Was ist das\?" is not the name of a tag'),
        ("id;Level (top)\na;b\n", '"top" is neither a kind such as Number nor'),
        ("id;dis;Dis\na;b;c\n", 'line 1, column Dis: dis is the tag of "dis" too'),
        ("id;site (Str)\na;b\n", "the def of site asks for a Marker, not a Str"),
        ("id;site (kW)\na;1\n", "the def of site asks for a Marker, not a Number"),
        ("id;myTag (Str, kW)\na;1\n", "a Str has no unit"),
        ("id;dis;\na;b;c\n", "line 1: column 3 has cells, but no header"),
        ("id;d\na;01.02.2003\n", "has two readings.*give --dates dmy or --dates mdy"),
        ("id;n;m\na;1,5;1\nb;1.5;1\n", "column n has decimal points and commas"),
        ("id;n\na;1,234\n", "has two readings.*--decimal comma or --decimal point"),
        ("Dis;site\n;-\n", "line 2: the row has no tags"),
        ("id;dis\na;A\na;B\n", "line 3: duplicate id @a: also in .*a.csv, line 2"),
        ("id;dis;siteRef\na;A;\nb;A;\nc;C;A\n", 'line 4.*"A" names 2 entities, @a, @b'),
        ('id;dis\na;"A\n', "a quoted cell has no closing quote"),
    ],
)
def test_refused(
    load: Load, adapter: StorageAdapter, content: str, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        load(content)
    assert not list(adapter.scan())


def test_a_table_without_rows(load: Load) -> None:
    assert load("id\tdis\n", name="a.tsv") == {}
    with pytest.raises(CommandError, match="the table is empty"):
        load("\n", name="a.tsv")


def test_options_decide(load: Load) -> None:
    content = "id;d;n;Was ist das?;t\na;01.02.2003;1,234;b;none yet\n"
    options = ("--dates", "mdy", "--decimal", "comma", "--ignore", "Was ist das?")
    assert load(content, *options, "--no-value", "none yet") == {
        "a": {"d": dt.date(2003, 1, 2), "n": Number(1.234), "t": "none yet"}
    }


def test_a_dry_run_says_what_was_understood(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    adapter.load_entities([{"id": Ref("hq"), "site": MARKER}])
    path = write(
        "a.csv",
        "List 5\nid;ID of maker;siteRef;equipRef;area (ft²);tags;empty\n"
        "a;1,5;hq;@gone;1;ahuRef:@lost;\n",
    )
    out = run("haystack_load", path, "--ignore", "empty", dry_run=True)
    assert [line.strip() for line in out.splitlines()[1:]] == [
        "text: utf-8, semicolons",
        "not read before the header: 1 rows",
        "id -> id: Ref, by the def of the tag",
        "ID of maker -> idOfMaker: Number, decimal comma, by its cells",
        "siteRef -> siteRef: Ref, by the def of the tag",
        "equipRef -> equipRef: Ref, by the def of the tag",
        "area (ft²) -> area: Number, ft², by the unit of its header",
        "tags -> words: markers and tag:value",
        "left out: empty",
        "dry run, nothing stored: 1 entities from 1 files: 1 created, 0 updated,"
        " 0 unchanged, 0 removed",
        "2 Refs to entities that do not exist:",
        f"{path}, line 3: ahuRef of @a is @lost",
        f"{path}, line 3: equipRef of @a is @gone",
    ]
    assert len(list(adapter.scan())) == 1


def test_a_dry_run_of_other_formats_reports_dangling_refs(
    run: Run, write: Write
) -> None:
    path = write("a.zinc", 'ver:"3.0"\nid,siteRef,refs\n@a,@a,[@b]\n')
    out = run("haystack_load", path, dry_run=True)
    assert re.search(r"a\.zinc, row 1: refs of @a is @b\n", out)
    assert "Refs" not in run("haystack_load", path)


@pytest.mark.parametrize(
    "content",
    [
        "id,dis,tags,mod\n@a,A,point,2024-01-01T00:00:00Z UTC\n",
        'id,dis,tags,site\n@a,"5",point,✓\n',
        "id,dis\n@a,5x\n",
        "dis,num\nA,5kW\n",
    ],
)
def test_csv_of_our_own_is_read_as_ever(run: Run, write: Write, content: str) -> None:
    out = run("haystack_load", write("a.csv", content))
    assert out.startswith("1 entities from 1 files: 1 created")


def test_our_own_dump_has_quotes_that_tell_kinds(load: Load) -> None:
    found = load('id,code,tags,mod\n@a,"5",point,2024-01-01T00:00:00Z UTC\n')
    assert found == {"a": {"code": "5", "tags": "point"}}


@pytest.mark.parametrize(
    "content",
    [
        "id,dis,point\na,A,M\n",
        "id,dis,point\n@a,A,M\n",
        "dis,point\nA,x\n",
        "id,dis,tags\n@a,A,point\n",
        '"id","dis","point"\n"@a A","A","✓"\n',
    ],
)
def test_names_of_tags_with_cells_of_others(
    run: Run, adapter: StorageAdapter, write: Write, content: str
) -> None:
    run("haystack_load", write("a.csv", content))
    (record,) = adapter.scan()
    assert record["dis"] == "A"
    assert record["point"] is MARKER


def test_a_date_time_has_its_zone(load: Load) -> None:
    at = dt.datetime(2024, 3, 31, 12, tzinfo=dt.UTC)
    found = load(
        "id;since (DateTime);at (Time);list (List)\n"
        "a;2024-03-31T08:00:00-04:00 New_York;7:30;[1, 2]\n"
    )
    assert found["a"] == {
        "since": DateTime(at, "New_York"),
        "at": dt.time(7, 30),
        "list": [Number(1), Number(2)],
    }
    with pytest.raises(CommandError, match="expected a DateTime such as"):
        load("id;since (DateTime)\na;2024-03-31 08:00\n")
    with pytest.raises(CommandError, match="expected a List in Zinc"):
        load("id;list (List)\na;1, 2\n")


def test_keys_without_a_column_are_kept(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    grids = {
        "a.json": '{"_kind":"grid","cols":[{"name":"id"}],"rows":[{"id":{"_kind":'
        '"ref","val":"a"},"dis":"A","n":5}]}',
        "b.json": '{"meta":{"ver":"3.0"},"cols":[{"name":"id"}],'
        '"rows":[{"id":"r:b","dis":"s:B"},{"id":"r:c"}]}',
    }
    paths = [write(name, text) for name, text in grids.items()]
    out = run("haystack_load", *paths)
    assert "3 values of keys that no column of the JSON names were kept: dis (2)" in out
    a, b, _ = map(tags_of, adapter.scan())
    assert a == {"id": Ref("a"), "dis": "A", "n": Number(5)}
    assert b == {"id": Ref("b"), "dis": "B"}
    invalid = grids["a.json"].replace('"n":5', '"Was?":5')
    with pytest.raises(CommandError, match="invalid column name"):
        run("haystack_load", write("c.json", invalid))


def test_a_download_comes_back(
    run: Run, adapter: StorageAdapter, tmp_path: Path
) -> None:
    """Its cells are safe for spreadsheets, and have the same values."""
    texts = ["72", "=1+1", "'=x", "''@a", "'a", "-", "@a b", "true", " x", "a,b", ""]
    tricky = [{"id": Ref(f"t{at}"), "own": text} for at, text in enumerate(texts)]
    adapter.load_entities([*demo.entities(), *tricky])
    records = [dict(record) for record in adapter.scan()]
    cols = [Col(name) for name in column_order(set().union(*records))]
    path = tmp_path / "a.csv"
    path.write_text("".join(csv_writer.download_chunks(Grid(cols, records))))
    assert "'@t1,'=1+1" in path.read_text().replace(",,", "").replace('"', "")
    run("haystack_load", path)
    assert [dict(record) for record in adapter.scan()] == records


def test_a_dump_that_a_spreadsheet_saved(
    run: Run, adapter: StorageAdapter, tmp_path: Path
) -> None:
    """With semicolons, and without the quotes that tell kinds."""
    adapter.load_entities(demo.entities())
    before = [tags_of(record) for record in adapter.scan()]
    dump, saved = tmp_path / "dump.csv", tmp_path / "saved.csv"
    run("haystack_dump", output=dump, format="csv")
    with dump.open(newline="") as source, saved.open("w", newline="") as target:
        csv.writer(target, delimiter=";").writerows(csv.reader(source))
    run("haystack_load", saved)
    assert [tags_of(record) for record in adapter.scan()] == before


def test_a_tag_of_several_kinds_has_the_kind_of_each_cell(load: Load) -> None:
    """Where the def allows several; other columns that mix kinds are of Strs."""
    found = load("id;curVal;other\na;21.5°C;21.5°C\nb;true;true\nc;NA x;\n")
    assert found["a"] == {"curVal": Number(21.5, "°C"), "other": "21.5°C"}
    assert found["b"] == {"curVal": True, "other": "true"}
    assert found["c"] == {"curVal": "NA x"}


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3 kW"], "number"),
        (["1e3", "-"], "number"),
        (["1", "01"], "str"),
        (["+1 804 555", "1"], "str"),
        (["5 apples"], "str"),
        (["true", "FALSE"], "bool"),
        (["true", "x"], "str"),
        (["x", "X", "✓"], "marker"),
        (["@a", "@b B"], "ref"),
        (["ftp://a/b"], "uri"),
        (["2020-01-31", "01.02.2003"], "date"),
        (["07:30", "08:00:01"], "time"),
        (["2024-03-31T08:00:00-04:00 New_York"], "dateTime"),
        (["2024-03-31 08:00"], "str"),
        (["C(1,2)"], "coord"),
        (["[1, 2]"], "list"),
        (["{a:1}"], "dict"),
        (["[1, "], "str"),
        (['Color("red")'], "xstr"),
        (['<<ver:"3.0"\na\n1\n>>'], "grid"),
        (["NA", "5", "NA"], "number"),
        (["NA", "US"], "str"),
        (["NA"], "na"),
        (["^hot-water"], "symbol"),
        ([], "str"),
    ],
)
def test_guesses(cells: list[str], kind: str) -> None:
    assert guessed_kind(cells) == kind


@given(st.text("'=+-@\t\r\n\"1a✓, "))
def test_safe_cells_are_exact(text: str) -> None:
    safe = csv_writer.safe_cell_text(text)
    (_, cells), *rest = csv_rows(StringIO(f"{safe},x\n", newline="\n"))
    assert not rest
    assert csv_writer.original_text(cells[0]) == text
    assert not re.match(r"[=+\-@\t\r]", cells[0])

"""Loading def records from files: formats, libs, and errors with their position."""

from __future__ import annotations

from pathlib import Path

import pytest

from haystack_app.defs import read_libraries
from haystack_app.kinds import MARKER, Symbol
from haystack_app.wire.files import UnreadableFile

LIB = '--\ndef: ^lib:x\nversion: "1"\n--\n'
DEFS = "def: ^a\nis: ^marker\nmandatory\n--\ndef: ^b\nis: [^a, ^c]\n"
ZINC = 'ver:"3.0"\ndef,is,lib\n^a,^marker,^lib:x\n^b,[^a],^lib:y\n'
HAYSON = (
    '[{"def":{"_kind":"symbol","val":"a"},"is":{"_kind":"symbol","val":"marker"},'
    '"lib":{"_kind":"symbol","val":"lib:x"}}]'
)
HAYSON_GRID = (
    '{"_kind":"grid","meta":{"ver":"3.0"},"cols":[{"name":"def"},{"name":"lib"}],'
    '"rows":[{"def":{"_kind":"symbol","val":"a"},'
    '"lib":{"_kind":"symbol","val":"lib:x"}}]}'
)
JSON3 = '[{"def":"y:a","is":"y:marker","lib":"y:lib:x"}]'
JSON3_GRID = (
    '{"meta":{"ver":"3.0"},"cols":[{"name":"def"},{"name":"lib"}],'
    '"rows":[{"def":"y:a","lib":"y:lib:x"}]}'
)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_folder_belongs_to_the_lib_it_defines(tmp_path: Path) -> None:
    write(tmp_path / "x" / "lib.trio", LIB)
    write(tmp_path / "x" / "a.trio", DEFS + "--\ndefx: ^d\ntagOn: ^a\n")
    write(tmp_path / "y" / "all.trio", LIB.replace("lib:x", "lib:y") + "def: ^e\n")
    libraries = read_libraries([tmp_path])
    assert list(libraries) == ["lib:x", "lib:y"]
    a, b, d, lib = libraries["lib:x"]
    assert a == {
        **{"def": Symbol("a"), "is": Symbol("marker")},
        **{"mandatory": MARKER, "lib": Symbol("lib:x")},
    }
    assert b["is"] == [Symbol("a"), Symbol("c")]
    assert d["defx"] == Symbol("d") and d["lib"] == Symbol("lib:x")
    assert lib["def"] == lib["lib"] == Symbol("lib:x")
    assert [record["def"].name for record in libraries["lib:y"]] == ["lib:y", "e"]


def test_one_file_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "lib.trio", LIB)
    file = write(tmp_path / "a.trio", DEFS)
    assert [record["def"].name for record in read_libraries([file])["lib:x"]] == [
        "a",
        "b",
    ]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    file = write(tmp_path / "all.trio", LIB + DEFS)
    assert len(read_libraries([tmp_path, file])["lib:x"]) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", HAYSON),
        ("a.json", HAYSON_GRID),
        ("a.json", JSON3),
        ("a.json", JSON3_GRID),
        ("a.JSON", "\ufeff" + HAYSON),
    ],
)
def test_json(tmp_path: Path, name: str, text: str) -> None:
    [record] = read_libraries([write(tmp_path / name, text)])["lib:x"]
    assert record["def"] == Symbol("a")


def test_zinc(tmp_path: Path) -> None:
    libraries = read_libraries([write(tmp_path / "a.zinc", ZINC)])
    assert libraries == {
        "lib:x": [{"def": Symbol("a"), "is": Symbol("marker"), "lib": Symbol("lib:x")}],
        "lib:y": [{"def": Symbol("b"), "is": [Symbol("a")], "lib": Symbol("lib:y")}],
    }


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.trio", LIB + "is: ^b\n", "a.trio, record 2: a def must have the tag def"),
        ("a.trio", LIB + 'def: "b"\n', "a.trio, record 2: def must be a Symbol"),
        ("a.trio", LIB + DEFS + "is: [\n", r"a.trio, line \d+.*: "),
        (
            "a.trio",
            "def: ^a\nis: ^marker\n",
            r"a.trio, record 1: \^a: missing tag lib, and the folder does not define",
        ),
        (
            "a.trio",
            LIB + LIB.replace("lib:x", "lib:y"),
            r"a.trio, record 2: \^lib:y: the folder already defines \^lib:x",
        ),
        ("a.zinc", ZINC + "^c\n", "a.zinc, line 5.*expected 3 cells"),
        (
            "a.zinc",
            ZINC + "^b,,\n",
            r"a.zinc, record 3: \^b is already defined in .*record 2",
        ),
        ("a.json", "{}", "a.json, the root: expected a grid or a list of dicts"),
        ("a.json", "[5]", r"a.json, \[0\]: expected a dict of tags"),
        ("a.json", "[{]", "a.json, line 1, column 3: invalid JSON"),
        ("a.txt", "", "a.txt: the name must end in .trio or .zinc or .json"),
    ],
)
def test_invalid_files(tmp_path: Path, name: str, text: str, fault: str) -> None:
    with pytest.raises(UnreadableFile, match=fault) as caught:
        read_libraries([write(tmp_path / name, text)])
    assert "\n" not in str(caught.value)


def test_duplicate_symbol_names_both_files(tmp_path: Path) -> None:
    first = write(tmp_path / "x" / "a.trio", LIB + DEFS)
    second = write(
        tmp_path / "y" / "b.trio", LIB.replace("lib:x", "lib:y") + "def: ^a\n"
    )
    with pytest.raises(UnreadableFile) as caught:
        read_libraries([first, second])
    assert (
        str(caught.value)
        == f"{second}, record 2: ^a is already defined in {first}, record 2"
    )


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file or folder"):
        read_libraries([tmp_path / "nothing"])
    with pytest.raises(
        UnreadableFile, match=r"no .trio or .zinc or .json file in this folder"
    ):
        read_libraries([tmp_path])
    (tmp_path / "a.trio").write_bytes(b"def: ^a\xff")
    with pytest.raises(UnreadableFile, match="byte 7: invalid UTF-8"):
        read_libraries([tmp_path])


def test_the_word_m_in_trio(tmp_path: Path) -> None:
    """A Marker where the shipped def says so, as in files of other tools."""
    path = tmp_path / "lib.trio"
    path.write_text("def:^lib:x\n---\ndef:^big\nis:^marker\nmandatory:M\ndoc:M\n")
    [_, big] = read_libraries([path])["lib:x"]
    assert (big["mandatory"], big["doc"]) == (MARKER, "M")


def test_all_invalid_records_are_listed(tmp_path: Path) -> None:
    path, other = tmp_path / "a.trio", tmp_path / "b.trio"
    path.write_text("def:^a\n---\nx:5zz\n---\ndef:5zz\n")
    other.write_text("def:A\n---\ndoc:none\n---\ndef:^lib:x\n")
    with pytest.raises(UnreadableFile) as caught:
        read_libraries([path, other])
    assert str(caught.value).split("\n") == [
        "4 errors, nothing was stored",
        f'{path}, line 3: x: unknown unit "zz"',
        f'{path}, line 5: def: unknown unit "zz"',
        f'{other}, record 1: def must be a Symbol, not "A"',
        f"{other}, record 2: a def must have the tag def or defx; this one has neither",
    ]

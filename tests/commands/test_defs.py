"""haystack_load_defs and haystack_validate."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from haystack_app import demo
from haystack_app.kinds import MARKER, Number, Ref, Symbol
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from tests.defs.standard import SOURCES, needs_standard

from .conftest import Run

Write = Callable[[str, str | bytes], Path]
TRIO = (
    'def: ^lib:x\nversion: "1"\n--\ndef: ^kiln\nis: ^equip\ndoc: "Burns clay."\n'
    "--\ndefx: ^area\ntagOn: ^kiln\n"
)


def validated(*args: str) -> tuple[str, str]:
    """The output of haystack_validate, and its error."""
    out = StringIO()
    try:
        call_command("haystack_validate", *args, stdout=out, stderr=StringIO())
    except CommandError as err:
        assert err.returncode == 1
        return out.getvalue(), str(err)
    return out.getvalue(), ""


# -- haystack_load_defs -------------------------------------------------------


def test_a_library(run: Run, adapter: StorageAdapter, write: Write) -> None:
    before = len(adapter.namespace())
    out = run("haystack_load_defs", write("x/all.trio", TRIO))
    assert out.splitlines() == [
        "lib:x: 2 defs and 1 extensions",
        "loaded 2 defs and 1 extensions of 1 libs; "
        f"storage 'default' has {before + 2} defs",
    ]
    namespace = adapter.namespace()
    area = namespace.get("area")
    assert area is not None and Symbol("kiln") in area["tagOn"]
    adapter.load_entities([{"id": Ref("k"), "kiln": MARKER}])
    assert [record["id"].id for record in adapter.read("^equip")] == ["k"]


def test_loading_again_replaces_the_library(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    run("haystack_load_defs", write("x/all.trio", TRIO))
    run("haystack_load_defs", write("x/all.trio", "def: ^lib:x\n--\ndef: ^oven\n"))
    namespace = adapter.namespace()
    assert "oven" in namespace and "kiln" not in namespace


def test_zinc_and_json(run: Run, adapter: StorageAdapter, write: Write) -> None:
    zinc = write("a.zinc", 'ver:"3.0"\ndef,is,lib\n^kiln,^equip,^lib:x\n')
    json = write("b.json", '[{"def":"y:oven","is":"y:kiln","lib":"y:lib:y"}]')
    out = run("haystack_load_defs", zinc, json)
    assert "loaded 2 defs of 2 libs" in out
    assert adapter.namespace().supertypes("oven")[:2] == ("kiln", "equip")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TRIO + "--\nis: ^equip\n", "bad.trio, record 4: a def must have the tag def"),
        (
            TRIO + "--\ndef: ^kiln\n",
            r"bad.trio, record 4: \^kiln is already defined in",
        ),
        (TRIO + "--\ndef: ^a\nis: [\n", r"bad.trio, line \d+"),
    ],
)
def test_invalid_file_loads_nothing(
    run: Run, adapter: StorageAdapter, write: Write, text: str, message: str
) -> None:
    good = write("good/all.trio", TRIO.replace("lib:x", "lib:y").replace("kiln", "k"))
    before = len(adapter.namespace())
    with pytest.raises(CommandError, match=message) as caught:
        run("haystack_load_defs", good, write("bad.trio", text))
    assert "\n" not in str(caught.value)
    assert len(adapter.namespace()) == before


def test_missing_files(run: Run, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file or folder"):
        run("haystack_load_defs", tmp_path / "nothing")
    with pytest.raises(CommandError, match="no storage 'nope'"):
        run("haystack_load_defs", tmp_path, storage="nope")


@needs_standard
def test_the_standard_libraries(run: Run, adapter: StorageAdapter) -> None:
    out = run("haystack_load_defs", SOURCES)
    assert "of 4 libs" in out and "\nlib:phIoT: " in out
    chiller = adapter.namespace().get("chiller")
    assert chiller is not None and chiller["lib"] == Symbol("lib:phIoT")
    assert "navName" in adapter.namespace()


def test_on_every_database(sql_store: OrmAdapter, write: Write) -> None:
    """Defs loaded by one adapter are visible to another one on the same database."""
    sql_store.load_entities([*demo.entities(), {"id": Ref("k"), "kiln": MARKER}])
    alias = sql_store.using  # storages and databases share names in the tests
    before, out = sql_store.namespace(), StringIO()
    path = str(write("x/all.trio", TRIO))
    call_command("haystack_load_defs", path, storage=alias, stdout=StringIO())
    assert "kiln" in sql_store.namespace() and "kiln" not in before
    with pytest.raises(CommandError, match="2 errors found"):
        call_command("haystack_validate", "kiln", storage=alias, stdout=out)
    assert out.getvalue().splitlines() == [
        "@k",
        "  error    equip: missing, but ^kiln is a subtype of ^equip",
        "  error    siteRef: missing on an equip",
        "1 entities: 2 errors and 0 warnings in 1 of them",
    ]
    call_command("haystack_validate", "not kiln", storage=alias, stdout=out)
    assert ": 0 errors and " in out.getvalue().splitlines()[-1]


# -- haystack_validate --------------------------------------------------------


def test_collection_that_is_impossible(adapter: StorageAdapter) -> None:
    tags = {"point": MARKER, "his": MARKER, "tz": "UTC", "kind": "Number"}
    more = {"hisCollectInterval": Number(7, "min"), "hisStaleTime": "soon"}
    adapter.load_entities([{"id": Ref("p"), **tags, **more}])
    out, error = validated("point")
    assert "errors found" in error
    assert "error    hisCollectInterval: must be seconds that divide a minute" in out
    assert "error    hisStaleTime: must be a duration, such as 1hr, not" in out
    assert "unknown tag" not in out


@pytest.fixture
def faulty(adapter: StorageAdapter) -> StorageAdapter:
    at_site = {"siteRef": Ref("s")}
    adapter.load_entities(
        [
            {"id": Ref("s"), "site": MARKER, "dis": "Hall"},
            {"id": Ref("ok"), "equip": MARKER, **at_site},
            {"id": Ref("e"), "equip": MARKER, "dis": "AHU", "siteRef": Ref("no")},
            {"id": Ref("p"), "point": MARKER, "area": "big", "odd": MARKER, **at_site},
            {"id": Ref("w"), "equip": MARKER, "odd": Number(1), **at_site},
            {"id": Ref("gone"), "equip": MARKER, "trash": MARKER},
        ]
    )
    return adapter


def test_report(faulty: StorageAdapter) -> None:
    out, failure = validated()
    assert out.splitlines() == [
        "@e AHU",
        "  error    siteRef: @no not found",
        "@p",
        "  error    area: must be a Number, not Str",
        "  error    kind: missing on a point",
        "  warning  odd: unknown tag: there is no def of this name",
        "@w",
        "  warning  odd: unknown tag: there is no def of this name",
        "5 entities: 3 errors and 2 warnings in 3 of them",
    ]
    assert failure == "3 errors found"


def test_only_errors(faulty: StorageAdapter) -> None:
    out, failure = validated("--severity", "error")
    assert "odd" not in out and "@w" not in out
    assert out.splitlines()[-1] == "5 entities: 3 errors and 2 warnings in 3 of them"
    assert failure == "3 errors found"


def test_a_filter(faulty: StorageAdapter) -> None:
    out, failure = validated("equip and odd")
    assert out.splitlines()[-1] == "1 entities: 0 errors and 1 warnings in 1 of them"
    assert failure == ""
    out, failure = validated("site and")
    assert out == "" and failure.startswith("FILTER: ")


def test_defs_of_the_store_are_used(faulty: StorageAdapter) -> None:
    records = [{"def": Symbol("odd"), "is": Symbol("marker")}]
    faulty.load_defs({"lib:x": records})
    out, _ = validated("odd")
    assert "error    odd: must be a Marker, not Number" in out
    assert "unknown tag" not in out


def test_the_demo(adapter: StorageAdapter) -> None:
    adapter.load_entities(demo.entities())
    out, failure = validated("--severity", "error")
    assert failure == ""
    assert len(out.splitlines()) == 1

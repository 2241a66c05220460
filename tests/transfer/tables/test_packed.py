"""Packed files of all formats, by name, in folders and on standard input."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from haystack_app.storage.base import StorageAdapter

from .conftest import Import

His = Callable[[str], dict[str, Any]]
GRIDS = {
    "a.zinc": 'ver:"3.0" id:@sat\nts,val\n2024-06-15T00:00:00-04:00 New_York,20.5\n',
    "a.trio": '// ver:"3.0" id:@sat\n// ts,val\nts:2024-06-15T00:00:00-04:00 New_York\n'
    "val:20.5\n",
    "a.json": '{"_kind":"grid","meta":{"ver":"3.0","id":{"_kind":"ref","val":"sat"}},'
    '"cols":[{"name":"ts"},{"name":"val"}],"rows":[{"ts":{"_kind":"dateTime",'
    '"val":"2024-06-15T00:00:00-04:00","tz":"New_York"},"val":20.5}]}',
}
EXPECTED = {"2024-06-15T04:00:00": 20.5}


@pytest.mark.parametrize("name", GRIDS)
def test_histories(name: str, load: Import, his: His) -> None:
    load(gzip.compress(GRIDS[name].encode()), name=f"{name}.gz")
    assert his("sat") == EXPECTED


@pytest.mark.parametrize("name", GRIDS)
def test_standard_input(
    name: str, building: StorageAdapter, his: His, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = BytesIO(gzip.compress(GRIDS[name].encode()))
    monkeypatch.setattr("sys.stdin", TextIOWrapper(packed))
    call_command("haystack_his_import", "-", stdout=StringIO())
    assert his("sat") == EXPECTED


def test_entities_of_a_folder(building: StorageAdapter, tmp_path: Path) -> None:
    text = b"dis:New\nid:@new\nsite\n"
    (tmp_path / "a.trio.gz").write_bytes(gzip.compress(text))
    call_command("haystack_load", str(tmp_path), stdout=StringIO())
    assert building.existing("new")["dis"] == "New"


def test_a_grid_that_unpacks_to_far_more(
    load: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haystack_app.transfer.tables.source._WHOLE", 1_000)
    with pytest.raises(CommandError, match="unpacked it is larger than 1,000 bytes"):
        load(gzip.compress(GRIDS["a.zinc"].encode() * 100), name="a.zinc.gz")
    with pytest.raises(CommandError, match="invalid gzip"):
        load(b"no gzip", name="a.zinc.gz")

"""Mapping files: CSV, YAML and JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from .conftest import Import

His = Callable[[str], dict[str, Any]]
TEXT = "Time,P1,On,1,Remarks\n2024-06-15 00:00,250,yes,20.5,x\n"
YAML = (
    "# of the plant\nP1: {id: '@kw', unit: W, factor: 10}\nOn: fan\n1: sat\n"
    "Remarks: null\n"
)
JSON = '[{"header": "P1", "id": "kw", "unit": "W", "factor": 10},' + (
    ' {"header": "On", "id": "fan"}, {"header": "1", "id": "sat"},'
    ' {"header": "Remarks", "id": null}]'
)
BOMB = (
    "P1: {id: &a [x, x], unit: &b [*a, *a, *a, *a], factor: &c [*b, *b, *b, *b, *b],"
    " kind: &d [*c, *c, *c, *c, *c]}\n"
)
AS_DICT = (
    '{"P1": {"id": "kw", "unit": "W", "factor": 10}, "On": "fan", "1": "@sat",'
    ' "Remarks": ""}'
)


@pytest.mark.parametrize(
    ("name", "mapping"),
    [("m.yaml", YAML), ("m.yml", YAML), ("m.json", JSON), ("m.json", AS_DICT)],
)
def test_other_forms_than_csv(
    name: str, mapping: str, load: Import, his: His, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(mapping)
    load(TEXT, "--mapping", str(path), "--convert")
    assert list(his("kw").values()) == [2.5]
    assert list(his("fan").values()) == [True]
    assert list(his("sat").values()) == [20.5]


@pytest.mark.parametrize(
    ("name", "mapping", "message"),
    [
        ("m.yaml", "P1: kw\nP1: sat\n", "header P1 is mapped twice"),
        ("m.yaml", "P1: [kw\n", "line 2: invalid YAML"),
        ("m.yaml", "P1: {id: kw, untis: W}\n", '"P1": expected header, id, .*untis'),
        ("m.yaml", "text\n", "must be a dict of headers, such as"),
        ("m.yaml", "P1: k w\n", '"P1": invalid ref id'),
        ("m.yaml", BOMB, '"P1": expected an id, or texts'),
        ("m.json", '{"P1": ["kw"]}', '"P1": expected an id, or texts'),
        ("m.json", '{"P1": "kw", "P1": "sat"}', "header P1 is mapped twice"),
        ("m.json", "{", "line 1: invalid JSON"),
        ("m.json", '[{"id": "kw"}]', "entry 1: expected header, id"),
        ("m.json", "[" * 100_000, "invalid|recursion"),
        ("m.yaml", "[" * 5_000, "too deep|invalid YAML"),
    ],
)
def test_invalid(
    name: str, mapping: str, message: str, load: Import, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(mapping)
    with pytest.raises(CommandError, match=message):
        load(TEXT, "--mapping", str(path))


@pytest.mark.parametrize("suffix", ["yaml", "json", "csv"])
def test_what_is_saved_is_read_back(
    suffix: str, load: Import, his: His, tmp_path: Path
) -> None:
    given, saved = tmp_path / "given.yaml", tmp_path / f"saved.{suffix}"
    given.write_text(YAML)
    options = ("--mapping", str(given), "--convert")
    load(TEXT, *options, "--dry-run", "--save-mapping", str(saved))
    load(TEXT, "--mapping", str(saved), "--convert")
    assert list(his("kw").values()) == [2.5]
    assert list(his("fan").values()) == [True]


def test_yaml_without_the_extra(
    load: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    path = tmp_path / "m.yaml"
    path.write_text(YAML)
    with pytest.raises(CommandError, match=r"haystack-server\[files\]"):
        load(TEXT, "--mapping", str(path))

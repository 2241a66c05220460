"""Blocks of any page: what they import exists, and settings and filters are valid."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from textwrap import dedent
from typing import Any, NamedTuple

from haystack_app import conf
from haystack_app.filters import parse
from tests.forks import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docker/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
IMPORT = re.compile(
    r"^\s*from (haystack_app[\w.]*) import (?:\(([^)]*)\)|([\w, ]+)$)", re.M
)
SETTING = re.compile(r"^HAYSTACK = (\{.*?^\}|\{.*\}$)", re.M | re.S)


class Block(NamedTuple):
    page: str
    text: str


def blocks() -> Iterator[Block]:
    """Those in fences, and those that are indented; several of these may be one."""
    for path in PAGES:
        page, text = path.name, path.read_text("utf-8")
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
            yield Block(page, block)
        for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M):
            yield Block(page, dedent(block).strip())


def test_what_they_import_exists() -> None:
    found = [
        (block.page, module, name)
        for block in blocks()
        for module, *lists in IMPORT.findall(block.text)
        for name in re.findall(r"\w+", "".join(lists))
    ]
    assert len(found) > 40
    missing = [one for one in found if not exists(*one[1:])]
    assert missing == []


def exists(module: str, name: str) -> bool:
    if hasattr(importlib.import_module(module), name):
        return True
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


def test_settings(settings: Any) -> None:
    found = [
        (block.page, given)
        for block in blocks()
        for given in SETTING.findall(block.text)
    ]
    assert len(found) > 5
    for page, given in found:
        settings.HAYSTACK = ast.literal_eval(given)
        assert list(conf.problems()) == [], page


def test_filters() -> None:
    page = ROOT / "docs/filters.md"
    found = re.findall(r"^    (.+)$", page.read_text("utf-8"), re.M)
    assert len(found) > 5
    for text in found:
        parse(text)

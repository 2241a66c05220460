"""Fixtures that run commands and capture their output."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages

Run = Callable[..., str]


@pytest.fixture
def run(db: None) -> Run:
    def run(name: str, *args: str | Path, **options: object) -> str:
        out = StringIO()
        call_command(name, *map(str, args), stdout=out, stderr=StringIO(), **options)
        return out.getvalue()

    return run


@pytest.fixture
def adapter(db: None) -> StorageAdapter:
    return storages["default"]


@pytest.fixture
def points(adapter: StorageAdapter) -> StorageAdapter:
    """The store with a point of each kind: @num (°F), @flag and @text, in New_York."""
    common = {"point": MARKER, "his": MARKER, "tz": "New_York"}
    adapter.load_entities(
        [
            {"id": Ref("num"), "kind": "Number", "unit": "°F", **common},
            {"id": Ref("flag"), "kind": "Bool", **common},
            {"id": Ref("text"), "kind": "Str", **common},
            {"id": Ref("site"), "site": MARKER},
        ]
    )
    return adapter


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file to the test's folder."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        return path

    return write

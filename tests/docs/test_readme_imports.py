"""The files in the README are imported by its commands."""

from __future__ import annotations

import re
import shlex
import textwrap
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from haystack_app.kinds import Number
from haystack_app.storage.handler import storages
from tests.forks import ROOT

pytestmark = pytest.mark.django_db
TASK = re.compile(r"`(\w+\.csv)`.*?\n\n((?:    .+\n)+)\n    \S+ manage\.py (.+)\n")


def test_the_imports_of_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tasks = TASK.findall((ROOT / "README.md").read_text("utf-8"))
    assert [name for name, _, _ in tasks] == ["AHU1_SAT.csv", "trends.csv"]
    for name, content, command in tasks:
        Path(name).write_text(textwrap.dedent(content), "utf-8")
        words = shlex.split(command)
        assert words.pop() == "--dry-run"
        call_command(*words, stdout=StringIO(), stderr=StringIO())
    store = storages["default"]
    found = {
        record["id"].id: [row["val"] for row in store.his_read(record["id"].id)]
        for record in store.read("point")
    }
    assert found == {
        "ahu-1.sat": [Number(72.4, "°F"), Number(72.6, "°F")],
        "nae01-fc-1.ahu-2.sa-t": [Number(55.2, "°F")],
        "nae01-fc-1.ahu-2.sf-c": [True],
    }

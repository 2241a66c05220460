"""What is installed: dependencies, and the files of the wheel."""

from __future__ import annotations

import ast
import tomllib
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from haystack_app import __version__
from tests.packaging.host import ROOT, documented

OF_PROJECT = {"django-cors-headers", "django-environ"}
"""What only the deployment in project/ imports."""
LEAST = [
    "haystack_app/defs/library/points.trio",
    "haystack_app/kinds/unit_table.txt",
    "haystack_app/py.typed",
    "haystack_app/static/haystack_app/dashboards/main.js",
    "haystack_app/static/haystack_app/explorer/main.js",
    "haystack_app/static/haystack_app/vendor/uplot/LICENSE",
    "haystack_app/templates/haystack_app/dashboards/page.html",
    "haystack_app/templates/haystack_app/explorer/page.html",
]


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return found["project"]  # type: ignore[no-any-return]


def pins() -> dict[str, Requirement]:
    files = ("requirements.txt", "requirements-docs.txt")
    lines = chain(*((ROOT / name).read_text().splitlines() for name in files))
    parsed = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(one.name): one for one in parsed}


def ranges() -> dict[str, Requirement]:
    extras = project()["optional-dependencies"].values()
    lines = chain(project()["dependencies"], *extras)
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one for one in parsed}


def test_each_pin_lies_in_its_range() -> None:
    assert pins().keys() - ranges().keys() == OF_PROJECT
    for name, allowed in ranges().items():
        [pin] = pins()[name].specifier
        assert pin.operator == "=="
        assert allowed.specifier.contains(pin.version), f"{allowed} without {pin}"
        assert allowed.extras == pins()[name].extras
        assert {one.operator for one in allowed.specifier} >= {">="}


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    tree = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "haystack_app").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    packed = {name for name in names if ".dist-info/" not in name}
    assert packed == tree
    assert packed >= set(LEAST)
    assert f"haystack_server-{__version__}.dist-info/METADATA" in names


def test_the_lines_of_the_document_are_few() -> None:
    assert documented().keys() == {"settings.py", "urls.py", "asgi.py"}
    counts = [len(ast.parse(text).body) for _, text in documented().values()]
    assert sum(counts) <= 12

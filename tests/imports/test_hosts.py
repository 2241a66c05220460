"""Hosts that do not share the folder of uploads say so, and store nothing wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from haystack_app.host_checks import check_uploads
from haystack_app.models import FileImport
from haystack_app.storage.handler import storages
from tests.imports.conftest import TRENDS, Imports, run_jobs


@pytest.fixture
def elsewhere(settings: Any, tmp_path: Path) -> Any:
    """Go on as another host, with a folder of its own."""

    def go_on() -> None:
        folder = str(tmp_path / "other-host")
        settings.HAYSTACK = {**settings.HAYSTACK, "IMPORTS_DIR": folder}

    return go_on


def found() -> list[str]:
    return [f"{one.id} {one.msg}" for one in check_uploads(databases=["default"])]


def test_corrections_and_the_start_are_refused(
    imports: Imports, elsewhere: Any
) -> None:
    id = imports.uploaded(TRENDS)["id"]
    imports.corrected(id, skipBad="2")
    assert found() == []
    elsewhere()
    for answer in (imports.correct(id, skipBad="3"), imports.start(id)):
        assert answer.status_code == 400
        assert "must share the folder" in answer.json()["dis"]
    [message] = found()
    assert message.startswith("haystack.W014 1 uploaded files are not in the folder")


def test_a_part_does_not_follow_zeros(imports: Imports, elsewhere: Any) -> None:
    text = TRENDS.encode()
    half = len(text) // 2
    id = imports.upload(text[:half], size=len(text)).json()["id"]
    elsewhere()
    path = f"{imports.root}{id}/parts/?offset={half}"
    answer = imports.client.post(path, text[half:], "application/octet-stream")
    assert answer.status_code == 400
    assert "must share the folder" in answer.json()["dis"]
    assert FileImport.objects.get().received == half


def test_a_job_that_has_begun_elsewhere_fails(imports: Imports, elsewhere: Any) -> None:
    id = imports.uploaded(TRENDS)["id"]
    imports.corrected(id, skipBad="2")
    assert imports.start(id).status_code == 202
    elsewhere()
    run_jobs()
    job = imports.get(id)["job"]
    assert job["status"] == "failed"
    assert "IMPORTS_DIR" in job["errors"][0]["message"]
    assert list(storages["default"].his_read("sat")) == []


def test_other_databases_are_not_asked(imports: Imports) -> None:
    imports.uploaded(TRENDS)
    assert list(check_uploads(databases=["other"])) == []
    assert list(check_uploads()) == []

"""Uploads of files over the API, and the worker that does their jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from haystack_app.jobs.local import name_of_process
from haystack_app.jobs.worker import Worker
from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.conftest import logged_in
from tests.storage.building import entity, point

TRENDS = """Timestamp,Supply Temp (°C),Fan
2024-03-01 08:00,20.5,true
2024-03-01 08:15,21,true
2024-03-01 08:30,broken,false
2024-03-01 08:45,21.5,false
2024-03-01 09:00,22,maybe
"""
"""Two rows are invalid."""


class Imports:
    """One user's imports into a project."""

    def __init__(self, client: Client, project: str = "") -> None:
        self.client = client
        self.root = f"/api/{project}/imports/" if project else "/api/imports/"

    def upload(self, text: str | bytes, name: str = "trends.csv", **query: Any) -> Any:
        body = text.encode() if isinstance(text, str) else text
        path = f"{self.root}?{urlencode({'name': name, **query})}"
        return self.client.post(path, body, "application/octet-stream")

    def uploaded(self, text: str | bytes, name: str = "trends.csv") -> Any:
        answer = self.upload(text, name)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def correct(self, id: int, **corrections: Any) -> Any:
        body = json.dumps(corrections)
        return self.client.patch(f"{self.root}{id}/", body, "application/json")

    def corrected(self, id: int, **corrections: Any) -> Any:
        answer = self.correct(id, **corrections)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def start(self, id: int) -> Any:
        return self.client.post(f"{self.root}{id}/start/")

    def done(self, id: int) -> Any:
        """Import the file, and return the job."""
        answer = self.start(id)
        assert answer.status_code == 202, answer.content
        run_jobs()
        return self.get(id)["job"]

    def get(self, id: int) -> Any:
        return self.client.get(f"{self.root}{id}/").json()

    def undone(self, id: int) -> Any:
        answer = self.client.post(f"{self.root}{id}/undo/")
        assert answer.status_code == 202, answer.content
        run_jobs()
        return self.client.get(f"/api/jobs/{answer.json()['id']}/").json()


def run_jobs() -> None:
    """Those of any worker, and those of this process."""
    for process in ("", name_of_process()):
        while Worker({"long": 1}, process).run_one(["long"]):
            continue


def fill(store: StorageAdapter) -> None:
    store.load_entities(
        [
            entity("hq", site=MARKER, dis="HQ", tz="UTC"),
            point("sat", dis="Supply Temp", unit="°C", tz="UTC", siteRef=Ref("hq")),
            point("fan", dis="Fan", kind="Bool", tz="UTC", siteRef=Ref("hq")),
        ],
        replace=True,
    )


@pytest.fixture(autouse=True)
def spool(settings: Any, tmp_path: Path) -> Path:
    """The folder of uploads."""
    folder = tmp_path / "spool"
    settings.HAYSTACK = {**settings.HAYSTACK, "IMPORTS_DIR": str(folder)}
    return folder


@pytest.fixture
def imports(db: None) -> Imports:
    """Those of an operator into the default store."""
    fill(storages["default"])
    return Imports(logged_in("alice"))

"""Each curl command of the documentation is pasted, against a server with the demo."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from haystack_app import demo
from haystack_app.storage.handler import storages
from tests.api.conftest import PASSWORD, scram_passwords, user
from tests.api.servers import Servers, url_of
from tests.forks import ROOT
from tests.patience import PATIENCE

__all__ = ["scram_passwords"]

SITE = "http://127.0.0.1:8000"
LOGIN = re.compile(r"\b(\w+):PASSWORD\b")
EXPECTED = {
    'If-Match: "2026-03-01T12:00:00.123Z"': 412,
    "api/users/2/": 409,
    "since=1842": 410,
    "changes/1843/revert/": 404,
}
"""Statuses other than 200 and 201, by a part of the command.

They name what a reader has seen before: an ETag, cursors; and user 2 is the caller.
"""
STREAM = "text/event-stream"
"""What has no end; its begin is enough."""
LOADED = [
    ("haystack_demo", "--days=0"),
    ("haystack_load", str(ROOT / "docs/tutorial/points.csv")),
]
FILES = {"trends.csv": "docs/tutorial/trends.csv"}


class Command(NamedTuple):
    page: str
    text: str


def commands() -> Iterator[Command]:
    """Those that begin a line of a block; an answer below one is not a part of it."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        if path.name == "tutorial.md":
            continue  # tests/docs/test_tutorial.py
        held = ""
        for line in path.read_text("utf-8").splitlines():
            line = line.removeprefix("    ")
            if held or line.startswith("curl "):
                held += f"{line}\n"
                if is_whole(held):
                    yield Command(path.name, held)
                    held = ""


def is_whole(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return not text.endswith("\\\n")


@pytest.fixture
def root(
    transactional_db: None, scram_passwords: None, servers: Servers, tmp_path: Path
) -> str:
    """The address of a server with the demo, whose superusers are demo and boss."""
    now = dt.datetime.now(dt.UTC)
    store = storages["default"]
    for name, *arguments in LOADED:
        call_command(name, *arguments, stdout=StringIO(), stderr=StringIO())
    for record in store.read(
        "discharge and temp and sensor and his and siteRef!=@mill"
    ):
        samples = demo.samples(record, now - dt.timedelta(days=1), now)
        store.his_write(record["id"].id, list(samples))
    for name in ("demo", "boss"):
        user(name, is_staff=True, is_superuser=True)
    for name, source in FILES.items():
        shutil.copyfile(ROOT / source, tmp_path / name)
    actions = "haystack_app.demo.actions"
    return servers.running(url_of("default"), HAYSTACK_ACTIONS=actions).root


def numbered(text: str) -> str:
    """With numbers that do not depend on the tests before: user 2 is the caller, and
    the change log has not come to the cursors yet."""
    caller = User.objects.get(username="boss").pk
    text = text.replace("/users/2/", f"/users/{caller}/")
    last = storages["default"].changes_since(None, 1).cursor
    return re.sub(r"\b184[23]\b", lambda it: str(last + int(it[0])), text)


def test_every_command(root: str, tmp_path: Path) -> None:
    found = list(commands())
    assert len(found) > 20
    failed = []
    for page, text in found:
        pasted = LOGIN.sub(lambda it: shlex.quote(f"{it[1]}:{PASSWORD}"), text)
        pasted = numbered(pasted).replace(SITE, root)
        most = 2 if STREAM in text else PATIENCE
        added = f"curl -s -w '\\n%{{http_code}}' --max-time {most} "
        pasted = pasted.replace("curl ", added, 1)
        done = subprocess.run(
            ["bash", "-c", pasted],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        answer, _, status = done.stdout.rpartition("\n")
        wanted = next((code for part, code in EXPECTED.items() if part in text), None)
        fits = (
            status == str(wanted) if wanted else status in ("200", "201", "202", "204")
        )
        if not fits or re.match(r'ver:"3.0"[^\n]* err\b', answer):
            failed.append(f"{page}: {text}{status} {answer[:300]}")
    assert not failed, "\n".join(failed)

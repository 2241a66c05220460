"""The image's own steps, in a folder instead of a container: build, migrate, serve.

The paths of the Dockerfile get that folder in front of them; everything else is
done as it is written there. It installs the packages anew, which takes a while.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from haystack_app.serving.health import READY
from tests.api.conftest import basic
from tests.api.servers import Server
from tests.docker import files, production
from tests.outages.services import Postgres, Redis, running
from tests.outages.site import Site
from tests.patience import PATIENCE

BEHIND_PROXY = {
    "Host": "localhost",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "192.0.2.1",
}
PATHS = ("/opt/venv", "/srv/haystack", "/var/lib/haystack", "/tmp/var")


class Image:
    """A folder with what the build puts into the image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workdir = Path(self.placed(files.last("WORKDIR").text))
        self.bin = folder / "opt/venv/bin"

    def placed(self, text: str) -> str:
        for path in PATHS:
            text = text.replace(path, f"{self.folder}{path}")
        return text

    def build(self) -> None:
        """The first stage; the last one copies its result and makes a user."""
        self.workdir.mkdir(parents=True)
        for one in files.dockerfile():
            if one.stage == 0 and one.name == "RUN":
                self.run(one.text)
            elif one.stage == 0 and one.name == "COPY":
                self.copy(*one.words)

    def copy(self, *words: str) -> None:
        *sources, target = words
        for source in sources:
            if (files.ROOT / source).is_dir():
                shutil.copytree(files.ROOT / source, self.workdir / target)
            else:
                shutil.copy(files.ROOT / source, self.workdir / target)

    def run(self, text: str) -> None:
        # pip's cache saves the downloads of one test from the next
        command = self.placed(text).replace("--no-cache-dir ", "")
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "HOME", "XDG_"))
        }
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.workdir,
            # modules are compiled when they are imported, and most of them never are
            env={**kept, "PATH": path, "PIP_NO_COMPILE": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def environ(self, service: str, secrets: Path, **places: str) -> dict[str, str]:
        """That of the service's container, with its servers where ``places`` says."""
        given = production.variables(service, secrets)
        del given["DATABASE_URL"], given["REDIS_URL_FILE"]
        inside = {name: self.placed(value) for name, value in given.items()}
        return {**inside, **places, "PATH": f"{self.bin}:/usr/bin:/bin"}

    def ask(self, words: list[str], environ: dict[str, str]) -> int:
        return subprocess.run(
            words, cwd=self.workdir, env=environ, capture_output=True
        ).returncode


@pytest.fixture
def places() -> Iterator[dict[str, str]]:
    with running(Postgres) as postgres, running(Redis) as redis:
        yield {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}


def test_the_image_serves(places: dict[str, str], tmp_path: Path) -> None:
    secrets = production.made_secrets(tmp_path)
    image = Image(tmp_path / "image")
    image.build()
    assert (image.workdir / "static/admin/css/base.css.gz").is_file()
    (image.folder / "var/lib/haystack").mkdir(parents=True)
    migrate = files.compose()["services"]["migrate"]["command"]
    assert image.ask(migrate, image.environ("migrate", secrets, **places)) == 0
    with psycopg.connect(places["DATABASE_URL"]) as connection:
        users = connection.execute("SELECT username FROM auth_user").fetchall()
        assert users == [("admin",)]
    server = Server("", tmp_path)
    server.environ = image.environ("app", secrets, **places)
    server.cwd = image.workdir
    _, *options = production.serving()
    server.command = [str(image.bin / files.command()[0]), *options]
    check = production.checking(server.port)
    assert image.ask(check, server.environ) != 0
    with server:
        assert image.ask(check, server.environ) == 0
        answers(Site(server, {}), (secrets / "superuser_password").read_text().strip())
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
    assert image.ask(check, server.environ) != 0


def answers(at: Site, password: str) -> None:
    ready = at.ask(READY)
    assert ready.status == 200, ready.text
    assert set(ready.json["checks"].values()) == {"ok"}
    assert set(ready.json["checks"]) == {
        "database",
        "migrations",
        "redis",
        "channelLayer",
    }
    assert at.ask("/", Host="localhost").status == 301  # to HTTPS
    assert at.ask("/", **BEHIND_PROXY).status == 200
    assert at.ask("/", **{**BEHIND_PROXY, "Host": "other.example"}).status == 400
    assert at.ask("/static/admin/css/base.css", **BEHIND_PROXY).status == 200
    assert at.ask("/static/haystack_app/mark.svg", **BEHIND_PROXY).status == 200
    about = at.ask("/api/about", **BEHIND_PROXY, **basic("admin", password))
    assert about.status == 200
    assert "haystackVersion" in about.text

"""A project that is not ours, with the lines of docs/embedding.md and the wheel.

Its Python is that of ``HOST_PYTHON``: an environment where ``HOST_WHEEL`` is
installed with its dependencies and nothing else, as ``make package`` makes it.
Without these variables the wheel is built here, and the environment borrows all
other packages from that of the tests.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "embedding.md"
NAME = "hall"
PREFIX = "/bms"
PASSWORD = "correct horse battery"

_MARKER = {"_kind": "marker"}
_HALL = {"_kind": "ref", "val": "hall"}
_ENTITIES = [
    {"id": _HALL, "dis": "Hall", "site": _MARKER},
    {
        "id": {"_kind": "ref", "val": "air"},
        "dis": "Air",
        "siteRef": _HALL,
        "kind": "Number",
        "unit": "°C",
        "tz": "Berlin",
        **dict.fromkeys(("point", "cur", "his"), _MARKER),
    },
]

_BLOCK = re.compile(r"```python\n# (\w+\.py), ([^\n]+)\n(.+?)```", re.DOTALL)


def documented() -> dict[str, tuple[str, str]]:
    """Where each of the files of a project gets which lines."""
    blocks = _BLOCK.findall(DOCUMENT.read_text())
    return {file: (place, lines) for file, place, lines in blocks}


def built_wheel(folder: Path) -> Path:
    """The wheel of the tree, built with the packages that are installed."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    _run([*command, "--outdir", str(folder), str(ROOT)], cwd=folder)
    [wheel] = folder.glob("*.whl")
    return wheel


def python_with(wheel: Path, folder: Path) -> Path:
    """The Python of a new environment with the wheel and the tests' packages."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=paths))
    (packages / "tests.pth").write_text(sysconfig.get_path("purelib"))
    _run(
        [
            *(sys.executable, "-m", "pip", f"--python={python}", "install"),
            *("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"),
            *("--root-user-action=ignore", "--no-compile", str(wheel)),
        ]
    )
    return python


def _run(command: list[str], **options: Any) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Host:
    """A project in a folder, made by ``startproject``."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.python, self.folder = python, folder
        self.environ = {"PATH": os.environ["PATH"]}
        self.run("-m", "django", "startproject", NAME, ".")
        for file, (place, lines) in documented().items():
            self.write(file, place, lines)

    def write(self, file: str, place: str, lines: str) -> None:
        path = self.folder / NAME / file
        text = path.read_text()
        if place == "at the end":
            text += lines
        else:
            module = place.removeprefix("in place of the same name from ")
            text, count = re.subn(rf"from {re.escape(module)} import .+\n", lines, text)
            assert count == 1, f"{file}: {place}"
        path.write_text(text)

    def settings(self, lines: str) -> None:
        """More of them, which the document does not have."""
        with (self.folder / NAME / "settings.py").open("a") as file:
            file.write(lines)

    def add_app(self, name: str, **files: str) -> None:
        """An app of the project's own; ``files`` are its modules."""
        folder = self.folder / name
        (folder / "migrations").mkdir(parents=True)
        (folder / "migrations" / "__init__.py").touch()
        for module, text in files.items():
            (folder / f"{module}.py").write_text(text)

    def migrate(self, **superuser: str) -> None:
        """Make the tables, and a superuser with ``PASSWORD``."""
        self.manage("makemigrations", "people")
        self.manage("migrate")
        options = [f"--{name}={value}" for name, value in superuser.items()]
        self.manage(
            *("createsuperuser", "--noinput", *options),
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )

    def run(self, *arguments: str, **environ: str) -> str:
        return _run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={**self.environ, **environ},
        )

    def manage(self, *arguments: str, **environ: str) -> str:
        return self.run("manage.py", *arguments, **environ)


class HostServer:
    """The host under uvicorn; leaving the context ends it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.root = f"http://127.0.0.1:{self.port}{PREFIX}"
        self.log = host.folder / "server.log"

    def __enter__(self) -> Self:
        options = ["--lifespan", "off", "--no-proxy-headers", "--port", str(self.port)]
        application = f"{NAME}.asgi:application"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(self.host.python), "-m", "uvicorn", application, *options],
                cwd=self.host.folder,
                env=self.host.environ,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.kill()
        self.process.wait(10)

    def _answers(self) -> bool:
        with socket.socket() as tried:
            tried.settimeout(1)
            return tried.connect_ex(("127.0.0.1", self.port)) == 0


@dataclass(frozen=True, slots=True)
class Site:
    """A host that is served, and its superuser."""

    server: HostServer
    username: str

    def __post_init__(self) -> None:
        """Add a site and a point of it."""
        status, text = self.post("/api/entities/", _ENTITIES)
        assert status == 201, text

    @property
    def login(self) -> dict[str, str]:
        """A header, by HTTP Basic."""
        pair = base64.b64encode(f"{self.username}:{PASSWORD}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text, of a path below the prefix."""
        url = self.server.root + path
        return _answer(urllib.request.Request(url, None, {**self.login, **headers}))

    def post(self, path: str, body: Any) -> tuple[int, str]:
        """JSON, or text as Zinc."""
        is_zinc = isinstance(body, str)
        content_type = "text/zinc" if is_zinc else "application/json"
        data = body if is_zinc else json.dumps(body)
        headers = {**self.login, "Content-Type": content_type}
        url = self.server.root + path
        return _answer(urllib.request.Request(url, data.encode(), headers))


def _answer(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()

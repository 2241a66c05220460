"""Servers in processes of their own, on one of the databases of the tests."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connections

from haystack_app.auth import tokens
from haystack_app.kinds import Grid
from haystack_app.models import Token
from haystack_app.wire import hayson_reader, hayson_writer
from tests.conftest import ALIASES

ROOT = Path(__file__).resolve().parents[2]


def databases(*names: str) -> list[Any]:
    """Aliases as parameters of a fixture that takes ``transactional_db`` by name.

    One whose server is not there is skipped with the reason.
    """
    missing = settings.MISSING_SERVICES
    return [
        pytest.param(
            ALIASES[name],
            id=name,
            marks=[
                pytest.mark.skipif(
                    name in missing, reason=missing.get(name, "it is there")
                ),
                pytest.mark.django_db(
                    transaction=True,
                    databases=sorted(
                        {"default"} if name in missing else {"default", ALIASES[name]}
                    ),
                ),
            ],
        )
        for name in names
    ]


def make_user(
    alias: str, name: str, password: str, role: str = "", **flags: Any
) -> Any:
    """A user in one of the databases, in the group of a role."""
    users = get_user_model()._default_manager.db_manager(alias)
    made = users.create_user(name, password=password, **flags)
    if role:
        made.groups.add(Group.objects.using(alias).get(name=role))
    return made


def token_of(user: Any, scope: str) -> str:
    """An API token of a user, in the user's database."""
    token = Token(user=user, name=scope, scope=scope)
    secret = tokens.seal(token)
    token.save(using=user._state.db)
    return secret


class Caller:
    """Calls ops of a server over one connection, with a token."""

    def __init__(self, port: int, token: str) -> None:
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, op: str, request: Grid) -> Grid:
        """The answer, an error grid perhaps. Raises OSError or HTTPException."""
        body = hayson_writer.grid_text(request).encode()
        self.connection.request("POST", f"/api/{op}", body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return hayson_reader.read_grid(text)


def url_of(alias: str) -> str:
    """``DATABASE_URL`` of the database that the tests use now."""
    at = connections[alias].settings_dict
    if connections[alias].vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    login = ":".join(quote(at[key]) for key in ("USER", "PASSWORD") if at[key])
    return f"postgresql://{login}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


class Server:
    """One uvicorn process; leaving the context ends it.

    ``environ`` is more of its environment.
    """

    def __init__(self, url: str, folder: Path, **environ: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.root = f"http://127.0.0.1:{self.port}"
        options = ["--port", str(self.port), "--lifespan", "off", "--no-access-log"]
        options += ["--ws-per-message-deflate", "false"]
        application = "project.asgi:application"
        self.command = [sys.executable, "-m", "uvicorn", application, *options]
        self.cwd = ROOT
        self.log = folder / f"server-{self.port}.log"
        self.environ = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": url,
            "SECRET_KEY": settings.SECRET_KEY,  # tokens of the tests are valid there
            "VAR_DIR": str(folder),
            "HAYSTACK_THROTTLE": "off",
            "HAYSTACK_TICK_SECONDS": "0",
            "HAYSTACK_SCRAM_ITERATIONS": "4096",
            **environ,
        }

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.environ,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.kill()
        self.process.wait(10)

    def answers(self) -> bool:
        with socket.socket() as tried:
            tried.settimeout(1)
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

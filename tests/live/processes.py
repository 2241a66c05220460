"""A server in a process of its own that may stop and start again, and its writer."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client

from haystack_app.models import Token
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.servers import Server, Servers, url_of
from tests.patience import PATIENCE

__all__ = ["Restartable", "restartable", "session_cookie"]


@dataclass(slots=True)
class Restartable:
    """``token`` is one of a user who may write, ``alias`` is the database of users."""

    server: Server
    token: str
    alias: str = "default"
    store: StorageAdapter = field(default_factory=lambda: storages["default"])

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}/ws/"

    def start(self) -> None:
        self.server.__enter__()

    def stop(self) -> None:
        self.server.__exit__()

    def post(self, op: str, *lines: str, meta: str = "") -> None:
        """Call an op with the lines of a Zinc grid, its columns first."""
        request = urllib.request.Request(
            f"{self.server.root}/api/{op}",
            "\n".join([f'ver:"3.0" {meta}'.strip(), *lines, ""]).encode(),
            {"Content-Type": "text/zinc", "Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read().decode()
        assert "err" not in text.split("\n", 1)[0], text

    def write(self, *rows: str) -> None:
        """Set current values: rows of an id, a value and a status."""
        self.post("curWrite", "id,val,status", *rows)


def restartable(
    servers: Servers, settings: Any, name: str, alias: str = "default", **environ: str
) -> Restartable:
    """On a database of the test, for a user who is there."""
    server = servers.running(url_of(alias), **environ)
    settings.SECRET_KEY = server.environ["SECRET_KEY"]  # it knows log-ins of ours
    token = token_of(_user(name, alias), Token.WRITE)
    return Restartable(server, token, alias)


def session_cookie(name: str, alias: str = "default") -> str:
    """The key of a new session of a user, in the user's database."""
    client = Client()
    client.force_login(_user(name, alias))
    key = client.cookies["sessionid"].value
    if alias != "default":
        Session.objects.get(session_key=key).save(using=alias, force_insert=True)
    return key


def _user(name: str, alias: str) -> Any:
    return get_user_model()._default_manager.using(alias).get(username=name)

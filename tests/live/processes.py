"""A server in a process of its own that may stop and start again, and its writer."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client

from haystack_app.auth import tokens
from haystack_app.models import Token
from tests.api.servers import Server, Servers, url_of
from tests.patience import PATIENCE

__all__ = ["Restartable", "restartable", "session_cookie"]


@dataclass(slots=True)
class Restartable:
    """``token`` is one of a user who may write."""

    server: Server
    token: str

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
    servers: Servers, settings: Any, name: str, **environ: str
) -> Restartable:
    """On the database of the test, for a user who is there."""
    server = servers.running(url_of("default"), **environ)
    settings.SECRET_KEY = server.environ["SECRET_KEY"]  # it knows log-ins of ours
    user = get_user_model().objects.get(username=name)
    token = Token(user=user, name="writer", scope=Token.WRITE)
    secret = tokens.create_secret(token)
    token.save()
    return Restartable(server, secret)


def session_cookie(name: str) -> str:
    """The key of a new session of a user."""
    client = Client()
    client.force_login(get_user_model().objects.get(username=name))
    return client.cookies["sessionid"].value

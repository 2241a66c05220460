"""A server with second factors and a company's log-in, and a browser without a screen."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from tests.api.servers import Server
from tests.forks import run

__all__ = ["PASSWORD", "Browser", "site", "totp"]

PASSWORD = "a fairly long pass-phrase"
_USERS = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
for name, group in {users!r}.items():
    user = get_user_model().objects.create_user(
        name, f"{{name}}@example.org", {password!r}, is_staff=group == "admin"
    )
    user.groups.add(Group.objects.get(name=group))
"""


@contextmanager
def site(folder: Path, users: dict[str, str], **environ: str) -> Iterator[Server]:
    """A server with a database of its own, and users by the names of their groups."""
    url = f"sqlite:///{folder}/site.sqlite3"
    server = Server(url, folder, HAYSTACK_SECOND_FACTOR="true", **environ)
    text = _USERS.format(users=users, password=PASSWORD)
    for words in (["migrate", "--verbosity", "0"], ["shell", "-c", text]):
        manage(server, words)
    with server:
        yield server


def manage(server: Server, words: list[str]) -> str:
    """Run a management command on the site's database; returns what it prints."""
    done = run(["manage.py", *words], server.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def totp(secret: str, at: float | None = None) -> str:
    """The code of an authenticator app. Source: RFC 6238.

    One of now is good for a few seconds more, as people wait for the next one.
    """
    if at is None and (left := 30 - time.time() % 30) < 5:
        time.sleep(left)
    key = base64.b32decode(secret)
    count = int((time.time() if at is None else at) // 30)
    digest = hmac.digest(key, struct.pack(">Q", count), hashlib.sha1)
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


class Browser:
    """Follows links and submits forms, with cookies."""

    def __init__(self, server: Server) -> None:
        self.root = server.root
        self.session = requests.Session()
        self.page: Any = None

    def get(self, path: str, **more: Any) -> Any:
        self.page = self.session.get(urljoin(self.root, path), **more)
        return self.page

    def submit(self, path: str = "", **data: str) -> Any:
        """Post a form with the hidden fields of the page that is shown."""
        hidden = dict(
            re.findall(
                r'<input type="hidden" name="([^"]+)"[^>]* value="([^"]*)"',
                self.page.text,
            )
        )
        hidden = {name: unescape(value) for name, value in hidden.items()}
        url = urljoin(self.page.url, path)
        self.page = self.session.post(
            url, {**hidden, **data}, headers={"Referer": self.page.url}
        )
        return self.page

    def log_in(
        self, name: str, password: str = PASSWORD, path: str = "/log-in/"
    ) -> Any:
        self.get(path)
        return self.submit(username=name, password=password)

    def is_at(self, path: str) -> bool:
        url: str = self.page.url
        return url.removeprefix(self.root).startswith(path)

    def status(self, path: str) -> int:
        answer = self.session.get(urljoin(self.root, path), allow_redirects=False)
        return int(answer.status_code)

    def set_up_app(self) -> str:
        """Set up an authenticator app; returns its secret."""
        self.get("/account/second-factor/totp/activate/")
        if self.is_at("/account/reauthenticate/"):
            self.submit(password=PASSWORD)
        [secret] = re.findall(r'value="([A-Z2-7]{16,})"', self.page.text)
        self.submit(code=totp(secret))
        assert self.page.status_code == 200, self.page.text
        return str(secret)

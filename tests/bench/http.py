"""Requests to the whole WSGI application, in this process.

Not ``django.test.Client``: that keeps the database connection between requests,
which the deployment hands back to its pool.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase
from django.test import Client

from .statements import Query
from .urls import QUERIES

__all__ = ["HAYSON", "TYPES", "ZINC", "Http"]

HAYSON = "application/json"
ZINC = "text/zinc"
TYPES = {"Zinc": ZINC, "Hayson": HAYSON}


class _Application(WSGIHandler):
    """As it is served, but for the token that browsers must send with a form."""

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        request._dont_enforce_csrf_checks = True
        return super().get_response(request)


class Http:
    """A user with a session, and a role."""

    def __init__(self, role: str = "operator") -> None:
        user, _ = get_user_model().objects.get_or_create(username=f"bench {role}")
        user.groups.add(Group.objects.get(name=role))
        login = Client()
        login.force_login(user)
        session = login.cookies["sessionid"].value
        self.app = _Application()
        self.cookie = f"sessionid={session}"

    def get(self, path: str, accept: str = HAYSON, **query: str) -> bytes:
        return b"".join(self.stream(path, accept, **query))

    def stream(self, path: str, accept: str, **query: str) -> Iterator[bytes]:
        return self._ask("GET", path, accept, query=urlencode(query))

    def post(
        self, path: str, body: bytes, accept: str = ZINC, media_type: str = ZINC
    ) -> bytes:
        return b"".join(self._ask("POST", path, accept, body, media_type))

    def rows_of(self, query: Query) -> Callable[[], bytes]:
        """Asks a view of the same login for what one query answers."""
        QUERIES.append(query)
        place = str(len(QUERIES) - 1)
        return lambda: self.get("/bare/rows", query=place)

    def floor(self, size: int, body: bytes = b"") -> Callable[[], bytes]:
        """Asks without a session for constant bytes, which nothing computes."""
        method, path = "POST" if body else "GET", "/bare/bytes"
        query = urlencode({"size": size})
        return lambda: b"".join(
            self._ask(method, path, HAYSON, body, HAYSON, query, cookie="")
        )

    def _ask(
        self,
        method: str,
        path: str,
        accept: str,
        body: bytes = b"",
        media_type: str = "",
        query: str = "",
        cookie: str | None = None,
    ) -> Iterator[bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": media_type,
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_ACCEPT": accept,
            "HTTP_COOKIE": self.cookie if cookie is None else cookie,
            "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        statuses: list[str] = []
        answer = self.app(environ, lambda status, headers: statuses.append(status))
        try:
            if not statuses[0].startswith("200"):
                raise RuntimeError(
                    f"{method} {path}: {statuses[0]}: {b''.join(answer)[:300]!r}"
                )
            yield from answer
        finally:
            answer.close()

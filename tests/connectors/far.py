"""A second server with a database of its own, and a proxy that makes trouble."""

from __future__ import annotations

import datetime as dt
import http.client
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from haystack_app.kinds import MARKER, Grid, Ref
from haystack_app.wire.registry import ZINC
from tests.api.servers import Server
from tests.forks import run
from tests.patience import PATIENCE

__all__ = ["MINUTE", "PASSWORD", "Far", "Proxy", "far_server"]

PASSWORD = "far-Secret-77"
MINUTE = dt.timedelta(minutes=1)
_PREPARE = f"""
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
get_user_model().objects.create_superuser("remote", password={PASSWORD!r})
call_command("haystack_token", "create", "remote", "test", "--scope", "admin")
"""


@dataclass(slots=True)
class Far:
    """A running server; ``call`` is an op with the rights of a superuser."""

    server: Server
    token: str

    @property
    def url(self) -> str:
        return f"{self.server.root}/api"

    def call(self, op: str, text: str, root: str = "") -> Grid:
        request = urllib.request.Request(
            f"{root or self.server.root}/api/{op}",
            text.encode(),
            {
                "Content-Type": "text/zinc",
                "Accept": "text/zinc",
                "Authorization": f"Bearer {self.token}",
            },
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            grid = ZINC.read_bytes(answer.read())
        assert not grid.is_error, grid.meta
        return grid

    def commit(self, how: str, *rows: str) -> Grid:
        return self.call(
            "commit", "\n".join([f'ver:"3.0" commit:"{how}" force', *rows, ""])
        )

    def site(self, name: str, points: int = 3) -> None:
        """A site, an ahu and points ``NAME-0`` .. in °C, in London."""
        site, ahu, marker = Ref(name), Ref(f"{name}-ahu"), MARKER
        rows: list[dict[str, Any]] = [
            {"id": site, "site": marker, "dis": name, "tz": "London"},
            {"id": ahu, "equip": marker, "ahu": marker, "siteRef": site},
        ]
        for number in range(points):
            markers = ("point", "his", "cur", "writable", "sensor", "hisCollectCov")
            row = {
                "id": Ref(f"{name}-{number}"),
                **dict.fromkeys(markers, marker),
                **{"kind": "Number", "unit": "°C", "tz": "London"},
                **{"siteRef": site, "equipRef": ahu, "bacnetConnRef": ahu},
                "dis": f"{name} {number}",
            }
            rows.append(row)
        self.load(rows)

    def load(self, rows: list[dict[str, Any]]) -> None:
        assert ZINC.write
        self.call("load", "".join(ZINC.write(Grid.of(rows))))

    def samples(self, id: str, start: dt.datetime, values: list[float]) -> None:
        """One a minute, in winter: London has UTC then."""
        rows = "".join(
            f"{(start + n * MINUTE).strftime('%Y-%m-%dT%H:%M:%S')}Z London,{value}°C\n"
            for n, value in enumerate(values)
        )
        self.call("hisWrite", f'ver:"3.0" id:@{id}\nts,val\n{rows}')

    def history(self, id: str) -> list[tuple[Any, Any]]:
        request = f'ver:"3.0"\nid,range\n@{id},"1990-01-01,2200-01-01"\n'
        return [(row["ts"].utc, row["val"]) for row in self.call("hisRead", request)]

    def write_cur(self, *rows: str) -> None:
        """Rows of an id, a value and a status."""
        self.call("curWrite", "\n".join(['ver:"3.0"', "id,val,status", *rows, ""]))


def far_server(folder: Path, **environ: str) -> Far:
    """Prepared and not started."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "far.sqlite3"
    server = Server(f"sqlite:///{file}", folder, **environ)
    done = run(
        ["-c", _PREPARE],
        {**server.environ, "DJANGO_SETTINGS_MODULE": "project.settings"},
    )
    assert done.returncode == 0, done.stderr
    return Far(server, done.stdout.strip().split()[-1])


Trouble = Callable[[str, int], Any]


class Proxy:
    """Passes requests on, and makes what trouble ``trouble`` names.

    It is called with the op and the number of the request, and returns None, or
    ``"drop"`` (no answer), ``"cut"`` (half of it), ``"stall"`` (none until the end), a
    status, bytes of another body, or a dict of headers to add.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.trouble: Trouble = lambda op, number: None
        self.seen: list[str] = []
        self.bodies: list[bytes] = []
        self.ended = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                proxy.answer(self)

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    @contextmanager
    def making(self, trouble: Trouble) -> Iterator[None]:
        before, self.trouble = self.trouble, trouble
        try:
            yield
        finally:
            self.trouble = before

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        op = handler.path.rpartition("/")[2].partition("?")[0]
        size = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(size)
        self.seen.append(op)
        self.bodies.append(body)
        what = self.trouble(op, len(self.seen))
        if what == "stall":
            self.ended.wait(30)
        if what in ("drop", "stall"):
            handler.close_connection = True
            return
        if isinstance(what, int):
            _send(handler, what, {}, b"trouble")
            return
        if isinstance(what, bytes):
            _send(handler, 200, {"Content-Type": "text/zinc"}, what)
            return
        try:
            status, headers, data = self._passed_on(handler, body)
        except OSError:
            handler.close_connection = True
            return
        if isinstance(what, dict):
            given = {name.lower() for name in what}
            headers = {n: v for n, v in headers.items() if n.lower() not in given}
            headers |= what
        _send(handler, status, headers, data, cut=what == "cut")

    def _passed_on(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        headers = {
            name: value for name, value in handler.headers.items() if name != "Host"
        }
        connection.request(handler.command, handler.path, body or None, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        hop = {"transfer-encoding", "content-length", "connection"}
        kept = {n: v for n, v in answer.getheaders() if n.lower() not in hop}
        return answer.status, kept, data


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    headers: dict[str, str],
    data: bytes,
    *,
    cut: bool = False,
) -> None:
    handler.send_response_only(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2] if cut else data)
    if cut:
        handler.close_connection = True

"""The connector to haystack-py's own server, where ``HAYSTACK_PY`` names a Python with it.

That is one where ``pip install haystack-py[server]`` was run; it needs Python 3.13.
"""

from __future__ import annotations

import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from haystack_app.connectors import ConnectorError
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.handler import storages
from tests.connectors.far import PASSWORD
from tests.connectors.test_haystack import context_of, here, learned, made, synced
from tests.patience import eventually

PYTHON = os.environ.get("HAYSTACK_PY", "")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not PYTHON, reason="HAYSTACK_PY names no Python"),
]
SERVER = f"""
import asyncio, datetime, sys, uvicorn
from zoneinfo import ZoneInfo
from hs_py.auth_types import StorageAuthenticator
from hs_py.fastapi_server import create_fastapi_app
from hs_py.kinds import MARKER, Number, Ref
from hs_py.storage.memory import InMemoryAdapter
from hs_py.user import Role, create_user

common = {{"siteRef": Ref("s"), "equipRef": Ref("ahu"), "tz": "London"}}
point = {{"point": MARKER, "his": MARKER, "cur": MARKER, **common}}
storage = InMemoryAdapter([
    {{"id": Ref("s"), "site": MARKER, "dis": "Site", "tz": "London"}},
    {{"id": Ref("ahu"), "equip": MARKER, "ahu": MARKER, "siteRef": Ref("s")}},
    {{"id": Ref("t"), "dis": "Temp", "kind": "Number", "unit": "°C",
      "curVal": Number(21.5, "°C"), "curStatus": "ok", "sensor": MARKER, **point}},
    {{"id": Ref("sp"), "dis": "Setpoint", "kind": "Number", "unit": "°C",
      "writable": MARKER, "sp": MARKER, **point}},
])
begin = datetime.datetime(2026, 1, 15, 12, tzinfo=ZoneInfo("Europe/London"))
minute = datetime.timedelta(minutes=1)
items = [{{"ts": begin + n * minute, "val": Number(float(n), "°C")}} for n in range(90)]

async def fill():
    await storage.create_user(create_user("remote", {PASSWORD!r}, role=Role.ADMIN))
    await storage.his_write(Ref("t"), items)

asyncio.run(fill())
app = create_fastapi_app(
    storage=storage, authenticator=StorageAuthenticator(storage), user_store=storage
)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """That of a running server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("haystack-py") / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [PYTHON, "-c", SERVER, str(port)], stdout=out, stderr=out
        )
    try:
        eventually(lambda: _answers(port, process, log))
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.kill()
        process.wait()


def _answers(port: int, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/about", timeout=5).close()
    except urllib.error.HTTPError:  # it asks for a log-in
        return True
    except OSError:
        return False
    return True


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_FAR", PASSWORD)


def test_it_is_followed(url: str) -> None:
    kind = made(url, "s")
    kind.ping(context_of(kind))
    learned(kind)
    record = storages["default"].existing("f.t")
    assert record["equipRef"] == Ref("f.ahu")
    assert record["sensor"] is MARKER
    synced(kind)
    found = here("f.t")
    assert [value for _, value in found] == [Number(n, "°C") for n in range(90)]
    assert f"{found[0][0]:%Y-%m-%dT%H:%M}" == "2026-01-15T12:00"


def test_it_is_written_to(url: str) -> None:
    kind = made(url, "s", write=True)
    learned(kind)
    storages["default"].point_write("f.sp", 8, Number(21, "°C"), "alice")
    assert kind.write(context_of(kind)) == {"written": 1}
    storages["default"].point_write("f.sp", 8, None, "alice")
    assert kind.write(context_of(kind)) == {"written": 1}


def test_its_refusal_of_a_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_FAR", "wrong")
    kind = made(url, "s")
    with pytest.raises(ConnectorError, match="wrong user"):
        kind.ping(context_of(kind))


def test_its_values_are_read(url: str) -> None:
    kind = made(url, "s")
    learned(kind)
    kind.read_current(context_of(kind))
    assert storages["default"].existing("f.t")["curVal"] == Number(21.5, "°C")

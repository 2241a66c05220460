"""Clients in JavaScript log in and read, where node and their packages are installed.

npm install --prefix /tmp/js @skyfoundry/haystack-auth haystack-core
NODE_PATH=/tmp/js/node_modules make test ARGS="-k javascript"
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from django.test import Client

from haystack_app.kinds import Number
from haystack_app.models import Token
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import PASSWORD, grid_of, user
from tests.patience import PATIENCE
from tests.storage.building import at, point

SCRIPT = """
const [uri, name, password] = process.argv.slice(1)
const { AuthClientContext } = require('@skyfoundry/haystack-auth')
const say = (it) => console.log(JSON.stringify(it))
new AuthClientContext(uri, name, password, true)
  .login((headers) => say(headers), (error) => say({ error: String(error) }))
"""

ROLL_UP = """
const [url, token, type] = process.argv.slice(1)
const { makeValue, ZincReader, HDict, HNum, HRef, HStr } = require('haystack-core')
const request = HDict.make({
  id: HRef.make('t'), range: HStr.make('2024-03-10'),
  rollup: HStr.make('min,avg'), interval: HNum.make(12, 'hr'),
}).toGrid()
const isJson = type === 'application/json'
const headers = { authorization: `Bearer ${token}`, 'content-type': type, accept: type }
const body = isJson ? JSON.stringify(request.toJSON()) : request.toZinc()
fetch(url, { method: 'POST', headers, body })
  .then((response) => response.text())
  .then((text) => {
    const grid = isJson ? makeValue(JSON.parse(text)) : ZincReader.readValue(text)
    const avg = grid.getColumn('avg').meta.get('unit').value
    const rows = grid.getRows().map((row) =>
      [row.get('ts').date.toISOString(), row.get('min').value, row.get('avg').value])
    console.log(JSON.stringify({ interval: grid.meta.get('interval'), avg, rows }))
  })
"""


def missing(package: str) -> str:
    """Why a test cannot run; empty if it can."""
    node = shutil.which("node")
    if not node:
        return "node is not installed"
    found = subprocess.run(
        [node, "-e", f"require.resolve('{package}')"], capture_output=True
    )
    return "" if found.returncode == 0 else f"NODE_PATH has no {package}"


def run(script: str, *arguments: str) -> Any:
    done = subprocess.run(
        ["node", "-e", script, *arguments],
        capture_output=True,
        check=True,
        timeout=PATIENCE,
        env=os.environ,
    )
    return json.loads(done.stdout)


def log_in(port: int, name: str, password: str) -> dict[str, str]:
    answer: dict[str, str] = run(SCRIPT, f"http://127.0.0.1:{port}/api", name, password)
    return answer


AUTH, CORE = "@skyfoundry/haystack-auth", "haystack-core"


@pytest.mark.skipif(bool(missing(AUTH)), reason=missing(AUTH) or "it is there")
def test_skyfoundry(scram_passwords: None, live: Any) -> None:
    port = live().port
    headers = log_in(port, "alice", PASSWORD)
    [row] = grid_of(Client().get("/api/about", headers=headers))
    assert row["whoami"] == "alice"
    for name, password in (("alice", "wrong"), ("missing", PASSWORD)):
        assert "error" in log_in(port, name, password)


@pytest.mark.skipif(bool(missing(CORE)), reason=missing(CORE) or "it is there")
@pytest.mark.parametrize("media_type", ["application/json", "text/zinc"])
def test_haystack_core_reads_roll_ups(live: Any, media_type: str) -> None:
    store = storages["default"]
    store.load_entities([point("t", unit="°F")])
    hours = [at(f"2024-03-10 {hour:02}:00") for hour in range(3, 24)]
    store.his_write("t", [(ts, Number(n)) for n, ts in enumerate(hours)])
    token = token_of(user("bob", "viewer"), Token.READ)
    url = f"http://127.0.0.1:{live().port}/api/hisRead"
    answer = run(ROLL_UP, url, token, media_type)
    assert answer == {
        "interval": {"_kind": "number", "val": 12, "unit": "hr"},
        "avg": "°F",
        "rows": [
            ["2024-03-10T05:00:00.000Z", 0, 4],
            ["2024-03-10T16:00:00.000Z", 9, 14.5],
        ],
    }

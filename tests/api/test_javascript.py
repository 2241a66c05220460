"""Clients in JavaScript log in, where node and their packages are installed.

npm install --prefix /tmp/js @skyfoundry/haystack-auth
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

from tests.api.conftest import PASSWORD, grid_of
from tests.patience import PATIENCE

SCRIPT = """
const [uri, name, password] = process.argv.slice(1)
const { AuthClientContext } = require('@skyfoundry/haystack-auth')
const say = (it) => console.log(JSON.stringify(it))
new AuthClientContext(uri, name, password, true)
  .login((headers) => say(headers), (error) => say({ error: String(error) }))
"""


def missing() -> str:
    """Why the test cannot run; empty if it can."""
    node = shutil.which("node")
    if not node:
        return "node is not installed"
    found = subprocess.run(
        [node, "-e", "require.resolve('@skyfoundry/haystack-auth')"],
        capture_output=True,
    )
    return "" if found.returncode == 0 else "NODE_PATH has no @skyfoundry/haystack-auth"


def log_in(port: int, name: str, password: str) -> dict[str, str]:
    uri = f"http://127.0.0.1:{port}/api"
    done = subprocess.run(
        ["node", "-e", SCRIPT, uri, name, password],
        capture_output=True,
        check=True,
        timeout=PATIENCE,
        env=os.environ,
    )
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


@pytest.mark.skipif(bool(missing()), reason=missing() or "it is there")
def test_skyfoundry(scram_passwords: None, live: Any) -> None:
    port = live().port
    headers = log_in(port, "alice", PASSWORD)
    [row] = grid_of(Client().get("/api/about", headers=headers))
    assert row["whoami"] == "alice"
    for name, password in (("alice", "wrong"), ("missing", PASSWORD)):
        assert "error" in log_in(port, name, password)

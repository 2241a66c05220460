"""Two servers of this product: the second follows the first, live, with its history.

Started by ``make demo-connect``; Ctrl-C ends both. Their data is in
``var/demo-connect``, so the second start is quick.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PORTS = (8000, 8001)
_STORES = ("DATABASE_URL", "TIMESCALE_DSN", "REDIS_URL", "HAYSTACK_STORAGE")
PASSWORD = secrets.token_urlsafe(12)
SERVE = [
    *("-m", "uvicorn", "project.asgi:application", "--lifespan", "off"),
    *("--http", "haystack_app.serving.protocol:HttpProtocol", "--log-level", "warning"),
    *("--ws-per-message-deflate", "true", "--no-proxy-headers"),
]
FOLLOWED = """
import os
from django.contrib.auth import get_user_model
user, _ = get_user_model().objects.get_or_create(username="follower")
user.set_password(os.environ["CONNECTOR_DEMO"])
user.is_superuser = True
user.save()
"""
FOLLOWER = """
import os
from haystack_app.models import Connector
Connector.objects.update_or_create(name="campus", defaults={
    "kind": "haystack", "enabled": True,
    "settings": {
        "url": os.environ["FOLLOWED_URL"], "username": "follower",
        "password": "env:CONNECTOR_DEMO", "id_prefix": "campus.",
        "current_seconds": 2, "history_seconds": 30, "history_days": 7,
        "write": True,
    },
})
"""
TEXT = """
  The first server simulates two campuses:   http://127.0.0.1:{0}/
  The second one follows it:                 http://127.0.0.1:{1}/

  - the connector and its status:   http://127.0.0.1:{1}/admin/haystack_app/connector/
  - values that move, and charts:   http://127.0.0.1:{1}/explore/ (ids: campus. ..)
  - override a point there, and look at level 16 of the same point of the first server
  - stop the first server (kill {2}): values get stale, the status becomes unreachable

  Log in as demo, with the passwords above; Ctrl-C ends both.
"""


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also in the background
    first, second = (_environ(port) for port in PORTS)
    second["FOLLOWED_URL"] = f"http://127.0.0.1:{PORTS[0]}/api"
    for environ in (first, second):
        _manage(environ, "migrate", "--verbosity", "0")
    _manage(first, "haystack_demo", "--if-empty")
    _manage(first, "shell", "--verbosity", "0", "-c", FOLLOWED)
    _manage(second, "shell", "--verbosity", "0", "-c", FOLLOWER)
    for environ in (first, second):
        _manage(environ, "haystack_demo_user")
    servers = [_started(environ) for environ in (first, second)]
    try:
        for server, port in zip(servers, PORTS, strict=True):
            _wait_for(server, port)
        print(TEXT.format(*PORTS, servers[0].pid), flush=True)
        servers[1].wait()
    except KeyboardInterrupt:
        pass
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait()


def _environ(port: int) -> dict[str, str]:
    own = {
        name: value
        for name, value in os.environ.items()
        if name
        not in ("DATABASE_URL", "TIMESCALE_DSN", "REDIS_URL", "HAYSTACK_STORAGE")
    }
    folder = ROOT / "var" / "demo-connect" / str(port)
    folder.mkdir(parents=True, exist_ok=True)
    return {
        **own,
        "VAR_DIR": str(folder),
        "PORT": str(port),
        "GENERATE_SECRET_KEY": "true",
        "CONNECTOR_DEMO": PASSWORD,
        "HAYSTACK_ACTIONS": "haystack_app.demo.actions",
        "SIMULATE": "1" if port == PORTS[0] else "0",
        "HAYSTACK_SERVER_NAME": f"Demo on port {port}",
    }


def _manage(environ: dict[str, str], *words: str) -> None:
    command = [sys.executable, "manage.py", *words]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)


def _started(environ: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, *SERVE, "--port", environ["PORT"]]
    return subprocess.Popen(command, cwd=ROOT, env=environ)


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit(f"the server ended: is port {port} in use?")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server on port {port} does not start")


if __name__ == "__main__":
    main()

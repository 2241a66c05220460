"""What a process imports when it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.api.servers import ROOT

SHOW = "import sys, project.asgi; print(*sys.modules)"


def test_a_store_in_a_database_imports_no_other(tmp_path: Path) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path),
        "HAYSTACK_TICK_SECONDS": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    names = set(done.stdout.split())
    unused = ("redis", "haystack_app.storage.redis", "haystack_app.storage.memory")
    assert [name for name in names if name.startswith(unused)] == []
    assert "haystack_app.demo.simulator" not in names
    assert "haystack_app.storage.orm.adapter" in names
    assert "project.urls" in names  # or the first request would wait for it

"""Memory that a long response takes, measured in a separate process.

    python -m tests.bench.memory ID START END MEDIA_TYPE [PATH]

prints JSON: bytes sent, seconds, and by how much the peak of the resident
memory rose above what the process held before the long answer.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["streamed"]


def streamed(
    id: str, start: str, end: str, media_type: str, path: str = "/api/hisRead"
) -> dict[str, Any]:
    """Stream a point's samples in a fresh process on the same database."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, id, start, end, media_type, path],
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _status(name: str) -> int:
    """A line of this process's status in bytes."""
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def _measure(
    id: str, start: str, end: str, media_type: str, path: str = "/api/hisRead"
) -> dict[str, Any]:
    import django

    django.setup()
    from .http import Http

    http = Http()
    # a first answer loads what is loaded once
    asked = {"ids": id} if "history" in path else {"id": f"@{id}"}
    http.get(path, media_type, **asked, range=f"{start[:10]}")
    before = _status("VmRSS")
    size, rows = 0, 0
    began = time.perf_counter()
    span = f"{start},{end}"
    for chunk in http.stream(path, media_type, **asked, range=span):
        size += len(chunk)
        rows += chunk.count(b"\n")
    seconds = time.perf_counter() - began
    growth = max(0, _status("VmHWM") - before)
    return {"bytes": size, "rows": rows, "seconds": seconds, "growth": growth}


if __name__ == "__main__":
    print(json.dumps(_measure(*sys.argv[1:6])))

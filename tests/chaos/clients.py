"""Clients that write all the time, each in a thread, and note what is acknowledged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson

from tests.chaos.ledger import Acks, Ledger
from tests.chaos.victims import ROOT

__all__ = ["BATCH", "FILE", "HISTORIES", "LOADED", "POINTS", "Api", "Client", "Import"]
__all__ += ["commits", "counts", "histories", "jobs", "loads", "point_writes", "stamp"]

HISTORIES, POINTS = 4, 2
BATCH = 5
"""Samples of one hisWrite."""
LOADED = 20
"""Entities of one load."""
FILE = 2_000
"""Samples of one imported file."""
_SECONDS = 20.0
_OUTAGES = (502, 503, 504, 507)


class Refused(Exception):
    """Nothing is known of the write."""


class Api:
    """Calls of ops by HTTP, at one server or at any of several."""

    def __init__(self, roots: Sequence[str], token: str, acks: Acks) -> None:
        self.roots, self.acks = roots, acks
        self.headers = {"Authorization": f"Bearer {token}"}

    def at(self, root: str) -> Api:
        found = Api([root], "", self.acks)
        found.headers = self.headers
        return found

    def call(self, op: str, body: str | None = None, kind: str = "text/zinc") -> bytes:
        """The answer. Raises Refused."""
        headers = {**self.headers, "Content-Type": kind, "Accept": "application/json"}
        data = None if body is None else body.encode()
        url = f"{random.choice(self.roots)}/api/{op}"
        try:
            with urlopen(Request(url, data, headers), timeout=_SECONDS) as answer:
                found: bytes = answer.read()
        except HTTPError as error:
            if error.code not in _OUTAGES:
                self._odd(op, f"{error.code} {error.read()[:200]!r}")
            raise Refused from None
        except (OSError, HTTPException):
            raise Refused from None
        meta = orjson.loads(found).get("meta", {})  # a job is not a grid
        if "err" in meta:
            dis = str(meta.get("dis"))
            if "already exists" not in dis and "changed" not in dis:
                self._odd(op, dis)
            raise Refused
        return found

    def _odd(self, op: str, text: str) -> None:
        self.acks.odd.append(f"{op}: {text}")


class Client:
    """Writes numbers 0, 1, .. until stopped; ``write`` raises Refused.

    After a refusal ``again`` says whether the same write is tried again, as a client
    does that cannot know whether it was done.
    """

    def __init__(
        self,
        ledger: Ledger,
        api: Api,
        write: Callable[[Api, int], None],
        *,
        again: bool = False,
        pause: float = 0.05,
    ) -> None:
        self.ledger, self.api, self.write = ledger, api, write
        self.again, self.pause = again, pause
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        number = 0
        while not self.stopped.wait(self.pause):
            if self.once(number) or not self.again:
                number += 1

    def once(self, number: int) -> bool:
        self.ledger.tried.add(number)
        begin = time.monotonic()
        try:
            self.write(self.api, number)
        except Refused:
            self.api.acks.refused[self.ledger.kind] += 1
            return False
        self.api.acks.note(self.ledger, number, begin)
        return True

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(120)
        assert not self.thread.is_alive(), f"{self.ledger.kind} does not end"


def stamp(second: int) -> str:
    """A time of its own for each sample."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_704_067_200 + second))


def histories(api: Api, number: int) -> None:
    first = number * BATCH
    rows = "".join(
        f"{stamp(second)} UTC,{number}\n" for second in range(first, first + BATCH)
    )
    api.call("hisWrite", f'ver:"3.0" id:@h{number % HISTORIES}\nts,val\n{rows}')


def commits(api: Api, number: int) -> None:
    rows = "".join(f"@x{number}{part},M,@h0\n" for part in "ab")
    api.call("commit", f'ver:"3.0" commit:"add"\nid,chaos,hRef\n{rows}')


def counts(api: Api, number: int) -> None:
    """A value of one tag after the other, each on top of the ``mod`` that was read."""
    [row] = orjson.loads(api.call("read?filter=counter"))["rows"]
    new = {"id": row["id"], "mod": row["mod"], "count": number}
    cols = [{"name": name} for name in new]
    meta = {"ver": "3.0", "commit": "update"}
    grid = {"_kind": "grid", "meta": meta, "cols": cols, "rows": [new]}
    api.call("commit", orjson.dumps(grid).decode(), "application/json")


def point_writes(api: Api, number: int) -> None:
    row = f'@w{number % POINTS},10,{number},"chaos"'
    api.call("pointWrite", f'ver:"3.0"\nid,level,val,who\n{row}\n')


def jobs(api: Api, number: int) -> None:
    """Loads that the worker does; the acknowledgement is that of the job."""
    rows = "".join(f"@j{number}-{part},M,@h2\n" for part in range(LOADED))
    api.call("load?job=true", f'ver:"3.0"\nid,chaos,hRef\n{rows}')


def loads(api: Api, number: int) -> None:
    rows = "".join(f"@l{number}-{part},M,@h1\n" for part in range(LOADED))
    api.call("load", f'ver:"3.0"\nid,chaos,hRef\n{rows}')


class Import:
    """Runs haystack_his_import, file after file, each until it succeeds."""

    def __init__(self, folder: Path, environ: Mapping[str, str], acks: Acks) -> None:
        self.folder, self.environ, self.acks = folder, dict(environ), acks
        self.ledger = Ledger("import")
        self.runs = self.failures = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        number = 0
        while not self.stopped.is_set():
            file = self._file(number)
            self.ledger.tried.add(number)
            begin = time.monotonic()
            while self._command(file) != 0:
                self.failures += 1
                time.sleep(0.2)
                begin = time.monotonic()
            self.acks.note(self.ledger, number, begin)
            number += 1
            self.stopped.wait(0.5)

    def _file(self, number: int) -> Path:
        file = self.folder / f"import-{number}.csv"
        first = number * FILE
        with file.open("w") as out:
            out.write("ts,id,val\n")
            for second in range(first, first + FILE):
                out.write(f"{stamp(second)},i{number % HISTORIES},{number}\n")
        return file

    def _command(self, file: Path) -> int:
        with (self.folder / "import.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "haystack_his_import", str(file)],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.runs += 1
        return self.process.wait()

    def kill(self) -> bool:
        """Whether a command was running."""
        if self.process is None or self.process.poll() is not None:
            return False
        os.killpg(self.process.pid, signal.SIGKILL)
        return True

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(300)
        assert not self.thread.is_alive(), "an import does not end"

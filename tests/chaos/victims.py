"""What is killed, stalled and run out of disk: servers of the run's own.

Each is a group of processes: ``kill`` is SIGKILL of all of them at once, ``start``
brings it back with what it had on its disk, as a supervisor does.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import redis

from tests.outages.services import SUPERUSER, binary, free_port

__all__ = ["ROOT", "App", "Disk", "Postgres", "Redis", "Victim", "Worker"]

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 120.0


class Victim:
    """One server, in a session of its own."""

    name = ""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        user: str | None = None,
    ) -> None:
        self.command, self.environ, self.user = list(command), dict(environ), user
        self.log = folder / f"{type(self).__name__.lower()}-{id(self)}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Nothing happens to one that runs."""
        if self.runs:
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT if self.user is None else "/",
                env=self.environ,
                user=self.user,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """To the server and all its children, which may have groups of their own."""
        if self.process is None:
            return
        for pid in (self.process.pid, *self._children(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _children(self, pid: int) -> list[int]:
        try:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:  # it has ended
            return []
        found = list(map(int, text.split()))
        return [*found, *(one for child in found for one in self._children(child))]

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(_PATIENCE)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """It accepts connections and says nothing."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def answers(self) -> bool:
        raise NotImplementedError

    def tail(self) -> str:
        """The end of what it has printed."""
        said = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"{self.name}: {said[-2_000:]}"

    def wait(self) -> None:
        """Until it answers; started again if it ended by itself."""
        deadline = time.monotonic() + _PATIENCE
        while not self.answers():
            assert time.monotonic() < deadline, self.tail()
            self.start()
            time.sleep(0.02)


class Postgres(Victim):
    name = "PostgreSQL"

    def __init__(self, folder: Path) -> None:
        # the server refuses root
        user = SUPERUSER if os.geteuid() == 0 else None
        self.data, port = folder / "data", free_port()
        self.url = f"postgresql://{SUPERUSER}@127.0.0.1:{port}/{SUPERUSER}"
        settings = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            # kills of processes lose nothing that the kernel has
            "fsync": "off",
            # each segment is a new file, for which a full disk has no room
            "max_wal_size": "16MB",
            "min_wal_size": "2MB",
            "wal_recycle": "off",
        }
        options = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
        command = [binary("postgres"), "-D", str(self.data), *options]
        super().__init__(command, folder.parent, os.environ, user)
        if user:
            shutil.chown(folder, user)
        self.make()

    def make(self) -> None:
        """A new, empty server."""
        subprocess.run(
            [
                binary("initdb"),
                "-D",
                self.data,
                "-U",
                SUPERUSER,
                "-A",
                "trust",
                "-N",
                "--wal-segsize=1",
            ],
            user=self.user,
            cwd="/",
            check=True,
            capture_output=True,
        )

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


class Redis(Victim):
    """It has every acknowledged write in its file."""

    name = "Redis"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        words = {
            "port": self.port,
            "dir": folder,
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "auto-aof-rewrite-percentage": 0,
        }
        options = [word for key, value in words.items() for word in (f"--{key}", value)]
        command = [binary("redis-server"), *map(str, options)]
        super().__init__(command, folder.parent, os.environ)

    def answers(self) -> bool:
        try:
            with redis.Redis(port=self.port, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class App(Victim):
    """A server process."""

    name = "app"

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.port = free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        words = [
            *("-m", "uvicorn", "project.asgi:application"),
            *("--port", str(self.port), "--lifespan", "off", "--no-access-log"),
            *("--http", "haystack_app.serving.protocol:HttpProtocol"),
        ]
        super().__init__([sys.executable, *words], folder, environ)

    def answers(self) -> bool:
        try:
            with urlopen(f"{self.root}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except HTTPError:
            return True
        except OSError:
            return False


class Worker(Victim):
    """The process of jobs, where the app has the command."""

    name = "worker"

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        command = [sys.executable, "manage.py", "haystack_worker"]
        super().__init__(command, folder, environ)

    def answers(self) -> bool:
        """It listens nowhere: it runs, or it is started again."""
        return self.runs


class Disk:
    """A small disk for the data of one server, where root may mount one."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "chaos"]
        done = subprocess.run([*words, str(folder)], capture_output=True)
        self.is_small = done.returncode == 0

    def close(self) -> None:
        if self.is_small:
            subprocess.run(["umount", "-l", str(self.folder)], capture_output=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Without a free byte."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while file.write(b"\0" * size) == size:
                        continue
                except OSError:
                    continue
        try:
            yield
        finally:
            ballast.unlink()

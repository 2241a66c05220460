"""A PostgreSQL and a Redis of the test's own, to be stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from tests.patience import PATIENCE, eventually

SUPERUSER = "postgres"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Service:
    """One process; ``stop`` ends it at once, as a fault would."""

    end = signal.SIGKILL

    def __init__(self, command: list[str], user: str | None = None) -> None:
        self.command = command
        self.user = user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Nothing happens to one that runs."""
        if self.process and self.process.poll() is None:
            return
        self.process = subprocess.Popen(
            self.command,
            user=self.user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(self.answers, f"{self.command[0]} answers")

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(self.end)
            self.process.wait(PATIENCE)
            self.process = None

    @contextmanager
    def hung(self) -> Iterator[None]:
        """It accepts connections and says nothing."""
        stopped = self.processes()
        for one in stopped:
            os.kill(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in stopped:
                with suppress(ProcessLookupError):  # it ends now that it goes on
                    os.kill(one, signal.SIGCONT)

    def processes(self) -> list[int]:
        """The server's and those of its connections."""
        assert self.process
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [pid, *map(int, children.split())]

    def answers(self) -> bool:
        raise NotImplementedError


class Postgres(Service):
    """A new server, or one with a copy of other data."""

    end = signal.SIGQUIT  # immediate; SIGKILL would leave its children

    def __init__(self, folder: Path, data: Path | None = None, **more: str) -> None:
        # the server refuses root
        user = SUPERUSER if os.geteuid() == 0 else None
        self.data, self.port = folder / "data", free_port()
        self.url = f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{SUPERUSER}"
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            **more,
        }
        options = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
        super().__init__([binary("postgres"), "-D", str(self.data), *options], user)
        if user:
            shutil.chown(folder, user)
        if data is None:
            self.run_as_user(self.made())
        else:
            self.run_as_user(["cp", "-a", str(data), str(self.data)])

    def made(self) -> list[str]:
        """The command that makes its data."""
        words = ["-D", str(self.data), "-U", SUPERUSER, "-A", "trust", "-N"]
        return [binary("initdb"), *words]

    def run_as_user(self, command: list[str]) -> None:
        subprocess.run(
            command, user=self.user, cwd="/", check=True, capture_output=True
        )

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def run(self, sql: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql)


class Primary(Postgres):
    """One that standbys can follow."""

    def __init__(self, folder: Path, data: Path | None = None) -> None:
        super().__init__(folder, data, wal_level="replica", wal_sender_timeout="5s")

    def wait_for(self, names: str) -> None:
        """Let commits wait until standbys have them; empty for none."""
        self.run(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.run("SELECT pg_reload_conf()")


class Standby(Postgres):
    """A copy of a server that runs, or of one that did, which follows it."""

    def __init__(
        self,
        folder: Path,
        primary: Postgres,
        data: Path | None = None,
        name: str = "standby",
    ) -> None:
        self.source = (
            f"host=127.0.0.1 port={primary.port} user={SUPERUSER}"
            f" application_name={name}"
        )
        super().__init__(
            folder,
            data,
            primary_conninfo=self.source,
            wal_retrieve_retry_interval="200ms",
        )

    def made(self) -> list[str]:
        words = ["-D", str(self.data), "-R", "-c", "fast", "-X", "stream"]
        return [binary("pg_basebackup"), "-d", self.source, *words]

    def pause(self) -> None:
        self.run("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        self.run("SELECT pg_wal_replay_resume()")

    def promote(self) -> None:
        self.run("SELECT pg_promote()")


class Redis(Service):
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        words = {"port": self.port, "dir": folder, "bind": "127.0.0.1", "save": ""}
        options = [word for key, value in words.items() for word in (f"--{key}", value)]
        super().__init__([binary("redis-server"), *map(str, options)])

    def answers(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


class PgBouncer(Service):
    """In transaction mode, with one connection for each database and user.

    What one client leaves on a connection, the next one has.
    """

    def __init__(self, folder: Path, server: Postgres) -> None:
        self.port = free_port()
        at = urlsplit(server.url)
        self.root = f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}"
        file = folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={at.port} user={SUPERUSER}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            "unix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
            "default_pool_size = 1\n"
        )
        # it refuses root, as the server does
        super().__init__([binary("pgbouncer"), str(file)], server.user)

    def answers(self) -> bool:
        try:
            with psycopg.connect(f"{self.root}/{SUPERUSER}", connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


def binary(name: str) -> str:
    """Of Debian's PostgreSQL, whose servers are not in the PATH, or any other."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"  # of Debian's daemons
    found = str(installed[-1]) if installed else shutil.which(name, path=path)
    if not found:
        pytest.skip(f"no {name} is installed")
    return found


@contextmanager
def folder() -> Iterator[Path]:
    """Not pytest's own, which other users cannot enter."""
    path = Path(tempfile.mkdtemp(prefix="haystack-service-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(kind: type[Postgres] | type[Redis]) -> Iterator[Postgres | Redis]:
    with folder() as path:
        service = kind(path)
        try:
            service.start()
            yield service
        finally:
            service.stop()

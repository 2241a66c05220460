"""A primary and a standby that change places: the victims of ``--store replicas``.

Commits wait for the standby, so that nothing acknowledged is lost with the primary.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.chaos.troubles import Trouble
from tests.chaos.victims import Postgres
from tests.outages.services import SUPERUSER, binary

__all__ = ["Node", "Nodes"]

_NAME = "standby"


class Node(Postgres):
    """One of the two servers; ``other`` is followed, without it the node is new."""

    def __init__(self, folder: Path, name: str, other: Node | None = None) -> None:
        folder.mkdir()
        self.other = other
        self.name = f"node {name}"
        super().__init__(folder)

    def make(self) -> None:
        if self.other is None:
            super().make()
        else:
            self.follow(self.other)

    def follow(self, other: Node) -> None:
        """Become a copy of the other node, which runs, and its standby."""
        shutil.rmtree(self.data, ignore_errors=True)
        port = urlsplit(other.url).port
        source = f"host=127.0.0.1 port={port} user={SUPERUSER} application_name={_NAME}"
        subprocess.run(
            [
                *(binary("pg_basebackup"), "-d", source, "-D", str(self.data)),
                *("-R", "-c", "fast", "-X", "stream"),
            ],
            user=self.user,
            cwd="/",
            check=True,
            capture_output=True,
        )

    @property
    def is_standby(self) -> bool:
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        return bool(row and row[0])

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for sql in statements:
                connection.execute(sql)


class Nodes:
    """Both nodes, which run."""

    def __init__(self, folder: Path) -> None:
        first = Node(folder / "a", "a")
        first.start()
        first.wait()
        self.nodes = first, Node(folder / "b", "b", first)

    @property
    def environ(self) -> dict[str, str]:
        hosts = ",".join(f"127.0.0.1:{urlsplit(one.url).port}" for one in self.nodes)
        url = f"postgresql://{SUPERUSER}@{hosts}/{SUPERUSER}"
        return {
            "DATABASE_URL": f"{url}?target_session_attrs=read-write",
            "REPLICA_URLS": " ".join(one.url for one in self.nodes),
            "HAYSTACK_COMMIT_SECONDS": "2",
        }

    def form(self) -> None:
        """Let commits wait until the standby has them."""
        for node in self.nodes:
            node.start()
            node.wait()
        primary = self._primary_first()[0]
        primary.run(
            f"ALTER SYSTEM SET synchronous_standby_names = '{_NAME}'",
            "SELECT pg_reload_conf()",
        )

    @property
    def troubles(self) -> list[Trouble]:
        return [Trouble("promote the standby", 4, self._promote, self.nodes)]

    def _promote(self) -> int:
        """The primary is lost, and comes back as the standby of the other node."""
        for node in self.nodes:
            node.start()
            node.wait()
        old, new = self._primary_first()
        old.kill()
        new.run(
            "ALTER SYSTEM SET synchronous_standby_names = ''",
            "SELECT pg_reload_conf()",
            "SELECT pg_promote()",
        )
        old.follow(new)
        self.form()
        return 1

    def _primary_first(self) -> tuple[Node, Node]:
        a, b = self.nodes
        return (b, a) if a.is_standby else (a, b)

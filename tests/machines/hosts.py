"""App hosts that share their services, and a balancer that chooses at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haystack_app.kinds import Grid
from haystack_app.wire import zinc_reader, zinc_writer
from tests.api.servers import Server
from tests.outages.site import Answer, Site, prepare

__all__ = ["Hosts", "hosts"]


@dataclass
class Hosts(Site):
    """Each request goes to any of ``sites``."""

    sites: list[Site] = field(default_factory=list)
    chance: random.Random = field(default_factory=random.Random)

    def ask(self, path: str, *args: Any, **words: Any) -> Answer:
        return self.chance.choice(self.sites).ask(path, *args, **words)

    def op(self, name: str, grid: Grid) -> Grid:
        """The answer of any host to a POST."""
        return op(self, name, grid)


def op(site: Site, name: str, grid: Grid) -> Grid:
    answer = site.ask(f"/api/{name}", zinc_writer.grid_text(grid))
    found = zinc_reader.read_grid(answer.text)
    assert "err" not in found.meta, answer.text
    return found


@contextmanager
def hosts(
    url: str, folder: Path, count: int = 2, seed: int = 1, **environ: str
) -> Iterator[Hosts]:
    """Servers with folders of their own, on one database."""
    servers = [
        Server(url, _made(folder / f"host-{number}"), **environ)
        for number in range(count)
    ]
    headers = {"Authorization": f"Bearer {prepare(servers[0])}"}
    with ExitStack() as running:
        for server in servers:
            running.enter_context(server)
        sites = [Site(server, headers) for server in servers]
        yield Hosts(servers[0], headers, sites, random.Random(seed))


def _made(path: Path) -> Path:
    path.mkdir()
    return path

"""A disk without a free byte: every way to write says so, and reads go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from haystack_app.kinds import Grid, Ref
from tests.chaos.victims import Disk
from tests.live.conftest import ids_of
from tests.outages.site import Answer, Site, connected, site
from tests.patience import eventually

WORDS = "the storage of the server is full"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "small"
    folder.mkdir()
    found = Disk(folder, 30)
    if not found.is_small:
        pytest.skip("no small disk can be mounted: only root may")
    yield found
    found.close()


@pytest.fixture
def at(disk: Disk, tmp_path: Path) -> Iterator[Site]:
    url = f"sqlite:///{disk.folder}/site.sqlite3"
    with site(url, tmp_path, HAYSTACK_THROTTLE="off") as found:
        yield found


def loaded(at: Site, number: int) -> Answer:
    """More than the free space of the database's own pages."""
    text = "x" * 10_000
    rows = "".join(f'@big{number}-{part},"{text}"\n' for part in range(20))
    return at.ask("/api/load", f'ver:"3.0"\nid,dis\n{rows}')


def log_in(at: Site) -> Answer:
    """By the form, as a browser does."""
    page = at.ask("/log-in/", Accept="text/html")
    token = page.headers["Set-Cookie"].partition("csrftoken=")[2].partition(";")[0]
    body = f"csrfmiddlewaretoken={token}&username=alice&password=correct+horse"
    return at.ask(
        "/log-in/",
        body,
        **{
            "Cookie": f"csrftoken={token}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )


def test_everything_says_so(at: Site, disk: Disk) -> None:
    assert log_in(at).status == 302
    with connected(at) as socket, disk.full():
        numbers = iter(range(1_000_000))
        eventually(lambda: loaded(at, next(numbers)).status == 507, "it is full")
        answer = loaded(at, next(numbers))
        assert (answer.status, answer.headers["Retry-After"]) == (507, "5")
        assert WORDS in answer.text
        check_log_in(at)
        big = Grid.of([{"id": Ref(f"y{n}"), "dis": "y" * 9_000} for n in range(20)])
        refusal = socket.ask("load", grid=big)
        assert refusal["error"]["status"] == 507
        assert WORDS in refusal["error"]["dis"]
        read = socket.grid("read", grid=Grid.of([{"filter": "site"}]))
        assert sorted(ids_of(read)) == ["s1", "s2"]
        assert at.ask("/api/read?filter=site").status == 200
    assert log_in(at).status == 302
    assert loaded(at, next(numbers)).status == 200


def check_log_in(at: Site) -> None:
    """It may find room in pages that are there, and is refused in words otherwise."""

    def refused() -> bool:
        answer = log_in(at)
        if answer.status == 302:
            return False
        assert (answer.status, answer.headers["Retry-After"]) == (507, "5")
        assert WORDS in answer.json["dis"]
        return True

    eventually(refused, "a log-in is refused")

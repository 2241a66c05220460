"""Debian's chromium, driven by playwright, on the page of a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.redis import RedisAdapter
from tests.api.callers import databases, make_user
from tests.api.conftest import PASSWORD, user
from tests.api.servers import Servers
from tests.live.processes import Restartable, restartable, session_cookie
from tests.outages.services import Redis, running
from tests.storage.building import entity, point

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# without the windows, tabs and menus that "chromium --headless" has, it takes two thirds
# of the CPU
_SHELL = Path("/usr/bin/chromium-headless-shell")
CHROMIUM = _SHELL if _SHELL.exists() else Path("/usr/bin/chromium")
STARTED = 300_000
"""Milliseconds in which a server and a page are there, on a busy machine."""
HOSTILE = "<img src=x onerror=alert(1)>"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


OTHER_STORES = [*databases("timescale"), "redis"]
"""Parameters of ``server``: databases, and a store beside the users' database."""


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    with running(Redis) as service:
        assert isinstance(service, Redis)
        yield service


@pytest.fixture
def server(
    request: pytest.FixtureRequest,
    transactional_db: None,
    servers: Servers,
    settings: Any,
) -> Restartable:
    """With a site, its AHU, and three points of it; on SQLite without a parameter."""
    kind = getattr(request, "param", "default")
    if kind == "redis":
        url = request.getfixturevalue("own_redis").url
        user("alice")
        environ = {"HAYSTACK_STORAGE": "redis", "REDIS_URL": url}
        started = restartable(servers, settings, "alice", **environ)
        started.store = RedisAdapter(url=url)
    else:
        make_user(kind, "alice", PASSWORD, "operator")
        started = restartable(servers, settings, "alice", kind)
        started.store = storages[kind]
    fill(started.store)
    started.write("@air,71.5°F,", "@fan,10°F,", '@odd,,"down"')
    return started


def fill(store: StorageAdapter) -> None:
    ahu = {"siteRef": Ref("hall"), "equipRef": Ref("ahu"), "cur": MARKER, "unit": "°F"}
    store.load_entities(
        [
            entity("hall", site=MARKER, dis="Hall"),
            entity(
                "ahu", equip=MARKER, ahu=MARKER, dis="Hall AHU", siteRef=Ref("hall")
            ),
            point("air", dis="Air", **ahu),
            point("fan", dis="Fan", **ahu, writable=MARKER, curTracksWrite=MARKER),
            point("odd", dis=HOSTILE, **ahu),
        ],
        replace=True,
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests; each has a context of its own, with its own cookies."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM} (Debian's package chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=STARTED)
    with pytest.MonkeyPatch.context() as patch:
        # playwright leaves a loop running in this thread, which Django takes for
        # that of a coroutine
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with playwright.sync_playwright() as driver:
            launched = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield launched
            launched.close()


@pytest.fixture
def page(server: Restartable, browser: Browser) -> Iterator[Page]:
    """A window of alice's, an operator's."""
    with window(browser, server, "alice") as opened:
        yield opened


@contextmanager
def window(
    browser: Browser, server: Restartable, name: str, **options: Any
) -> Iterator[Page]:
    """A window that is logged in, and must not see an error of a script."""
    context = browser.new_context(**options)
    cookie = {
        "name": "sessionid",
        "value": session_cookie(name, server.alias),
        "url": server.server.root,
    }
    context.add_cookies([cookie])  # type: ignore[list-item]
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("dialog", lambda dialog: errors.append(dialog.message))
    yield opened
    context.close()
    assert errors == []

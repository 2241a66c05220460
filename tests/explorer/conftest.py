"""Debian's chromium, driven by playwright, on the page of a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.api.servers import Servers
from tests.live.processes import Restartable, restartable, session_cookie
from tests.storage.building import entity, point

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
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


@pytest.fixture
def server(transactional_db: None, servers: Servers, settings: Any) -> Restartable:
    """With a site, its AHU, and three points of it."""
    ahu = {"siteRef": Ref("hall"), "equipRef": Ref("ahu"), "cur": MARKER, "unit": "°F"}
    storages["default"].load_entities(
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
    user("alice")
    running = restartable(servers, settings, "alice")
    running.write("@air,71.5°F,", "@fan,10°F,", '@odd,,"down"')
    return running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests; each has a context of its own, with its own cookies."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM} (Debian's package chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
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
        "value": session_cookie(name),
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

"""Windows of chromium that are not logged in yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.api.servers import Server
from tests.sso.site import PASSWORD

__all__ = ["log_in", "window"]


@contextmanager
def window(browser: Any) -> Iterator[Any]:
    """One with cookies of its own, which must not see an error of a script."""
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def log_in(page: Any, server: Server, name: str, password: str = PASSWORD) -> None:
    page.goto(f"{server.root}/log-in/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()

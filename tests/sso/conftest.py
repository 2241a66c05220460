"""Chromium for the tests of this folder, and a look at each page that they pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.explorer.conftest import browser  # noqa: F401  a fixture
from tests.explorer.test_accessibility import axe, violations  # noqa: F401  a fixture

Look = Callable[[Any, str], None]


@pytest.fixture
def look(axe: str) -> Look:  # noqa: F811
    """Look at a page, wide and narrow, light and dark: it fits, and axe-core agrees."""

    def checked(page: Any, name: str) -> None:
        for size in ({"width": width, "height": 900} for width in (390, 1280)):
            page.set_viewport_size(size)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                where = f"{name} {size['width']} {scheme}"
                assert violations(page, axe, where) == []
                assert page.evaluate("document.body.scrollWidth") <= size["width"]

    return checked

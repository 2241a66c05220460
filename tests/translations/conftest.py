"""Servers in German, and in a language of marks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.api.servers import Servers, url_of
from tests.explorer.conftest import browser, server
from tests.live.processes import Restartable
from tests.translations.marking import write_marked

__all__ = ["browser", "marked", "server"]


@pytest.fixture(scope="session")
def marked_locale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locale")
    write_marked(folder)
    return folder


@pytest.fixture
def marked(server: Restartable, servers: Servers, marked_locale: Path) -> Restartable:
    """On the data of ``server``, whose German has marks."""
    other = servers.running(
        url_of("default"),
        DJANGO_SETTINGS_MODULE="tests.translations.marked_settings",
        MARKED_LOCALE=str(marked_locale),
    )
    return replace(server, server=other)

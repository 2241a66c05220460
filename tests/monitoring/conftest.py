"""Each test counts what stores hold anew."""

from __future__ import annotations

import pytest

from haystack_app.monitoring import stores


@pytest.fixture(autouse=True)
def _counted_anew() -> None:
    stores.forget()

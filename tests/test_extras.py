"""Packages that are not installed: told by name, and only where they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from haystack_app import databases

MISSING = """
import sys
sys.modules["{module}"] = None
import haystack_app.storage.redis
"""


def test_postgresql_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ImproperlyConfigured) as caught:
        databases.from_url("postgresql://u:secret@h/name")
    assert str(caught.value) == (
        "PostgreSQL needs the package 'psycopg': install haystack-server[postgres]"
    )
    assert databases.from_url("sqlite:///a%20b.db")["NAME"] == "a b.db"
    assert databases.from_url("sqlite:////var/a.db")["NAME"] == "/var/a.db"
    assert databases.from_url("sqlite://")["NAME"] == ":memory:"


@pytest.mark.parametrize("module", ["redis", "django_redis"])
def test_a_storage_on_redis_without_its_driver(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MISSING.format(module=module)],
        capture_output=True,
        text=True,
    )
    last = done.stderr.splitlines()[-1]
    assert last.endswith(
        "ImproperlyConfigured: A storage on Redis needs the package "
        f"{module!r}: install haystack-server[redis]"
    )

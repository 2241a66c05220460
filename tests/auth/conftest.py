"""Users with SCRAM passwords of few iterations."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.auth.handshaking import PASSWORD

ROUNDS = 4_096


@pytest.fixture(autouse=True)
def scram(settings: Any) -> Any:
    settings.PASSWORD_HASHERS = [
        "haystack_app.auth.hashers.ScramHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    settings.HAYSTACK = {**settings.HAYSTACK, "SCRAM_ITERATIONS": ROUNDS}
    cache.clear()
    return settings


@pytest.fixture
def alice(db: None, scram: Any) -> User:
    return User.objects.create_user("alice", password=PASSWORD)

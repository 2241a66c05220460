"""A user that may manage connectors, in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client


@pytest.fixture
def manager(db: None) -> Any:
    user = get_user_model().objects.create_user("max", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="manage_connectors"))
    return user


@pytest.fixture
def browser(manager: Any) -> Client:
    client = Client()
    client.force_login(manager)
    return client

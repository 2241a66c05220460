"""Users in some database of the tests, and their calls to servers on it."""

from __future__ import annotations

import http.client
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from haystack_app.auth import tokens
from haystack_app.kinds import Grid
from haystack_app.models import Token
from haystack_app.wire import hayson_reader, hayson_writer
from tests.conftest import ALIASES
from tests.patience import PATIENCE

__all__ = ["Caller", "databases", "make_user", "token_of"]


def databases(*names: str, transaction: bool = True) -> list[Any]:
    """Aliases as parameters of a fixture that takes ``transactional_db`` by name.

    Without ``transaction`` it takes ``db``. One whose server is not there is skipped
    with the reason.
    """
    missing = settings.MISSING_SERVICES
    return [
        pytest.param(
            ALIASES[name],
            id=name,
            marks=[
                pytest.mark.skipif(
                    name in missing, reason=missing.get(name, "it is there")
                ),
                pytest.mark.django_db(
                    transaction=transaction,
                    databases=sorted(
                        {"default"} if name in missing else {"default", ALIASES[name]}
                    ),
                ),
            ],
        )
        for name in names
    ]


def make_user(
    alias: str, name: str, password: str, role: str = "", **flags: Any
) -> Any:
    """A user in one of the databases, in the group of a role."""
    users = get_user_model()._default_manager.db_manager(alias)
    made = users.create_user(name, password=password, **flags)
    if role:
        made.groups.add(Group.objects.using(alias).get(name=role))
    return made


def token_of(user: Any, scope: str) -> str:
    """An API token of a user, in the user's database."""
    token = Token(user=user, name=scope, scope=scope)
    secret = tokens.create_secret(token)
    token.save(using=user._state.db)
    return secret


class Caller:
    """Calls ops of a server over one connection, with a token.

    ``patient``: what is refused for the time being (503) is sent again.
    """

    patient = False

    def __init__(self, port: int, token: str) -> None:
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=PATIENCE
        )

    def ask(self, op: str, request: Grid) -> Grid:
        """The answer, an error grid perhaps. Raises OSError or HTTPException."""
        body = hayson_writer.grid_text(request).encode()
        while True:
            self.connection.request("POST", f"/api/{op}", body, self.headers)
            answer = self.connection.getresponse()
            text = answer.read()
            if answer.status != 503 or not self.patient:
                break
        assert answer.status == 200, (answer.status, text)
        return hayson_reader.read_grid(text)

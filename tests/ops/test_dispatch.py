"""The dispatcher: errors, and equal behaviour over HTTP and websockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured, PermissionDenied

from haystack_app.auth.caller import Caller
from haystack_app.auth.throttle import TooManyRequests
from haystack_app.kinds import Grid, Ref
from haystack_app.live.sessions import call_op
from haystack_app.models import Token
from haystack_app.ops import OpError, dispatch, registry
from haystack_app.ops.dispatch import HasSideEffects, UnknownOp, UnknownProject
from haystack_app.storage.handler import storages
from haystack_app.wire.errors import EncodeError
from tests.api.conftest import fill, logged_in, user

pytestmark = pytest.mark.django_db


def itself(grid: Grid) -> Grid:
    return grid


@pytest.fixture
def register() -> Iterator[Callable[..., None]]:
    """Register a function as an op until the end of the test."""
    names: list[str] = []

    def add(name: str, run: Any, **words: Any) -> None:
        registry.op(name, **words)(run)
        names.append(name)

    yield add
    for name in names:
        del registry._ops[name]


@pytest.fixture
def alice() -> Caller:
    fill(storages["default"])
    return Caller(user("alice"))


def test_run(alice: Caller) -> None:
    op = dispatch.authorize("read", alice)
    request = Grid.of([{"filter": "site"}])
    answer = dispatch.run(op, alice, None, request, itself)
    assert {row["id"].id for row in answer} == {"s1", "s2"}
    with pytest.raises(UnknownProject, match="unknown project 'nosuch'"):
        dispatch.run(op, alice, "nosuch", request, itself)


def test_authorize(alice: Caller) -> None:
    with pytest.raises(UnknownOp, match="unknown op 'nosuch'"):
        dispatch.authorize("nosuch", alice)
    with pytest.raises(HasSideEffects, match="hisWrite has side effects: use POST"):
        dispatch.authorize("hisWrite", alice, "GET")
    with pytest.raises(PermissionDenied, match="permission 'change_entity' required"):
        dispatch.authorize("commit", alice)
    reading = Caller(alice.user, Token(user=alice.user, scope=Token.READ))
    with pytest.raises(PermissionDenied, match="token scope 'write' required"):
        dispatch.authorize("hisWrite", reading)
    assert dispatch.authorize("watchSub", reading).name == "watchSub"


def test_an_error_of_a_plug_in_shows_its_text(
    alice: Caller, register: Callable[..., None]
) -> None:
    class Busy(OpError):
        """Of another package than the app's."""

    def refuse(context: Any, grid: Grid) -> Grid:
        raise Busy("the controller is busy: try again in a minute")

    def fail(context: Any, grid: Grid) -> Grid:
        raise ValueError("a secret of the server")

    register("refuse", refuse)
    register("fail", fail)
    for name, text in (
        ("refuse", "the controller is busy: try again in a minute"),
        ("fail", "internal error"),
    ):
        op = dispatch.authorize(name, alice)
        answer = dispatch.run(op, alice, None, Grid(), itself)
        assert answer.is_error
        assert answer.meta["dis"] == text


def test_the_time_limit_covers_what_is_written(
    alice: Caller, register: Callable[..., None], monkeypatch: Any
) -> None:
    limits: list[int] = []
    store = type(storages["default"])
    limit = store.time_limit

    def noted(self: Any, seconds: int) -> Any:
        limits.append(seconds)
        return limit(self, seconds)

    monkeypatch.setattr(store, "time_limit", noted)
    client = logged_in("bob")
    client.get("/api/about")
    client.post("/api/about", b'ver:"3.0"\nempty\n', content_type="text/zinc")
    call_op(alice, None, "about", Grid())
    assert limits == [60, 60, 60]


@pytest.mark.parametrize("how", ["GET", "POST", "websocket"])
def test_every_way_counts_the_same(settings: Any, how: str) -> None:
    cache.clear()
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": {"USER": 3}}
    client = logged_in("alice")
    caller = Caller(client.get("/").wsgi_request.user)

    def ask() -> int:
        if how == "websocket":
            try:
                call_op(caller, None, "about", Grid())
            except Exception as error:
                return int(getattr(error, "status_code", 0))
            return 200
        words: dict[str, Any] = {"content_type": "text/zinc"} if how == "POST" else {}
        body = [b'ver:"3.0"\nempty\n'] if how == "POST" else []
        status: int = getattr(client, how.lower())(
            "/api/about", *body, **words
        ).status_code
        return status

    assert [ask() for _ in range(4)] == [200, 200, 200, 429]
    with pytest.raises(TooManyRequests):
        dispatch.authorize("about", caller)
    cache.clear()


def test_the_name_of_an_op_is_taken_once(register: Callable[..., None]) -> None:
    def another(context: Any, grid: Grid) -> Grid:
        return grid

    with pytest.raises(ImproperlyConfigured, match="op 'read' is already registered"):
        register("read", another)
    assert registry.find_op("read") is not None


@pytest.mark.parametrize("error", [EncodeError("no"), TypeError("no"), KeyError("no")])
def test_a_stored_change_is_answered_although_its_answer_cannot_be_written(
    error: Exception,
) -> None:
    store = storages["default"]
    fill(store)
    request = Grid.of([{"id": Ref("new")}], None, {"commit": "add"})
    written: list[Grid] = []

    def write(grid: Grid) -> Grid:
        written.append(grid)
        if list(grid):
            raise error
        return grid

    caller = Caller(user("boss", is_staff=True))
    answer = dispatch.run(
        dispatch.authorize("commit", caller), caller, None, request, write
    )
    assert not answer.is_error
    assert "commit: done" in answer.meta["dis"]
    assert store.existing("new")
    answer = dispatch.run(
        dispatch.authorize("commit", caller), caller, None, request, write
    )
    assert "already exists" in answer.meta["dis"]

"""What all kinds of connectors share: settings, secrets, statuses, jobs, rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from haystack_app.connectors import (
    ConnectorError,
    connector,
    connector_status_changed,
    kind_of,
)
from haystack_app.connectors.context import ConnectorContext
from haystack_app.connectors.kind import clean_settings
from haystack_app.connectors.leases import Busy, turn
from haystack_app.connectors.secrets import check_name, redacted, secret_of
from haystack_app.connectors.tasks import ask_for
from haystack_app.jobs.context import JobLost
from haystack_app.jobs.worker import Worker
from haystack_app.kinds import Ref
from haystack_app.models import Connector, GroupScope, Job, Task
from haystack_app.storage.errors import OutOfScope
from tests.connectors.examples import Listener, Meter

pytestmark = pytest.mark.django_db

SECRET = "kX9-trustno1"


def made(kind: str = "test-listener", **settings: Any) -> Connector:
    return Connector.objects.create(name="plant", kind=kind, settings=settings)


def test_a_kind_is_registered_once() -> None:
    with pytest.raises(ValueError, match="already exists"):
        connector("test-meter")(Meter)


def test_an_unknown_kind_names_those_that_are_known() -> None:
    with pytest.raises(ConnectorError, match=r"'bacnet' not found.*test-meter"):
        kind_of("bacnet")


def test_settings_have_defaults_and_are_checked() -> None:
    assert clean_settings(Listener, {})["topic"] == "a/b"
    for wrong, text in [
        ([], "must be an object"),
        ({"tpoic": 1}, "unknown setting 'tpoic'; there are: topic, password, limit"),
        ({"limit": 0}, "limit: Ensure this value is greater"),
        ({"password": SECRET}, "password: write the name of the secret"),
    ]:
        with pytest.raises(ValidationError) as caught:
            clean_settings(Listener, wrong)
        assert text in "; ".join(caught.value.messages)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("env:SECRET_KEY", "env:DATABASE_URL", "env:connector_x", "file:../shadow"),
        *("file:/etc/shadow", "file:..", "file:", "hunter2", "env:CONNECTOR_A\n"),
    ],
)
def test_names_lead_to_secrets_of_connectors_only(name: str) -> None:
    with pytest.raises(ValidationError):
        check_name(name)
    with pytest.raises(ConnectorError):
        secret_of(name)


def test_secrets_come_from_environment_and_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any
) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "CONNECTOR_SECRETS": str(tmp_path)}
    monkeypatch.setenv("CONNECTOR_A", SECRET)
    (tmp_path / "plant").write_text("two words\n")
    assert secret_of("env:CONNECTOR_A") == SECRET
    assert secret_of("file:plant") == "two words"
    for missing in ("env:CONNECTOR_B", "file:other"):
        with pytest.raises(ConnectorError, match="is missing or empty"):
            secret_of(missing)


def test_redacted_hides_the_longest_first() -> None:
    assert redacted("a secret-2 b", {"secret", "secret-2"}) == "a [hidden] b"
    assert redacted("ab", {"a"}) == "ab"


@pytest.mark.parametrize("topic", ["wrong", "bug"])
def test_no_secret_in_status_job_or_log(
    topic: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("CONNECTOR_A", SECRET)
    row = made(topic=topic, password="env:CONNECTOR_A")
    user = get_user_model().objects.create_superuser("root")
    ask_for(user, row, "ping")
    Worker({"short": 1}).run_one(["short"])
    job = Job.objects.get()
    row.refresh_from_db()
    assert job.status == Job.Status.FAILED
    assert row.status == ("authentication" if topic == "wrong" else "failed")
    assert row.last_error in ("[hidden] is wrong", "internal error (RuntimeError)")
    assert SECRET not in f"{job.errors}{row.last_error}{row.state}{caplog.text}"
    assert ("[hidden]" in caplog.text) or topic == "wrong"


def test_ask_for_makes_one_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_A", SECRET)
    row = made(password="env:CONNECTOR_A")
    user = get_user_model().objects.create_superuser("root")
    assert ask_for(user, row, "ping") == ask_for(user, row, "ping")
    Worker({"short": 1}).run_one(["short"])
    job = Job.objects.get()
    assert (job.status, job.result) == (Job.Status.SUCCESSFUL, {"topic": "a/b"})
    row.refresh_from_db()
    assert (row.status, row.last_error) == ("ok", "")
    assert row.last_success_at is not None


@pytest.mark.parametrize("who", ["nothing", "scope"])
def test_jobs_of_users_that_may_not_manage_fail(who: str) -> None:
    user = get_user_model().objects.create_user("eve")
    if who == "scope":
        give(user)
        group = Group.objects.create(name="tenant")
        GroupScope.objects.create(group=group, filter="tenant == 1")
        user.groups.add(group)
    ask_for(user, made("test-meter"), "learn")
    Worker({"long": 1}).run_one(["long"])
    assert Job.objects.get().status == Job.Status.FAILED


def give(user: Any) -> None:
    from django.contrib.auth.models import Permission

    user.user_permissions.add(Permission.objects.get(codename="manage_connectors"))


def test_a_changed_status_is_announced_once() -> None:
    heard: list[tuple[str, str]] = []

    def receive(
        sender: Any, connector: Connector, status: str, error: str, **_: Any
    ) -> None:
        heard.append((status, error))

    connector_status_changed.connect(receive)
    try:
        context = ConnectorContext(made())
        context.succeeded()
        context.failed(Connector.Status.TIMEOUT, "slow")
        context.failed(Connector.Status.TIMEOUT, "still slow")
        context.succeeded(lag=2)
    finally:
        connector_status_changed.disconnect(receive)
    assert heard == [("ok", ""), ("timeout", "slow"), ("ok", "")]
    row = Connector.objects.get()
    assert (row.lag, row.last_error) == (2, "still slow")


def test_one_process_at_a_time_does_an_action() -> None:
    row = made("test-meter")
    first, second = ConnectorContext(row), ConnectorContext(row)
    with turn(row, "learn", first, is_waiting=False):
        with (
            pytest.raises(Busy),
            turn(row, "learn", second, is_waiting=False),
        ):
            pass
        with turn(row, "history", second, is_waiting=False):
            pass
        Task.objects.filter(name__endswith="learn").update(holder="another")
        [keep] = first.keepers
        keep.__self__.keep_at = 0.0  # type: ignore[attr-defined]
        with pytest.raises(JobLost):
            first.check()


def test_a_connector_writes_inside_its_group_only() -> None:
    group = Group.objects.create(name="north")
    row = made("test-meter")
    row.group = group
    with pytest.raises(ConnectorError, match="has no filter"):
        Meter(row)
    GroupScope.objects.create(group=group, filter='tenant == "n"')
    store = Meter(row).store
    store.load_entities([{"id": Ref("a"), "tenant": "n"}])
    with pytest.raises(OutOfScope):
        store.load_entities([{"id": Ref("b"), "tenant": "s"}])


def test_stores_of_one_process_have_no_connectors(settings: Any) -> None:
    backend = "haystack_app.storage.memory.InMemoryAdapter"
    stores = {**settings.HAYSTACK["STORAGES"], "own": {"BACKEND": backend}}
    settings.HAYSTACK = {**settings.HAYSTACK, "STORAGES": stores}
    row = made("test-meter")
    row.storage = "own"
    with pytest.raises(ConnectorError, match="in the memory of one process"):
        Meter(row)

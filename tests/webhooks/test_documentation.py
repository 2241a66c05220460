"""The code of docs/webhooks.md and docs/embedding.md, as it is written there."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import time_machine

from haystack_app.kinds import Number
from haystack_app.models import Webhook
from haystack_app.storage.signals import point_written, send
from haystack_app.storage.write_log import LevelWrite
from haystack_app.webhooks.deliveries import send_test
from haystack_app.webhooks.signatures import new_secret, secret_of
from tests.webhooks.receiver import Receiver

DOCS = Path(__file__).parents[2] / "docs"


def code(page: str, after: str) -> str:
    """The first Python block after a heading."""
    text = (DOCS / page).read_text("utf-8").partition(f"\n## {after}\n")[2]
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.django_db
def test_a_receiver_verifies_signatures(
    receiver: Receiver, hook: Any, settings: Any
) -> None:
    names: dict[str, Any] = {}
    exec(compile(code("webhooks.md", "Receive it"), "webhooks.md", "exec"), names)
    verify = names["verify"]
    webhook: Webhook = hook()
    secret = secret_of(webhook)
    send_test(webhook)
    held = receiver.last
    header = held.headers["X-Haystack-Signature"]
    assert verify(secret, header, held.body)
    assert not verify(secret, header, held.body + b" ")
    assert not verify(secret, header.replace("t=1", "t=2"), held.body)
    assert not verify(new_secret(webhook), header, held.body)
    for wrong in ("", "t=", "v1=", header.partition(",")[0], f"t=x,{header}"):
        assert not verify(secret, wrong, held.body)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=6)):
        assert not verify(secret, header, held.body)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    send_test(Webhook.objects.get())
    held = receiver.last
    assert verify(secret, held.headers["X-Haystack-Signature"], held.body)


def test_a_receiver_of_a_signal(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(compile(code("embedding.md", "Signals"), "embedding.md", "exec"), names)
    try:
        at = dt.datetime.now(dt.UTC)
        write = LevelWrite(at, "fan", 8, "set", Number(1), "Joe", "joe")
        send(point_written, alias="default", write=write)
    finally:
        assert point_written.disconnect(names["show_override"])
    assert capsys.readouterr().out == "default: joe set @fan level 8\n"

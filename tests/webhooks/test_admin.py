"""The pages of webhooks and deliveries, and the command."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from haystack_app.kinds import MARKER
from haystack_app.models import GroupScope, Webhook, WebhookDelivery
from haystack_app.storage.handler import storages
from haystack_app.webhooks import signatures
from haystack_app.webhooks.events import trial
from haystack_app.webhooks.outbox import add
from tests.storage.building import entity
from tests.webhooks import receiver as servers
from tests.webhooks.conftest import deliver, owner, send_due
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.django_db
LIST = "/admin/haystack_app/webhook/"
LOG = "/admin/haystack_app/webhookdelivery/"


def editor(name: str, scope: str = "") -> User:
    user = owner(name, scope)
    user.is_staff = True
    user.save()
    codenames = [f"{verb}_webhook" for verb in ("add", "change", "delete", "view")]
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def ann(client: Client) -> User:
    """Who is logged in, and sees one site."""
    user = editor("ann", "id == @north")
    client.force_login(user)
    return user


def form(**fields: Any) -> dict[str, Any]:
    base = {"name": "mine", "url": "https://example.com/hook", "storage": "default"}
    base |= {"filter": "site", "limit_tag": "curVal", "hysteresis": "0"}
    return base | {"enabled": "on", "with_tags": "on", "on_created": "on"} | fields


def text_of(response: Any) -> str:
    return strip_tags(response.content.decode())


def test_a_secret_is_shown_once(client: Client, ann: User) -> None:
    page = client.post(f"{LIST}add/", form(), follow=True)
    found = re.search(r"whsec_[\w-]{43}", text_of(page))
    webhook = Webhook.objects.get()
    assert found and found[0] == signatures.secret_of(webhook)
    assert (webhook.owner, webhook.name) == (ann, "mine")
    for path in (LIST, f"{LIST}{webhook.pk}/change/"):
        content = client.get(path).content.decode()
        assert "mine" in content
        assert "whsec_" not in content and webhook.salt not in content
    action = {"action": "renew_secret", "_selected_action": [webhook.pk]}
    again = re.search(
        r"whsec_[\w-]{43}", text_of(client.post(LIST, action, follow=True))
    )
    assert again and again[0] != found[0]


def test_an_editor_owns_what_they_make(client: Client, ann: User) -> None:
    """A webhook of another user would send what that user may see."""
    root = User.objects.create_superuser("root", password="x")
    client.post(f"{LIST}add/", form(owner=str(root.pk)))
    webhook = Webhook.objects.get()
    assert webhook.owner == ann
    page = f"{LIST}{webhook.pk}/change/"
    client.post(page, form(owner=str(root.pk), name="changed"))
    webhook.refresh_from_db()
    assert (webhook.owner, webhook.name) == (ann, "changed")


def test_a_tenant_gets_only_what_they_see(
    client: Client, ann: User, receiver: Receiver
) -> None:
    client.post(f"{LIST}add/", form(url=receiver.url, filter="site or id"))
    storages["default"].load_entities(
        [entity("north", site=MARKER), entity("south", site=MARKER)]
    )
    deliver(Webhook.objects.get())
    events = receiver.last.json["events"]
    assert [event["entityId"] for event in events] == ["north"]


def test_webhooks_of_others_are_unknown(
    client: Client, ann: User, receiver: Receiver, hook: Any
) -> None:
    theirs = hook(editor("bob"), name="secret plan")
    [delivery] = add(theirs, [trial(timezone.now())], timezone.now())
    for path in (LIST, LOG):
        content = client.get(path).content.decode()
        assert "secret plan" not in content and "bob" not in content
    for path in (
        f"{LIST}{theirs.pk}/change/",
        f"{LIST}{theirs.pk}/delete/",
        f"{LOG}{delivery.pk}/change/",
    ):
        assert client.get(path).status_code == 302  # to the index: it does not exist
    client.post(f"{LIST}{theirs.pk}/change/", form(url="https://evil.example/"))
    client.post(f"{LIST}{theirs.pk}/delete/", {"post": "yes"})
    for action in ("send_test", "renew_secret", "skip_waiting", "delete_selected"):
        chosen = {"action": action, "_selected_action": [theirs.pk], "post": "yes"}
        client.post(LIST, chosen)
    client.post(LOG, {"action": "resend", "_selected_action": [delivery.pk]})
    kept = Webhook.objects.get()
    assert (kept.url, kept.salt) == (theirs.url, theirs.salt)
    assert WebhookDelivery.objects.get().status == "waiting"
    assert not receiver.received


def test_without_the_permission(client: Client, receiver: Receiver, hook: Any) -> None:
    clerk = owner("clerk")
    clerk.is_staff = True
    clerk.save()
    hook(clerk)
    client.force_login(clerk)
    for path in (LIST, f"{LIST}add/", LOG):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"url": "ftp://example.com/"}, "must be a URL such as"),
        ({"url": "https:///x"}, "must be a URL such as"),
        ({"url": "https://example.com:99999/"}, "must be a URL such as"),
        ({"url": "https://u:p@example.com/"}, "user or a password"),
        ({"url": "https://exämple.com/"}, "must be ASCII"),
        ({"url": "https://example.com/a b"}, "must be ASCII without spaces"),
        ({"url": "https://example.com/#a"}, "fragment"),
        ({"filter": "site and"}, "not a Haystack filter"),
        ({"limit": "80°C"}, "belong together"),
        ({"limit_op": ">"}, "belong together"),
        ({"limit": "warm", "limit_op": ">"}, "not a Haystack number"),
        ({"limit": '"a"', "limit_op": ">"}, "must be a finite number"),
        ({"limit": "NaN", "limit_op": ">"}, "must be a finite number"),
        ({"hysteresis": "-1"}, "greater than or equal to 0"),
        ({"on_created": ""}, "at least one kind"),
        ({"storage": "nosuch"}, "not one of the available choices"),
        ({"name": ""}, "required"),
    ],
)
def test_what_is_wrong_is_said(
    fields: dict[str, str], error: str, client: Client, ann: User
) -> None:
    page = client.post(f"{LIST}add/", form(**fields))
    assert page.status_code == 200 and error in text_of(page)
    assert not Webhook.objects.exists()


def test_names_and_numbers_of_webhooks(
    client: Client, ann: User, settings: Any, receiver: Receiver, hook: Any
) -> None:
    hook(owner("bob"), name="mine")
    client.post(f"{LIST}add/", form())
    assert Webhook.objects.filter(owner=ann).count() == 1
    assert "with this name exists" in text_of(client.post(f"{LIST}add/", form()))
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"WEBHOOKS": 1}}
    page = client.post(f"{LIST}add/", form(name="more"))
    assert "a user may have 1 webhooks at most" in text_of(page)


def test_a_change_leaves_what_the_job_writes(
    client: Client, receiver: Receiver, hook: Any
) -> None:
    root = User.objects.create_superuser("root", password="x")
    client.force_login(root)
    receiver.behaviours = [servers.answer(500), servers.answer(200)]
    webhook = hook(owner("ann"))
    Webhook.objects.update(position={"changes": 77}, note="Disabled ..", enabled=False)
    add(webhook, [trial(timezone.now())], timezone.now())
    Webhook.objects.update(enabled=True)
    send_due()
    fields = form(url=receiver.url, owner=str(webhook.owner_id), name="renamed")
    assert client.post(f"{LIST}{webhook.pk}/change/", fields).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.name, webhook.position) == ("renamed", {"changes": 77})
    assert (webhook.note, webhook.failing_since) == ("", None)
    assert [one.status for one in send_due()] == [200]  # it is tried at once


def test_deliveries(client: Client, ann: User, receiver: Receiver, hook: Any) -> None:
    receiver.behaviours = [servers.answer(500, b"<b>broken</b>")]
    storages["default"].load_entities([entity("north", site=MARKER, dis="Hidden")])
    webhook = hook(ann, on_removed=True, on_updated=True)
    storages["default"].commit([], remove=["north"])
    deliver(webhook)
    page = client.get(LOG).content.decode()
    assert "1 removed" in page and "answered 500" in page
    detail = client.get(f"{LOG}{WebhookDelivery.objects.get().pk}/change/")
    content = detail.content.decode()
    assert "&lt;b&gt;broken" in content
    assert "Hidden" not in content and "north" not in strip_tags(content)
    WebhookDelivery.objects.update(status="failed")
    receiver.behaviours = [servers.answer(200)]
    key = WebhookDelivery.objects.get().pk
    page = client.post(
        LOG, {"action": "resend", "_selected_action": [key]}, follow=True
    )
    assert "1 delivery will be sent again" in text_of(page)
    assert [one.status for one in send_due()] == [200]


def test_actions(client: Client, ann: User, receiver: Receiver, hook: Any) -> None:
    receiver.behaviours = [servers.answer(200), servers.answer(404)]
    webhook = hook(ann)
    chosen = {"action": "send_test", "_selected_action": [webhook.pk]}
    assert "hook: answered 200" in text_of(client.post(LIST, chosen, follow=True))
    assert "hook: answered 404" in text_of(client.post(LIST, chosen, follow=True))
    Webhook.objects.update(filter="site and")
    assert "not a Haystack filter" in text_of(client.post(LIST, chosen, follow=True))
    Webhook.objects.update(filter="site")
    add(webhook, [trial(timezone.now())], timezone.now())
    chosen["action"] = "skip_waiting"
    assert "skipped 1 delivery" in text_of(client.post(LIST, chosen, follow=True))
    client.post(f"{LIST}{webhook.pk}/delete/", {"post": "yes"})
    assert not Webhook.objects.exists() and not WebhookDelivery.objects.exists()


def test_a_deleted_owner_takes_their_webhooks(receiver: Receiver, hook: Any) -> None:
    webhook = hook(owner("ann"))
    add(webhook, [trial(timezone.now())], timezone.now())
    User.objects.get(username="ann").delete()
    assert not WebhookDelivery.objects.exists()


# -- the command --------------------------------------------------------------


def command(*words: str) -> str:
    out = StringIO()
    call_command("haystack_webhook", *words, stdout=out)
    return out.getvalue()


def test_the_command(receiver: Receiver, hook: Any) -> None:
    receiver.behaviours = [servers.answer(200), servers.answer(500)]
    webhook = hook(owner("ann"))
    assert command("test", "hook") == "hook: answered 200\n"
    assert receiver.last.kinds == ["test"]
    with pytest.raises(CommandError, match="hook: answered 500"):
        command("test", "hook")
    with pytest.raises(CommandError, match="webhook 'nosuch' not found"):
        command("test", "nosuch")
    hook(owner("bob"), enabled=False)
    Webhook.objects.filter(owner__username="bob").update(note="Disabled ..")
    with pytest.raises(CommandError, match="'hook' of ann, bob: say which"):
        command("test", "hook")
    with pytest.raises(CommandError, match="hook: answered 500"):
        command("test", "hook", "--owner", "ann")
    add(webhook, [trial(timezone.now())], timezone.now())
    lines = command("list").splitlines()
    assert lines[0].startswith("hook (ann): enabled, failing since ")
    assert lines[0].endswith(", 1 waiting")
    assert lines[1:] == ["hook (bob): disabled, 0 waiting", "  Disabled .."]


def test_the_command_without_webhooks() -> None:
    assert command("list") == "no webhooks\n"


def test_a_model_is_validated() -> None:
    group = Group.objects.create(name="g")
    GroupScope.objects.create(group=group, filter="site")
    with pytest.raises(ValidationError):
        Webhook(name="a", owner=owner(), url="x", filter="site").full_clean()

"""Entities in the admin: searched by filters, looked at, never changed."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from haystack_app.admin import pagination
from haystack_app.kinds import MARKER, DateTime, Grid, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages

LIST = "/admin/haystack_app/entity/"


def page(id: str) -> str:
    return reverse("admin:haystack_app_entity_change", args=[id])


@pytest.fixture
def building(db: None) -> StorageAdapter:
    store = storages["default"]
    store.load_entities(
        [
            {"id": Ref("s"), "site": MARKER, "dis": "Main <b>Hall</b>"},
            {"id": Ref("e_1"), "equip": MARKER, "ahu": MARKER, "siteRef": Ref("s")},
            {
                "id": Ref("p"),
                "dis": "Room Temp",
                "point": MARKER,
                "sensor": MARKER,
                "his": MARKER,
                "kind": "Number",
                "unit": "°F",
                "tz": "New_York",
                "siteRef": Ref("s"),
                "equipRef": Ref("e_1"),
                "lostRef": Ref("lost", "Lost one"),
                "cfg": {"inner": {"ref": Ref("s")}},
                "refs": [Ref("s"), Ref("e_1")],
                "table": Grid.of([{"a": Ref("s"), "b": "<i>"}]),
                "curVal": Number(71, "°F"),
            },
            {"id": Ref("old"), "trash": MARKER, "dis": "Old"},
        ]
    )
    return store


def found(client: Client, filter: str = "") -> list[str]:
    response = client.get(LIST, {"q": filter} if filter else {})
    assert response.status_code == 200
    return [entity.id for entity in response.context["cl"].result_list]


def test_every_entity_is_listed(admin_client: Client, building: StorageAdapter) -> None:
    assert found(admin_client) == ["e_1", "old", "p", "s"]
    text = admin_client.get(LIST).content.decode()
    assert "equip · ahu" in text and "point · sensor" in text
    assert text.count("Main &lt;b&gt;Hall&lt;/b&gt;") == 3  # itself and two siteRefs
    assert "<b>Hall</b>" not in text
    assert text.count('class="hs-trash"') == 1


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ("site", ["s"]),
        ("siteRef==@s", ["e_1", "p"]),
        ("point and siteRef->site and curVal > 70°F", ["p"]),
        ("cfg->inner->ref == @s", ["p"]),
        ("not site and not point", ["e_1", "old"]),
        ("id == @p", ["p"]),
        ("nothing", []),
    ],
)
def test_search_by_filter(
    admin_client: Client, building: StorageAdapter, filter: str, ids: list[str]
) -> None:
    assert found(admin_client, filter) == ids


@pytest.mark.parametrize(
    "filter",
    ["site and", "a == ", "(" * 10_000, "x" * 20_000, "é", '"', "@nothing"],
)
def test_no_filter_is_a_message(
    admin_client: Client, building: StorageAdapter, filter: str
) -> None:
    response = admin_client.get(LIST, {"q": filter})
    assert response.status_code == 200
    assert list(response.context["cl"].result_list) == []
    (message,) = response.context["messages"]
    if len(filter) < 10_000:
        assert message.message.startswith("Not a Haystack filter (")
        assert "column" in message.message
    else:
        assert message.message.startswith("Invalid search: ")


def test_words_find_names(admin_client: Client, building: StorageAdapter) -> None:
    [site] = building.read("site", 1)
    building.update_entities([{"id": site["id"], "dis": "Westhafen"}], force=True)
    for text in ("westhafen", "west HAFEN", "Westhafen and"):
        response = admin_client.get(LIST, {"q": text})
        found = {entity.id for entity in response.context["cl"].result_list}
        wanted = {row["id"].id for row in building.search(text)}
        assert found == wanted and (site["id"].id in found) == ("and" not in text)


def test_long_filters_are_answered(
    admin_client: Client, building: StorageAdapter
) -> None:
    assert found(
        admin_client, " or ".join(f"a{n}" for n in range(1_500)) + " or site"
    ) == ["s"]
    assert found(admin_client, "(" * 90 + "site" + ")" * 90) == ["s"]


def test_the_page_of_a_point(admin_client: Client, building: StorageAdapter) -> None:
    first = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
    building.his_write(
        "p",
        [
            (DateTime(first + dt.timedelta(minutes=minute), "New_York"), Number(minute))
            for minute in range(60)
        ],
    )
    response = admin_client.get(page("p"))
    samples = response.context["samples"]
    assert len(samples) == 50
    assert samples[0] == ("2026-01-05T07:59:00-05:00 New_York", "59°F")
    text = response.content.decode()
    assert "71°F" in text and ">curVal<" in text
    assert f'<a href="{page("s")}">Main &lt;b&gt;Hall&lt;/b&gt;</a>' in text
    assert "Lost one" in text and text.count("missing") == 2  # its tag, and as a ref
    assert "<i>" not in text
    paths = [path for path, _ in response.context["refs"]]
    assert paths == [
        "cfg.inner.ref",
        "equipRef",
        "lostRef",
        "refs",
        "refs",
        "siteRef",
        "table[]",
    ]


def test_referrers_of_a_site(admin_client: Client, building: StorageAdapter) -> None:
    response = admin_client.get(page("s"))
    assert response.context["samples"] is None
    groups = {group.path: group for group in response.context["referrers"]}
    assert {path: group.count for path, group in groups.items()} == {
        "cfg.inner.ref": 1,
        "refs": 1,
        "siteRef": 2,
        "table[]": 1,
    }
    for path, ids in (
        ("cfg.inner.ref", ["p"]),
        ("siteRef", ["e_1", "p"]),
        ("table[]", ["p"]),
    ):
        answer = admin_client.get(groups[path].search)
        assert [entity.id for entity in answer.context["cl"].result_list] == ids


def test_ids_that_need_quoting(admin_client: Client, building: StorageAdapter) -> None:
    response = admin_client.get(LIST, {"q": "ahu"})
    assert f"{LIST}e_5F1/change/" in response.content.decode()
    assert admin_client.get(f"{LIST}e_5F1/change/").status_code == 200


def test_an_unknown_id(admin_client: Client, building: StorageAdapter) -> None:
    response = admin_client.get(page("nope"), follow=True)
    assert response.redirect_chain[-1][0] == LIST
    assert "There is no entity @nope." in response.content.decode()


def test_nothing_can_be_changed(admin_client: Client, building: StorageAdapter) -> None:
    before = [record.raw for record in building.scan()]
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}s/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(page("s"), {"tags": "{}"})
    admin_client.post(LIST, {"action": "delete_selected", "_selected_action": ["s"]})
    assert [record.raw for record in building.scan()] == before


def test_staff_without_permission(client: Client, building: StorageAdapter) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get(LIST).status_code == 403
    assert client.get(page("s")).status_code == 403


def test_big_tables_are_counted_to_a_bound(
    admin_client: Client, building: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "MOST", 2)
    monkeypatch.setattr("haystack_app.admin.entity.MOST", 2)
    response = admin_client.get(LIST)
    assert response.context["cl"].result_count == 3
    assert "More than 2 entities" in response.content.decode()


def test_the_list_asks_the_database_little(
    admin_client: Client,
    building: StorageAdapter,
    django_assert_max_num_queries: object,
) -> None:
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        found(admin_client, "point or equip")


# -- what a group may see ---------------------------------------------------------


@pytest.fixture
def member(building: StorageAdapter) -> Client:
    """Staff that may see the point and what it is of, but not the site."""
    group = Group.objects.create(name="members")
    GroupScope.objects.create(group=group, filter="not site")
    staff = User.objects.create_user("member", is_staff=True)
    staff.groups.set([group, Group.objects.get(name="viewer")])
    client = Client()
    client.force_login(staff)
    return client


def test_the_list_shows_what_a_group_may_see(member: Client) -> None:
    assert found(member) == ["e_1", "old", "p"]
    assert found(member, "id") == ["e_1", "old", "p"]
    assert found(member, "siteRef->site") == []
    assert found(member, "equipRef->ahu") == ["p"]
    assert b"Main" not in member.get(LIST).content


def test_names_of_hidden_entities_do_not_show(
    member: Client, building: StorageAdapter
) -> None:
    """A macro quotes the site."""
    named = {"disMacro": "$siteRef $navName", "navName": "Air"}
    building.load_entities(
        [{"id": Ref("m"), "siteRef": Ref("s"), "equipRef": Ref("e_1"), **named}]
    )
    for path in (LIST, page("m"), page("e_1")):
        text = member.get(path).content.decode()
        assert "Air" in text and "Main" not in text, path


def test_the_audit_log_needs_an_unrestricted_view(member: Client) -> None:
    audit = reverse("admin:haystack_app_auditentry_changelist")
    staff = User.objects.get(username="member")
    staff.groups.add(Group.objects.get(name="admin"))
    assert member.get(audit).status_code == 403
    staff.groups.remove(Group.objects.get(name="members"))
    assert member.get(audit).status_code == 200


def test_pages_show_what_a_group_may_see(member: Client) -> None:
    response = member.get(page("p"))
    assert response.status_code == 200
    text = response.content.decode()
    assert "Main" not in text
    assert "missing" in text
    assert member.get(page("s")).status_code == 302
    assert "siteRef" not in str(member.get(page("e_1")).context["referrers"])


def test_a_group_gets_its_filter_in_the_admin(
    admin_client: Client, building: StorageAdapter
) -> None:
    group = Group.objects.create(name="north")
    url = reverse("admin:auth_group_change", args=[group.pk])
    prefix = "haystack_scope"
    form = {
        "name": "north",
        f"{prefix}-TOTAL_FORMS": "1",
        f"{prefix}-INITIAL_FORMS": "0",
        f"{prefix}-0-group": str(group.pk),
    }
    response = admin_client.post(url, {**form, f"{prefix}-0-filter": "(("})
    assert "not a Haystack filter" in response.content.decode()
    response = admin_client.post(url, {**form, f"{prefix}-0-filter": "site"})
    assert response.status_code == 302
    assert GroupScope.objects.get(group=group).filter == "site"


def test_columns_are_not_looked_into(
    admin_client: Client, building: StorageAdapter
) -> None:
    for query in ("tags__contains=x", "edges__dst=s", "id__startswith=p"):
        assert admin_client.get(f"{LIST}?{query}").status_code == 400


def test_what_is_in_no_table_is_for_the_explorer(
    admin_client: Client, db: None, settings: Any
) -> None:
    memory = {"BACKEND": "haystack_app.storage.memory.InMemoryAdapter"}
    settings.HAYSTACK = {**settings.HAYSTACK, "STORAGES": {"default": memory}}
    index = admin_client.get("/admin/").content.decode()
    assert "/haystack_app/token/" in index
    assert "/haystack_app/entity/" not in index
    assert "/haystack_app/watch/" not in index
    found = admin_client.get(LIST, {"q": "site and dis"})
    assert found["Location"] == "/explore/?filter=site+and+dis"
    assert admin_client.get(page("p"))["Location"] == "/explore/?id=p"


def test_the_quality_of_the_points_that_are_listed(
    building: StorageAdapter, admin_client: Client
) -> None:
    text = 'dis == "Room Temp" and not x'
    for filter in ("", text):
        body = admin_client.get(LIST, {"q": filter}).content.decode()
        [link] = re.findall(r'href="(/api/quality[^"]*)"', body)
        answer = admin_client.get(html.unescape(link))
        assert answer["Content-Disposition"].endswith('filename="quality.csv"')
        assert answer.content.decode().splitlines()[1].startswith("'@p,Room Temp,0,")
    assert parse_qs(urlsplit(html.unescape(link)).query)["filter"] == [text]

"""The databases are as after migrations when a test that commits has ended."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connections

from haystack_app.models import Entity
from haystack_app.storage.orm import OrmAdapter
from tests import committing
from tests.defects.building import building

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.mark.parametrize("alias", list(connections))
def test_what_a_test_adds_is_deleted(alias: str) -> None:
    before = committing._content(alias, committing._kept(alias))
    OrmAdapter(using=alias).load_entities(building())
    group = Group.objects.using(alias).create(name="added")
    group.permissions.add(*Permission.objects.using(alias)[:2])
    User.objects.using(alias).create(username="added").groups.add(group)
    assert committing._restored(alias)
    assert not Entity.objects.using(alias).exists()
    assert committing._content(alias, committing._kept(alias)) == before


@pytest.mark.parametrize("alias", list(connections))
@pytest.mark.parametrize("change", ["delete", "rename"])
def test_changes_of_what_migrations_wrote_are_noticed(alias: str, change: str) -> None:
    group = Group.objects.using(alias).get(name="operator")
    if change == "delete":
        group.delete()
    else:
        group.name = "renamed"
        group.save()
    assert not committing._restored(alias)  # so that everything is flushed

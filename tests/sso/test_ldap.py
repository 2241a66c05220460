"""Users of a directory log in by the settings that the docs show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.api.servers import Server
from tests.sso.directory import READER, SLAPD, Directory
from tests.sso.site import Browser, manage

pytest.importorskip("django_auth_ldap", reason="django-auth-ldap is not installed")
if not SLAPD.exists():
    pytest.skip(f"no {SLAPD} (Debian's package slapd)", allow_module_level=True)

PEOPLE = {"lea": "of the directory", "leo": "another one", "boss": "no superuser"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    folder = tmp_path_factory.mktemp("directory")
    groups = {"operator": "lea", "viewer": "leo", "superusers": "boss"}
    found = Directory(folder, PEOPLE, groups)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, directory: Directory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("site")
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.sso.ldap_settings",
        "LDAP_URI": directory.uri,
        "LDAP_PASSWORD": READER,
    }
    server = Server(f"sqlite:///{folder}/site.sqlite3", folder, **environ)
    manage(server, ["migrate", "--verbosity", "0"])
    with server:
        yield server


def ops(server: Server, name: str, password: str) -> int:
    url = f"{server.root}/api/read?filter=site"
    return requests.get(url, auth=(name, password), timeout=60).status_code


def groups_of(server: Server, name: str) -> str:
    code = (
        "from django.contrib.auth import get_user_model as m;"
        f"u = m().objects.get(username={name!r});"
        "print(u.is_superuser, u.email, *u.groups.values_list('name', flat=True))"
    )
    return manage(server, ["shell", "-v", "0", "-c", code]).strip()


def test_basic(server: Server) -> None:
    assert ops(server, "lea", PEOPLE["lea"]) == 200
    assert groups_of(server, "lea") == "False lea@example.org operator"
    for name, password in (("lea", "wrong"), ("lea", ""), ("*", "x"), ("l*", "x")):
        assert ops(server, name, password) == 401, (name, password)


def test_the_log_in_page(server: Server) -> None:
    browser = Browser(server)
    browser.log_in("leo", PEOPLE["leo"])
    assert browser.status("/account/") == 200
    assert browser.status("/api/read?filter=site") == 200
    stranger = Browser(server)
    stranger.log_in("leo", "wrong")
    assert stranger.status("/account/") == 302


def test_other_groups_of_the_directory_give_nothing(server: Server) -> None:
    assert ops(server, "boss", PEOPLE["boss"]) == 403
    assert groups_of(server, "boss") == "False boss@example.org"


def test_a_directory_that_is_down(server: Server, directory: Directory) -> None:
    """Users of the server itself log in; the others are refused, without a fault."""
    code = (
        "from django.contrib.auth import get_user_model as m;"
        "m().objects.create_superuser('root', '', 'a local pass-phrase')"
    )
    manage(server, ["shell", "-v", "0", "-c", code])
    directory.stop()
    try:
        assert ops(server, "root", "a local pass-phrase") == 200
        assert ops(server, "leo", PEOPLE["leo"]) == 401
    finally:
        directory.start()
    assert ops(server, "leo", PEOPLE["leo"]) == 200

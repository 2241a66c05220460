"""The wheel, and two projects with the lines of docs/embedding.md that use it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging import people
from tests.packaging.host import Host, HostServer, Site, built_wheel, python_with


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if given := os.environ.get("HOST_WHEEL"):
        return Path(given)
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def host_python(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    if given := os.environ.get("HOST_PYTHON"):
        return Path(given)
    wheel: Path = request.getfixturevalue("wheel")
    return python_with(wheel, tmp_path_factory.mktemp("host") / "venv")


@pytest.fixture(scope="module")
def badges(
    host_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """With a user model that extends Django's, and its own admin pages."""
    host = Host(host_python, tmp_path_factory.mktemp("badges"))
    host.add_app("people", models=people.BADGES, admin=people.ADMIN)
    host.settings('INSTALLED_APPS += ["people"]\nAUTH_USER_MODEL = "people.Person"\n')
    host.migrate(username="ada", email="ada@hall.example")
    with HostServer(host) as server:
        yield Site(server, "ada")


@pytest.fixture(scope="module")
def emails(
    host_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """With users who log in by e-mail address, and an API of its own whose settings
    do not suit ours."""
    host = Host(host_python, tmp_path_factory.mktemp("emails"))
    host.add_app("people", models=people.EMAILS, views=people.NOTES)
    host.settings('INSTALLED_APPS += ["people"]\nAUTH_USER_MODEL = "people.Person"\n')
    host.settings(people.UNSUITABLE)
    host.write(
        "urls.py",
        "at the end",
        "from people.views import Notes\n"
        'urlpatterns += [path("notes/", Notes.as_view())]\n',
    )
    host.migrate(email="ada@hall.example")
    with HostServer(host) as server:
        yield Site(server, "ada@hall.example")


@pytest.fixture(params=["badges", "emails"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found

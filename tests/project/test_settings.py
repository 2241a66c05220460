"""Settings made from the environment; each test runs the settings file afresh."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from haystack_app import databases
from haystack_app.pooled_connections import PooledConnection
from tests import forks

ROOT = Path(__file__).resolve().parents[2]
PG = "postgresql://me:s%23cret@db.example:5444/site?sslmode=require"

Load = Callable[..., dict[str, Any]]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    def load(**env: str) -> dict[str, Any]:
        base = {"VAR_DIR": str(tmp_path / "var"), "PATH": os.environ["PATH"]}
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in {**base, **env}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "project" / "settings.py"))

    return load


def test_nothing_configured(load: Load, tmp_path: Path) -> None:
    settings = load()
    database = settings["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == str(tmp_path / "var" / "haystack.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert settings["DEBUG"] is False
    assert settings["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]


def test_generated_key_is_kept_and_private(load: Load, tmp_path: Path) -> None:
    key = load()["SECRET_KEY"]
    path = tmp_path / "var" / "secret_key"
    assert len(key) >= 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert load()["SECRET_KEY"] == key
    assert load(SECRET_KEY="given")["SECRET_KEY"] == "given"
    assert [p.name for p in path.parent.iterdir()] == ["secret_key"]


def test_a_server_needs_a_key(load: Load) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY must be set"):
        load(DATABASE_URL=PG)
    assert load(DATABASE_URL=PG, DEBUG="true")["SECRET_KEY"]
    assert load(DATABASE_URL=PG, GENERATE_SECRET_KEY="true")["SECRET_KEY"]


def test_a_file_of_sqlite_needs_no_key(load: Load, tmp_path: Path) -> None:
    assert load(DATABASE_URL=f"sqlite:///{tmp_path}/own.sqlite3")["SECRET_KEY"]


@pytest.mark.parametrize("name", ["DATABASE_URL", "TIMESCALE_DSN"])
def test_postgres(load: Load, name: str) -> None:
    database = load(**{name: PG, "SECRET_KEY": "k"})["DATABASES"]["default"]
    assert database["ENGINE"] == "haystack_app.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("me", "s#cret")
    assert (database["HOST"], database["PORT"]) == ("db.example", "5444")
    assert (database["NAME"], database["CONN_MAX_AGE"]) == ("site", 0)
    options = database["OPTIONS"]
    assert options["pool"] == {
        "connection_class": PooledConnection,
        "min_size": 2,
        "max_size": 36,
        "timeout": 10.0,
        "reconnect_timeout": 2.0,
    }
    assert "options" not in options  # poolers refuse it
    assert options["sslmode"] == "require"


def test_postgres_variants(load: Load) -> None:
    words = load(
        TIMESCALE_DSN="host=/run/pg user=u connect_timeout=1 options='-c work_mem=8MB'",
        SECRET_KEY="k",
        DB_POOL="false",
    )["DATABASES"]["default"]
    assert (words["HOST"], words["NAME"]) == ("/run/pg", "u")
    assert words["OPTIONS"] == {
        **databases.CONNECTION_TIMEOUTS,
        "connect_timeout": "1",
        "options": "-c work_mem=8MB",
    }
    both = load(DATABASE_URL="sqlite:////tmp/x.db", TIMESCALE_DSN=PG, SECRET_KEY="k")
    assert both["DATABASES"]["default"]["NAME"] == "/tmp/x.db"


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/db", "secret", "postgres://u:secret@[::1/x"]
)
def test_unusable_database(load: Load, url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        load(DATABASE_URL=url, SECRET_KEY="k")
    assert "secret@" not in str(caught.value)


def test_storage(load: Load) -> None:
    default = load(HAYSTACK_STORAGE="memory")["HAYSTACK"]["STORAGES"]["default"]
    assert default["BACKEND"].endswith("memory.InMemoryAdapter")
    with pytest.raises(ImproperlyConfigured, match="orm, memory"):
        load(HAYSTACK_STORAGE="disk")


def test_limits(load: Load) -> None:
    settings = load()
    assert settings["HAYSTACK"]["LIMITS"] == {"BODY": 33_554_432}
    assert settings["DATA_UPLOAD_MAX_MEMORY_SIZE"] == 33_554_432
    settings = load(HAYSTACK_MAX_BODY="1000", HAYSTACK_MAX_ROWS="5")
    assert settings["HAYSTACK"]["LIMITS"] == {"BODY": 1_000, "ROWS": 5}
    assert settings["DATA_UPLOAD_MAX_MEMORY_SIZE"] == 1_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HAYSTACK_MAX_ROWS", "abc"),
        ("HAYSTACK_THREADS", "2.5"),
        ("HAYSTACK_THROTTLE_USER", ""),
        ("HAYSTACK_TOKEN_HOURS", "30d"),
        ("HAYSTACK_TICK_SECONDS", "1,5"),
    ],
)
def test_invalid_numbers_are_named(load: Load, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name} is '{value}': it must be"):
        load(**{name: value})


def test_an_unknown_limit_is_refused(tmp_path: Path) -> None:
    env = {
        "HAYSTACK_MAX_ROW": "5",
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path),
    }
    done = forks.run(["manage.py", "check"], env)
    assert done.returncode != 0
    assert "haystack.E008" in done.stderr
    assert "'ROW'" in done.stderr


def test_redis(load: Load) -> None:
    settings = load(REDIS_URL="redis://r:1/2")
    assert settings["CACHES"]["default"]["LOCATION"] == ["redis://r:1/2"]
    hosts = settings["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"]
    assert hosts == [
        {"address": "redis://r:1/2", "socket_timeout": 8.0, "max_connections": 1000}
    ]


SECRETS = {
    "SECRET_KEY": "a key",
    "DATABASE_URL": PG,
    "REDIS_URL": "redis://:pass@r:1/2",
}


def in_file(folder: Path, name: str, text: str) -> dict[str, str]:
    path = folder / name.lower()
    path.write_text(text)
    return {f"{name}_FILE": str(path)}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_secrets_in_files(load: Load, tmp_path: Path, end: str) -> None:
    env: dict[str, str] = {}
    for name, value in SECRETS.items():
        env |= in_file(tmp_path, name, value + end)
    settings = load(**env)
    assert {name: settings[name] for name in SECRETS} == SECRETS
    assert settings["DATABASES"]["default"]["PASSWORD"] == "s#cret"
    assert settings["CACHES"]["default"]["LOCATION"] == [SECRETS["REDIS_URL"]]


@pytest.mark.parametrize("name", ["DATABASE_URL", "TIMESCALE_DSN"])
def test_the_password_apart_from_the_url(load: Load, tmp_path: Path, name: str) -> None:
    password = in_file(tmp_path, "POSTGRES_PASSWORD", "p%2@:/\n")
    url = {name: "postgresql://me@db/site", "SECRET_KEY": "k"}
    assert load(**url, **password)["DATABASES"]["default"]["PASSWORD"] == "p%2@:/"
    assert load(**{**url, name: PG}, **password)["DATABASES"]["default"][
        "PASSWORD"
    ] == ("s#cret")
    sqlite = load(DATABASE_URL="sqlite:////tmp/x.db", SECRET_KEY="k", **password)
    assert "PASSWORD" not in sqlite["DATABASES"]["default"]


def test_invalid_secret_files(load: Load, tmp_path: Path) -> None:
    key = in_file(tmp_path, "SECRET_KEY", "mine")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FILE are both set"):
        load(SECRET_KEY="k", **key)
    with pytest.raises(ImproperlyConfigured, match="cannot be read: FileNotFound"):
        load(SECRET_KEY_FILE="/nowhere/key")
    with pytest.raises(ImproperlyConfigured, match="empty file"):
        load(**in_file(tmp_path, "SECRET_KEY", "\n"))


@pytest.mark.parametrize(
    "env",
    [
        {"SECRET_KEY": "change-me"},
        {"SECRET_KEY": "Change-me please"},
        {"SECRET_KEY": "django-insecure-abc"},
        {"SECRET_KEY": "k", "DATABASE_URL": "postgresql://u:change-me@h/db"},
        {"SECRET_KEY": "k", "POSTGRES_PASSWORD": "changeme"},
    ],
)
def test_secrets_of_examples_are_refused(load: Load, env: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="of an example"):
        load(**env)


def test_other_origins(load: Load) -> None:
    settings = load()
    assert settings["CORS_ALLOWED_ORIGINS"] == []
    assert "corsheaders" not in settings["INSTALLED_APPS"]
    assert not any("cors" in name for name in settings["MIDDLEWARE"])
    settings = load(CORS_ALLOWED_ORIGINS="https://a.example,https://b.example")
    assert settings["CORS_ALLOWED_ORIGINS"] == [
        "https://a.example",
        "https://b.example",
    ]
    assert "corsheaders" in settings["INSTALLED_APPS"]


def test_redis_as_the_store(load: Load) -> None:
    settings = load(REDIS_URL="redis://r:1/2", HAYSTACK_STORAGE="redis")
    assert settings["HAYSTACK"]["STORAGES"]["default"] == {
        "BACKEND": "haystack_app.storage.redis.RedisAdapter",
        "OPTIONS": {},
    }


def test_https_passes_the_deployment_checks(tmp_path: Path) -> None:
    env = {
        "HTTPS": "true",
        "CORS_ALLOWED_ORIGINS": "https://charts.example",
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNO",
        "VAR_DIR": str(tmp_path),
    }
    command = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = forks.run(command, env)
    assert done.returncode == 0, done.stderr


def test_throttle(load: Load) -> None:
    assert load()["HAYSTACK"]["THROTTLE"] == {}
    assert load(HAYSTACK_THROTTLE="off")["HAYSTACK"]["THROTTLE"] is None
    rates = load(HAYSTACK_THROTTLE_USER="100")["HAYSTACK"]["THROTTLE"]
    assert rates == {"USER": 100}


def test_proxies(load: Load) -> None:
    assert "PROXIES" not in load()["HAYSTACK"]
    assert load(HAYSTACK_PROXIES="2")["HAYSTACK"]["PROXIES"] == 2


def test_the_demo_lives_when_asked_to(load: Load) -> None:
    def seconds(**env: str) -> Any:
        return load(**env)["HAYSTACK"]["SIMULATE_SECONDS"]

    assert seconds() == seconds(HAYSTACK_SIMULATE_SECONDS="2") == 0
    assert seconds(SIMULATE="0") == seconds(SIMULATE="false") == 0
    assert seconds(SIMULATE="1") == 5
    assert seconds(SIMULATE="true", HAYSTACK_SIMULATE_SECONDS="2.5") == 2.5


# -- samples in a database of their own ------------------------------------------

HISTORY_PG = "postgresql://me@samples.example/history"


def test_history_has_its_own_database(load: Load) -> None:
    settings = load(DATABASE_URL=PG, HISTORY_DATABASE_URL=HISTORY_PG, SECRET_KEY="k")
    samples = settings["DATABASES"]["history"]
    assert (samples["HOST"], samples["NAME"]) == ("samples.example", "history")
    assert samples["OPTIONS"]["pool"]["connection_class"] is PooledConnection
    storage = settings["HAYSTACK"]["STORAGES"]["default"]
    assert storage["OPTIONS"] == {"history": "history"}
    [router] = settings["DATABASE_ROUTERS"]
    assert router == "haystack_app.history_router.HistoryRouter"


def test_without_it_nothing_changes(load: Load) -> None:
    settings = load(DATABASE_URL=PG, SECRET_KEY="k")
    assert list(settings["DATABASES"]) == ["default"]
    assert settings["HAYSTACK"]["STORAGES"]["default"]["OPTIONS"] == {}
    assert "DATABASE_ROUTERS" not in settings


def test_its_url_may_be_in_a_file(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text(HISTORY_PG + "\n")
    settings = load(HISTORY_DATABASE_URL_FILE=str(path))
    assert settings["DATABASES"]["history"]["HOST"] == "samples.example"


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({"HISTORY_DATABASE_URL": "sqlite:///x"}, "must be a URL of PostgreSQL"),
        (
            {"HISTORY_DATABASE_URL": HISTORY_PG, "HAYSTACK_STORAGE": "memory"},
            "needs the storage in a database",
        ),
        (
            {"HISTORY_DATABASE_URL": "postgresql://a:change-me@db/x"},
            "is that of an example",
        ),
    ],
)
def test_history_elsewhere_is_refused(
    load: Load, env: dict[str, str], text: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=text):
        load(**env)


@pytest.mark.django_db
def test_migrate_migrates_both(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    migrated: list[str] = []

    def handle(self: Any, *args: Any, **options: Any) -> None:
        migrated.append(options["database"])

    monkeypatch.setattr(
        "django.core.management.commands.migrate.Command.handle", handle
    )
    call_command("migrate", skip_checks=False)
    storage = {
        "BACKEND": "haystack_app.storage.orm.OrmAdapter",
        "OPTIONS": {"history": "history"},
    }
    settings.HAYSTACK = {**settings.HAYSTACK, "STORAGES": {"default": storage}}
    call_command("migrate")
    call_command("migrate", database="default")
    assert migrated == ["default", "history", "default", "default"]

"""The compose file: every command, path, port and variable, against the project."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import get_commands
from psycopg.conninfo import conninfo_to_dict
from uvicorn.main import main as uvicorn

from haystack_app import conf
from tests import forks
from tests.docker import files, production
from tests.outages.services import Service, binary, free_port

SERVICES: dict[str, Any] = files.compose()["services"]
APPS = ["app", "app-redis"]
WORKERS = ["worker", "worker-redis"]
ONCE = ["migrate", "grafana-role", "grafana-views"]
OF_APP = [*APPS, *WORKERS, "migrate", "grafana-views"]
STORES = ["redis", "redis-store"]
OTHERS = {"PROMETHEUS_MULTIPROC_DIR", "WEB_CONCURRENCY", "PYTHONUNBUFFERED"}
"""Variables of the app that uvicorn and Python read, not the settings."""


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return production.made_secrets(tmp_path_factory.mktemp("docker"))


def needs_storage(service: str) -> None:
    name = SERVICES[service]["environment"]["HAYSTACK_STORAGE"]
    if name not in settings.ADAPTERS:
        pytest.skip(f"there is no storage {name!r} yet")


# -- every service ------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_a_service(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    if name in ONCE:
        assert service["healthcheck"] == {"disable": True}
    if name not in OF_APP:
        if name not in ONCE:
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert re.fullmatch(r"[\w/-]+:\d+\.\d+\.\d+(-\w+)?", service["image"])


def test_users_of_services() -> None:
    """The image of the app has a user; the proxy's root may open ports only."""
    for name, service in SERVICES.items():
        if name == "proxy":
            assert service["cap_add"] == ["NET_BIND_SERVICE"]
        elif name in OF_APP:
            assert "user" not in service
        else:
            assert service["user"] not in ("root", "0")
        assert "cap_add" not in service or name == "proxy"
        assert "privileged" not in service


def test_versions() -> None:
    assert SERVICES["db"]["image"].startswith("timescale/timescaledb:")
    assert SERVICES["db"]["image"].endswith("-pg17")  # -oss is the other edition
    assert {SERVICES[name]["image"][:8] for name in STORES} == {"redis:8."}


def test_names_that_refer_to_others() -> None:
    file = files.compose()
    used: dict[str, set[str]] = {"volumes": set(), "networks": set(), "secrets": set()}
    for service in SERVICES.values():
        used["networks"] |= set(service["networks"])
        used["secrets"] |= set(service.get("secrets", []))
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (files.DOCKER / source).exists()
            else:
                used["volumes"].add(source)
        assert set(service.get("depends_on", {})) <= set(SERVICES)
    for kind, names in used.items():
        assert names == set(file[kind]), kind


def test_secrets_are_those_that_are_made(secrets: Path) -> None:
    declared = files.compose()["secrets"]
    made = {path.name for path in secrets.iterdir()}
    assert {name: it["file"] for name, it in declared.items()} == {
        name: f"./secrets/{name}" for name in made
    }
    assert secrets.stat().st_mode & 0o777 == 0o700
    texts = {path.name: path.read_text() for path in secrets.iterdir()}
    assert len(set(texts.values())) == len(texts)
    subprocess.run([secrets.parent / "make-secrets"], check=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == texts


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_that_a_service_names_are_its_own(name: str) -> None:
    service = SERVICES[name]
    words = [*service.get("environment", {}).values(), *service.get("command", [])]
    words += service.get("healthcheck", {}).get("test", [])
    words += [path.read_text() for path in mounted(service)]
    named = re.findall(rf"{production.IN_CONTAINER}/(\w+)", " ".join(map(str, words)))
    assert set(named) == set(service.get("secrets", []))


def mounted(service: Any) -> list[Path]:
    """The files of this folder that a service reads, but for those of the proxy."""
    sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
    found = [files.DOCKER / one for one in sources if one.startswith("./grafana")]
    return [path for one in found for path in one.rglob("*.yaml")]


def test_variables_are_those_of_the_example() -> None:
    assert files.used_variables() | {"COMPOSE_PROFILES"} == set(files.example())
    assert files.example()["COMPOSE_PROFILES"] == "timescale"
    with pytest.raises(AssertionError, match="SERVER_NAME"):
        files.compose(SERVER_NAME="")


def test_profiles() -> None:
    """Of what depends on the profile, there is one in each under the same name."""
    profiles: dict[str, list[str]] = {}
    for name, service in SERVICES.items():
        for profile in service.get("profiles", []):
            profiles.setdefault(profile, []).append(name)
    assert profiles == {
        "timescale": ["app", "worker", "redis"],
        "redis": ["app-redis", "worker-redis", "redis-store"],
        "grafana": ["grafana-role", "grafana-views", "grafana"],
    }
    del profiles["grafana"]
    for names in profiles.values():
        app, worker, store = names
        storage = SERVICES[app]["environment"]["HAYSTACK_STORAGE"]
        assert SERVICES[worker]["environment"]["HAYSTACK_STORAGE"] == storage
        assert SERVICES[app]["environment"]["HAYSTACK_WORKER"] == "external"
        assert "app" in {app, *aliases(app, "front")}
        assert "redis" in {store, *aliases(store, "back")}
        assert SERVICES["proxy"]["depends_on"][app]["required"] is False


def aliases(name: str, network: str) -> list[str]:
    networks = SERVICES[name]["networks"]
    if isinstance(networks, list):
        return []
    found: list[str] = (networks[network] or {}).get("aliases", [])
    return found


def test_only_the_proxy_is_published() -> None:
    assert [name for name, it in SERVICES.items() if "ports" in it] == ["proxy"]
    assert files.compose()["networks"]["back"] == {"internal": True}
    inside = [name for name, it in SERVICES.items() if "front" not in it["networks"]]
    assert set(inside) == {"db", *ONCE, *WORKERS, *STORES}


# -- the app ------------------------------------------------------------------


class Recorded(dict[str, str]):
    """An environment that records which names were read."""

    def __init__(self, env: dict[str, str]) -> None:
        super().__init__(env)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def loaded(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project's settings in that environment, and what of it they read."""
    recorded = Recorded(env)
    monkeypatch.setattr(os, "environ", recorded)
    monkeypatch.setattr("environ.Env.ENVIRON", recorded)
    return runpy.run_path(str(files.ROOT / "project" / "settings.py")), recorded.asked


@pytest.mark.parametrize("service", OF_APP)
def test_the_settings_read_every_variable(
    service: str, secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_storage(service)
    env = production.variables(service, secrets)
    assert set(env["WEB_CONCURRENCY"]) <= set("0123456789")
    made, asked = loaded({**env, "VAR_DIR": str(tmp_path)}, monkeypatch)
    assert set(env) - asked == OTHERS
    assert made["SECRET_KEY"] == (secrets / "secret_key").read_text().strip()
    assert made["ALLOWED_HOSTS"] == ["localhost"]
    assert made["CORS_ALLOWED_ORIGINS"] == []
    assert made["CSRF_TRUSTED_ORIGINS"] == ["https://localhost"]
    assert made["HTTPS"] is True
    database = made["DATABASES"]["default"]
    assert database["PASSWORD"] == (secrets / "postgres_password").read_text().strip()


def test_the_database_is_the_one_of_the_stack() -> None:
    db = SERVICES["db"]["environment"]
    url = conninfo_to_dict(SERVICES["app"]["environment"]["DATABASE_URL"])
    check = SERVICES["db"]["healthcheck"]["test"]
    assert url["host"] == "db"
    assert url["user"] == db["POSTGRES_USER"] == check[check.index("-U") + 1]
    assert url["dbname"] == db["POSTGRES_DB"] == check[check.index("-d") + 1]
    assert str(url["port"]) == check[check.index("-p") + 1] == "5432"
    assert "password" not in url
    files_named = {it["POSTGRES_PASSWORD_FILE"] for it in (db, environment("app"))}
    assert len(files_named) == 1


def environment(name: str) -> dict[str, str]:
    found: dict[str, str] = SERVICES[name]["environment"]
    return found


def test_connections_suffice(
    secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = production.variables("app", secrets)
    made, _ = loaded({**env, "VAR_DIR": str(tmp_path)}, monkeypatch)
    pool = made["DATABASES"]["default"]["OPTIONS"]["pool"]["max_size"]
    [most] = re.findall(r"max_connections=(\d+)", " ".join(SERVICES["db"]["command"]))
    assert int(env["WEB_CONCURRENCY"]) * pool + 20 <= int(most)


@pytest.mark.parametrize("service", OF_APP)
def test_the_deployment_checks_pass(
    service: str, secrets: Path, tmp_path: Path
) -> None:
    needs_storage(service)
    env = {
        **production.variables(service, secrets),
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path),
        "STATIC_ROOT": "",
    }
    command = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = forks.run(command, env)
    assert done.returncode == 0, done.stderr


def test_migrations_come_first_and_once() -> None:
    python, manage, name, *options = SERVICES["migrate"]["command"]
    assert (python, manage) == ("python", "manage.py")
    assert (files.ROOT / manage).is_file()
    assert name in get_commands()
    assert options == ["--noinput"]
    assert SERVICES["migrate"]["healthcheck"] == {"disable": True}
    for app in APPS:
        waits = SERVICES[app]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}
        others = set(waits) - {"migrate"}
        assert {waits[it]["condition"] for it in others} == {"service_healthy"}
        assert len(others) == 2


@pytest.mark.parametrize("name", OF_APP)
def test_the_image(name: str) -> None:
    service = SERVICES[name]
    build = service["build"]
    context = files.DOCKER / build["context"]
    assert context.resolve() == files.ROOT
    assert (context / build["dockerfile"]).resolve() == files.DOCKER / "Dockerfile"
    assert len({SERVICES[it]["image"] for it in OF_APP}) == 1
    assert service["read_only"] is True
    assert service["volumes"] == ["spool:/tmp"]
    if name in APPS:
        assert "command" not in service
        assert "healthcheck" not in service  # the image's own


def test_requests_may_end() -> None:
    _, application, *options = files.command()
    given = uvicorn.make_context("uvicorn", [application, *options]).params
    for app in APPS:
        grace = int(SERVICES[app]["stop_grace_period"].removesuffix("s"))
        assert grace > given["timeout_graceful_shutdown"] + 10


# -- the proxy ----------------------------------------------------------------


def test_the_proxy() -> None:
    text = (files.DOCKER / "Caddyfile").read_text()
    assert text.count("{") == text.count("}")
    assert text.startswith("{")  # options of the server come first
    assert f"max_size {conf.limit('BODY') // 2**20}MiB" in text
    assert "read_header" in text
    assert f"reverse_proxy app:{files.last('EXPOSE').text}" in text
    assert set(re.findall(r"\{\$(\w+)\}", text)) == set(environment("proxy"))
    targets = [port.rpartition(":")[2] for port in SERVICES["proxy"]["ports"]]
    assert targets == ["80", "443", "443/udp"]
    mounts = [volume.split(":")[1] for volume in SERVICES["proxy"]["volumes"]]
    assert mounts == ["/etc/caddy/Caddyfile", "/data", "/config"]


# -- Redis --------------------------------------------------------------------


@pytest.fixture(params=STORES)
def store(
    request: pytest.FixtureRequest, secrets: Path, tmp_path: Path
) -> Iterator[tuple[str, int]]:
    """A Redis started by the service's own command, on a free port."""
    program, config, *options = SERVICES[request.param]["command"]
    port = free_port()
    here = ["--port", str(port), "--dir", str(tmp_path), "--bind", "127.0.0.1"]
    config = config.replace(production.IN_CONTAINER, str(secrets))
    service = Answering([binary(program), config, *options, *here])
    service.port = port
    service.start()
    yield request.param, port
    service.stop()


class Answering(Service):
    port = 0

    def answers(self) -> bool:
        try:
            redis.Redis(port=self.port).ping()
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            pass
        return False


def test_redis(store: tuple[str, int], secrets: Path) -> None:
    name, port = store
    url = (secrets / "redis_url").read_text().strip()
    host, _, rest = url.rpartition("@")[2].partition(":")
    assert (host, rest) == ("redis", "6379/0")
    client = redis.Redis.from_url(url.replace("redis:6379", f"127.0.0.1:{port}"))
    assert client.ping()
    config = client.config_get("appendonly", "maxmemory-policy", "save")
    client.close()
    if name == "redis-store":
        assert config["appendonly"] == "yes"
        assert config["maxmemory-policy"] == "noeviction"
        assert "redis:/data" in SERVICES[name]["volumes"]
    else:
        assert config["appendonly"] == "no"
        assert "volumes" not in SERVICES[name]


def test_the_health_check_of_redis(store: tuple[str, int], secrets: Path) -> None:
    name, port = store
    kind, script = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    script = script.replace(production.IN_CONTAINER, str(secrets))
    for on, status in ((port, 0), (free_port(), 1)):
        asked = script.replace("redis-cli", f"{binary('redis-cli')} -p {on}")
        assert subprocess.run(["sh", "-c", asked]).returncode == status

"""The Dockerfile: against the project, and against what linters of it ask for."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import tomllib

import pytest
from uvicorn.main import main as uvicorn

from haystack_app.serving.health import LIVE
from tests.docker.files import (
    DOCKER,
    ROOT,
    command,
    dockerfile,
    environment,
    health_command,
    last,
)

IMAGE = re.compile(r"[\w./-]+:\d+\.\d+\.\d+-slim-\w+")
TOOLS = ["apt-get", "gcc", "make", "pip", "build-essential", "curl", "wget"]


def named(name: str) -> list[str]:
    return [one.text for one in dockerfile() if one.name == name]


def test_images_are_pinned_and_slim() -> None:
    images = [text.split()[0] for text in named("FROM")]
    assert len(images) == 2
    assert len(set(images)) == 1
    assert IMAGE.fullmatch(images[0])


def test_python_is_one_that_the_project_runs_on() -> None:
    version = named("FROM")[0].partition(":")[2].split(".")[:2]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={'.'.join(version)}"


def test_what_is_copied_is_there_and_not_ignored() -> None:
    lines = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {line[1:] for line in rules if line.startswith("!")}
    copied = {
        source
        for one in dockerfile()
        if one.name == "COPY" and not one.text.startswith("--from=")
        for source in one.words[:-1]
    }
    assert copied == allowed
    for source in copied:
        assert (ROOT / source).exists()
    assert not any(fnmatch.fnmatch(".env", rule) for rule in allowed)


def test_the_last_stage_takes_from_the_first() -> None:
    stages = [text.split()[-1] for text in named("FROM") if " AS " in text]
    taken = [text for text in named("COPY") if text.startswith("--from=")]
    assert {text.split()[0].removeprefix("--from=") for text in taken} == set(stages)
    for text in taken:
        source, target = text.split()[1:]
        assert source == target
        assert source in ("/opt/venv", last("WORKDIR").text)


def test_no_build_tools_in_the_last_stage() -> None:
    stage = last("CMD").stage
    runs = [one.text for one in dockerfile() if one.stage == stage]
    for tool in TOOLS:
        assert not any(re.search(rf"\b{tool}\b", text) for text in runs), tool


def test_processes_do_not_run_as_root() -> None:
    names = [one.name for one in dockerfile()]
    uid, gid = map(int, last("USER").text.split(":"))
    assert uid >= 1000
    assert gid >= 1000
    assert f"--uid {uid}" in named("RUN")[-1]
    assert f"--gid {gid}" in named("RUN")[-1]
    assert names.index("USER") < names.index("CMD")
    assert "RUN" not in names[names.index("USER") :]
    assert f"-o haystack -g haystack {environment()['VAR_DIR']}" in named("RUN")[-1]


def test_what_linters_ask_for() -> None:
    known = [
        "FROM",
        "WORKDIR",
        "RUN",
        "COPY",
        "ENV",
        "USER",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    ]
    assert {one.name for one in dockerfile()} == set(known)  # no ADD above all
    assert len(named("CMD")) == len(named("HEALTHCHECK")) == 1
    assert last("CMD").text.startswith("[")
    assert all(text.startswith("/") for text in named("WORKDIR"))
    for text in named("RUN"):
        assert "sudo" not in text
        assert " cd " not in f" {text}"
        if "pip" in text and "install" in text and "-r " in text:
            assert "--no-cache-dir" in text
    secret = re.compile(r"(SECRET|PASSWORD|TOKEN|KEY)\w*=")
    assert not [text for text in named("ENV") if secret.search(text)]


@pytest.mark.parametrize("text", named("RUN"))
def test_the_shell_reads_it(text: str) -> None:
    subprocess.run(["sh", "-n", "-c", text], check=True)


def test_the_command_and_the_port() -> None:
    program, application, *options = command()
    assert (program, application) == ("uvicorn", "project.asgi:application")
    context = uvicorn.make_context("uvicorn", [application, *options])
    given = context.params
    assert given["host"] == "0.0.0.0"
    assert given["lifespan"] == "off"
    assert 0 < given["limit_concurrency"] <= 1_000
    assert given["ws_max_size"] == 16 * 1024 * 1024
    assert given["proxy_headers"] is False  # HAYSTACK_PROXIES decides whom to believe
    assert last("EXPOSE").text == str(given["port"])
    workers = {option.name: option for option in context.command.params}["workers"]
    assert "$WEB_CONCURRENCY" in str(workers.help)
    assert int(environment()["WEB_CONCURRENCY"]) > 1


def test_it_serves_as_make_run_does() -> None:
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    [served] = re.findall(r"^SERVE := (.*)$", makefile, re.MULTILINE)
    _, _, options = served.partition(command()[1])
    words = re.sub(r"--(host|port) \S+", "", options).split()
    assert len(words) >= 4
    assert " ".join(words[:3]) in " ".join(command())
    assert set(words) <= set(command())


def test_the_health_check() -> None:
    python, option, code = health_command()
    assert (python, option) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert f"'http://127.0.0.1:{last('EXPOSE').text}{LIVE}'" in code
    seconds = dict(re.findall(r"--(\w+)=(\d+)s", last("HEALTHCHECK").text))
    limit = int(re.search(r"timeout=(\d+)", code)[1])  # type: ignore[index]
    assert limit < int(seconds["timeout"]) < int(seconds["interval"])

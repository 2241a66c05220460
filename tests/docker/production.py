"""What a service of the compose file says to the app, made true on this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.docker.files import (
    DOCKER,
    command,
    compose,
    environment,
    health_command,
    last,
)

IN_CONTAINER = "/run/secrets"


def made_secrets(folder: Path) -> Path:
    """The secrets that make-secrets makes."""
    shutil.copy(DOCKER / "make-secrets", folder)
    subprocess.run([folder / "make-secrets"], check=True)
    return folder / "secrets"


def variables(service: str, secrets: Path, **env: str) -> dict[str, str]:
    """The environment of a container of ``service``, but for PATH and folders."""
    given: Any = compose(**env)["services"][service]["environment"]
    return {**environment(), **mounted(given, secrets)}


def mounted(given: dict[str, str], secrets: Path) -> dict[str, str]:
    return {
        name: str(value).replace(IN_CONTAINER, str(secrets))
        for name, value in given.items()
    }


def serving(**replaced: str) -> list[str]:
    """The image's own command, on this machine, on the port {port}.

    ``replaced``: options with other values, by their names without dashes.
    """
    program, *words = command()
    given = {"host": "127.0.0.1", "port": "{port}", **replaced}
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        words[words.index(option) + 1] = value
    return [str(Path(sys.executable).with_name(program)), *words]


def checking(port: int) -> list[str]:
    """The image's own health check, of that port."""
    python, *words = health_command()
    here = f":{last('EXPOSE').text}/"
    return [python, *(word.replace(here, f":{port}/") for word in words)]

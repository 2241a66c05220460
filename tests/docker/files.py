"""The files in docker/, read as Docker would read them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")


@dataclass(frozen=True)
class Instruction:
    stage: int
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Of the JSON form, or as the shell would split plain words."""
        if self.text.startswith("["):
            words: list[str] = json.loads(self.text)
            return words
        return self.text.split()


def dockerfile() -> list[Instruction]:
    """In their order, without comments, each on one line."""
    text = (DOCKER / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found: list[Instruction] = []
    stage = -1
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, rest = line.partition(" ")
        if name:
            stage += name == "FROM"
            found.append(Instruction(stage, name, rest.strip()))
    return found


def last(name: str) -> Instruction:
    """The one that counts in the image: of several, Docker takes the last."""
    return [one for one in dockerfile() if one.name == name][-1]


def command() -> list[str]:
    return last("CMD").words


def health_command() -> list[str]:
    words: list[str] = json.loads(last("HEALTHCHECK").text.partition(" CMD ")[2])
    return words


def environment() -> dict[str, str]:
    """What ENV sets in the last stage, but for PATH."""
    stage = last("CMD").stage
    words = [
        word
        for one in dockerfile()
        if one.name == "ENV" and one.stage == stage
        for word in one.words
    ]
    pairs = dict(word.split("=", 1) for word in words)
    del pairs["PATH"]
    return pairs


def example() -> dict[str, str]:
    """The variables of .env.example."""
    lines = (DOCKER / ".env.example").read_text().splitlines()
    return dict(
        line.split("=", 1) for line in lines if line and not line.startswith("#")
    )


def compose(**variables: str) -> Any:
    """With .env.example, or ``variables``, put in."""
    return filled(yaml.safe_load(source()), {**example(), **variables})


def source() -> str:
    return (DOCKER / "compose.yaml").read_text()


def used_variables() -> set[str]:
    return {name for _, name, _, _ in _VARIABLE.findall(source()) if name}


def filled(value: Any, variables: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: filled(it, variables) for name, it in value.items()}
    if isinstance(value, list):
        return [filled(it, variables) for it in value]
    return interpolated(value, variables) if isinstance(value, str) else value


def interpolated(text: str, variables: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        dollar, name, kind, word = match.groups()
        if dollar:
            return "$"
        given = variables.get(name, "")
        if kind == "?":
            assert given, f"{name} {word}"
        return given or (word if kind == "-" else "") or ""

    return _VARIABLE.sub(value, text)

"""Our commands in the documentation: they can be pasted, and take what they are given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import CommandParser

from tests.forks import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docker/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
OURS = sorted(name for name in get_commands() if name.startswith("haystack_"))
NAME = rf"\b(?:{'|'.join(OURS)})\b"
IN_A_BLOCK = re.compile(rf"(?:manage\.py |^){NAME}")
IN_A_SENTENCE = re.compile(rf"`(?:manage\.py )?({NAME}[^`]*)`")
PASTED = re.compile(
    r"(?:\S+=\S+ |.*\$\(|.*exec app )?(?:\.venv/bin/)?python manage\.py "
)
FOLLOWED = re.compile(r" && | > |\)$|; ")
SYNOPSIS = re.compile(r"\[|\w\|")


class Line(NamedTuple):
    page: str
    text: str


def in_blocks() -> list[Line]:
    found = []
    for path in PAGES:
        fenced = False
        for line in path.read_text("utf-8").splitlines():
            if line.lstrip().startswith("```"):
                fenced = not fenced
            elif fenced or line.startswith("    "):
                found.append(Line(page(path), line.strip()))
    return [line for line in found if IN_A_BLOCK.search(line.text)]


def in_sentences() -> Iterator[Line]:
    for path in PAGES:
        for text in IN_A_SENTENCE.findall(path.read_text("utf-8")):
            yield Line(page(path), text)


def page(path: Path) -> str:
    return str(path.relative_to(ROOT))


def split(text: str) -> list[str]:
    """The command and its arguments, without what is before and after them."""
    found = re.search(NAME, text)
    assert found, text
    return shlex.split(FOLLOWED.split(text[found.start() :])[0])


def parser_of(name: str) -> CommandParser:
    command = load_command_class("haystack_app", name)
    return command.create_parser("manage.py", name)


def refusal(text: str) -> str:
    """What the command's parser says of a line; empty if it is right."""
    name, *arguments = split(text)
    try:
        parser_of(name).parse_args(arguments)
    except CommandError as error:
        return str(error)
    return ""


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def options_of(parser: CommandParser) -> set[str]:
    """Those of its subcommands, too."""
    found = options(parser.format_help())
    for action in parser._actions:
        if isinstance(action.choices, dict):
            found = found.union(*map(options_of, action.choices.values()))
    return found


def test_each_line_of_a_block_can_be_pasted() -> None:
    found = in_blocks()
    assert len(found) > 40
    assert [line for line in found if not PASTED.match(line.text)] == []


def test_the_arguments_of_lines() -> None:
    found = [line for line in in_blocks() if not SYNOPSIS.search(line.text)]
    assert len(found) > 30
    wrong = [(line, said) for line in found if (said := refusal(line.text))]
    assert wrong == []


def test_the_options_in_sentences() -> None:
    found = [line for line in in_sentences() if options(line.text)]
    assert len(found) > 10
    wrong = [
        line
        for line in found
        if not options(line.text) <= options_of(parser_of(line.text.split()[0]))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", OURS)
def test_the_options_in_the_section_of_a_command(name: str) -> None:
    text = (ROOT / "docs/commands.md").read_text("utf-8")
    section = re.search(rf"^## {name}\b(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section, f"docs/commands.md has no section {name}"
    assert options(section[1]) <= options_of(parser_of(name))

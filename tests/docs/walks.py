"""Steps of a page as a person follows them: in a shell, and in a browser.

A page's source is the test: its ``sh`` blocks run in one shell, the ``text`` block
after one is a part of what that printed, a ``csv`` block is the begin of the file
that was named last, and sentences of numbered lists are done in a browser:

- Open `URL`
- Type `text` into **label**, and `text` into **label**
- Choose `option` in **label**
- Click **name** of a button or link
- You see `text`
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.forks import ROOT
from tests.patience import PATIENCE

__all__ = ["Shell", "Step", "follow", "steps"]

_PART = re.compile(
    r"^```(?P<language>\w+)\n(?P<code>.*?)^```$|^(?P<item>\d+\. [^\n]*)$", re.M | re.S
)
_STEP = re.compile(
    r"[Oo]pen `(?P<open>[^`]+)`"
    r"|`(?P<typed>[^`]+)` into \*\*(?P<field>[^*]+)\*\*"
    r"|[Cc]hoose `(?P<option>[^`]+)` in \*\*(?P<choice>[^*]+)\*\*"
    r"|[Cc]lick \*\*(?P<click>[^*]+)\*\*"
    r"|[Yy]ou see `(?P<seen>[^`]+)`"
)
_END = "-- done with"


class Step(NamedTuple):
    """``kind`` is the language of a block, or ``walk`` for an item of a list."""

    kind: str
    text: str
    title: str


def steps(page: str) -> Iterator[Step]:
    """The blocks and numbered items of a page, with their headings."""
    for section in page.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        for found in _PART.finditer(body):
            if found["item"]:
                yield Step("walk", found["item"], title)
            else:
                yield Step(found["language"], found["code"], title)


class Shell:
    """A bash that blocks are pasted into, one after the other."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._count = 0

    def run(self, block: str) -> str:
        """What a block prints. Each of its commands must succeed."""
        self._count += 1
        end = f"{_END} {self._count}"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"set -e\n{block}\nset +e\necho; echo '{end}'\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.strip() == end:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"{block}\nfailed:\n{''.join(lines)}")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)


def follow(page: Any, text: str, root: str, site: str) -> int:
    """Do what the sentences of an item say; returns how many things that was.

    ``site`` is what the addresses of the text begin with, ``root`` the server.
    """
    from playwright.sync_api import expect

    done = 0
    for step in _STEP.finditer(text):
        done += 1
        if step["open"]:
            page.goto(step["open"].replace(site, root))
        elif step["field"]:
            _field(page, step["field"]).fill(step["typed"])
        elif step["choice"]:
            _field(page, step["choice"]).select_option(step["option"])
        elif step["click"]:
            _named(page, step["click"]).click()
        else:
            seen = page.get_by_text(step["seen"]).filter(visible=True)
            expect(seen.first).to_be_visible(timeout=PATIENCE * 1_000)
    return done


def _field(page: Any, label: str) -> Any:
    labelled = page.get_by_label(re.compile(rf"^\s*{re.escape(label)}(?![a-z])"))
    fields = page.locator("input, select, textarea").and_(labelled)
    return _front(page, fields)


def _named(page: Any, name: str) -> Any:
    buttons = page.get_by_role("button", name=name, exact=True)
    links = page.get_by_role("link", name=name, exact=True)
    return _front(page, buttons.or_(links))


def _front(page: Any, found: Any) -> Any:
    """What a person can reach: in an open dialog nothing else."""
    dialog = page.locator("dialog[open]")
    if dialog.count():
        found = found.and_(dialog.locator("*"))
    return found.filter(visible=True).first


def begins(path: Path, block: str) -> bool:
    """Whether a block of a page is the begin of a file."""
    return path.read_text("utf-8").startswith(block)

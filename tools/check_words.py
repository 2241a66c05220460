"""Checks that code and docs use plain English.

Counts expressions that Django, DRF and Project Haystack do not use, in comments, texts
and names of the Python, Markdown, HTML, JavaScript and Trio files of the repository.
Prints each occurrence and fails if there are more than ``BUDGET`` per 10,000 lines.

    python tools/check_words.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
BUDGET = 2.0
"""Occurrences per 10,000 lines."""
SUFFIXES = (".py", ".md", ".html", ".js", ".trio")
EXCLUDED = (
    "CHANGELOG.md",
    "haystack_app/migrations/",
    "haystack_app/static/haystack_app/vendor/",
    "tests/test_check_words.py",
    "tools/check_words.py",
)

# In names of Python "_" separates words, so the patterns match them as well.
WORDS = re.compile(
    r"""
    \b(?:whoever | whomever | whatever | nobody | somebody | anybody)\b
    # "after" in time, and for what follows in a text; a server is behind a proxy
    | \bbehind\b (?! \ (?:an?\ |the\ |its\ |one\ |several\ )?
                     (?:reverse\ )? (?:prox(?:y|ies) | load\ balancers?)\b)
    # "is not a grid"
    | (?<!there\ ) \b(?:is | are | was | were)\ no\b
                   (?! \ (?:longer | more | less | matter | different)\b)
    # "not found", "missing"
    | \b(?:there | it | that | which)\ (?:is | are)\ none\b
    | \b(?:is | are)\ there\ already\b
    # programs are called, notified and informed
    | \b(?:is | are | was | were | be | been | being)\ told\b
    | \bhears?\b | \bheard\ (?:of | from)\b
    # "users who", "the client"
    | \b(?:he | him | himself)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Hit(NamedTuple):
    path: str
    line: int
    words: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.words!r}: {self.text.strip()[:100]}"


def files() -> Iterator[str]:
    """Paths of the files to check, relative to the root of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for path in sorted(listed.stdout.splitlines()):
        is_checked = path.endswith(SUFFIXES) and not path.startswith(EXCLUDED)
        if is_checked and (ROOT / path).is_file():
            yield path


def hits(path: str, lines: list[str]) -> Iterator[Hit]:
    for number, line in enumerate(lines, 1):
        for match in WORDS.finditer(line.replace("_", " ")):
            yield Hit(path, number, match[0], line)


def main() -> int:
    found: list[Hit] = []
    total = 0
    for path in files():
        lines = (ROOT / path).read_text("utf-8").splitlines()
        total += len(lines)
        found += hits(path, lines)
    for hit in found:
        print(hit)
    rate = len(found) * 10_000 / max(total, 1)
    print(
        f"check_words: {len(found):,} in {total:,} lines, {rate:.1f} per 10,000"
        f" (at most {BUDGET:g})"
    )
    return int(rate > BUDGET)


if __name__ == "__main__":
    sys.exit(main())

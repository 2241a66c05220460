"""Documents link to what exists, and name modules and files that exist."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from django.utils.module_loading import import_string

ROOT = Path(__file__).parents[2]
FILES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    check=True,
    capture_output=True,
    text=True,
).stdout.split()
MADE = {
    "haystack_app/wire/ndjson.py",
    "historian.py",
    "site_counts.py",
    "tests/ops/test_site_counts.py",
}
"""Files that a reader of CONTRIBUTING.md or custom-adapter.md writes."""
TEXTS = {
    name: (ROOT / name).read_text("utf-8")
    for name in FILES
    if name.endswith(".md") and (ROOT / name).exists()
}


def found(pattern: str) -> Iterator[tuple[str, str]]:
    """Document and match; the changelog may name what is gone."""
    for name, text in TEXTS.items():
        if name != "CHANGELOG.md":
            for match in sorted(set(re.findall(pattern, text))):
                yield name, match


def anchors(text: str) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


def leads_somewhere(name: str, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (ROOT / name).parent / path if path else ROOT / name
    if not file.exists():
        return False
    return not anchor or anchor in anchors(file.read_text("utf-8"))


def is_importable(dotted: str) -> bool:
    """Modules are looked for only: some need apps that only some projects install."""
    try:
        if find_spec(dotted) is not None:
            return True
    except ModuleNotFoundError:  # it is a part of a module
        pass
    try:
        import_string(dotted)
    except ImportError:
        return False
    return True


def test_links() -> None:
    links = [
        (name, target)
        for name, text in TEXTS.items()
        for target in re.findall(r"\]\(([^)\s]+)\)", text)
        if not target.startswith(("http:", "https:"))
    ]
    assert links
    assert [link for link in links if not leads_somewhere(*link)] == []


def test_modules() -> None:
    permission = r"(?!\.(?:add|change|delete|view)_)"
    named = list(found(rf"\bhaystack_app{permission}(?:\.\w+)+"))
    assert named
    assert [one for one in named if not is_importable(one[1])] == []


def test_files() -> None:
    """Paths are of the repository, or end like one: `live/hub.py`."""
    named = list(found(r"`([\w./-]+\.(?:py|js|lua|toml|trio|svg))`"))
    assert named
    paths = [f"/{name}" for name in FILES]
    missing = [
        (name, path)
        for name, path in named
        if not ("NAME" in path or path in MADE)
        and not any(one.endswith(f"/{path}") for one in paths)
    ]
    assert missing == []


def test_system_checks() -> None:
    """All that the code may report are in the table, and no others."""
    sources = (ROOT / "haystack_app").rglob("*.py")
    ids = {
        number
        for source in sources
        for number in re.findall(
            r"\"haystack\.([EW]\d{3})\"", source.read_text("utf-8")
        )
    }
    rows = re.findall(r"^\| (haystack\.[^|]*)\|", TEXTS["docs/configuration.md"], re.M)
    assert len(ids) > 30
    assert set(re.findall(r"[EW]\d{3}", " ".join(rows))) == ids

"""Build the documentation: docs/*.md and some pages beside it become a site.

    python tools/build_docs.py [FOLDER]

Without a folder the site goes to where the server looks for it. A link that leads
nowhere, and every other warning of Sphinx, is an error. Nothing is fetched, and the
pages load nothing but files of the site: inline scripts and styles become files, so
that a policy without exceptions lets them run.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "haystack_app" / "documentation" / "site"
BESIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "docker/README.md": "docker.md",
}
"""Pages that are not in docs/, and what they are called on the site."""
COPIED = (".md", ".py", ".png", ".svg")
OTHERS = "Other pages"
DECISIONS = "decisions/"

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s:]+)\)")
_FENCE = re.compile(r"^(```.*?^```\n)", re.M | re.S)
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.S)
_STYLE = re.compile(r'(<[a-z][^<>]*?) style="([^"]*)"')
_EMPTY_CELL = '<th class="head"><p></p></th>'
_EMPTY_HEAD = re.compile(
    rf'<thead>\s*<tr class="row-odd">(?:{_EMPTY_CELL}\s*)+</tr>\s*</thead>'
)
_ACCESSIBLE = {
    _EMPTY_CELL: "<td></td>",
    'role="heading"': 'role="heading" aria-level="2"',
    "<pre>": '<pre tabindex="0">',
    'class="sidebar-drawer"': 'class="sidebar-drawer" aria-label="Pages"',
    'class="toc-drawer"': 'class="toc-drawer" aria-label="On this page"',
    '<div id="search-results">': '<h1>Search</h1>\n<div id="search-results">',
}


def pages() -> dict[str, str]:
    """The files of the site by their paths in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "docs"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = [name for name in listed.stdout.splitlines() if name.endswith(COPIED)]
    present = (name for name in names if (ROOT / name).exists())
    return {name: name.removeprefix("docs/") for name in present} | BESIDE


def copy_pages(folder: Path) -> None:
    """Sphinx's source: the pages with links between them as they are on the site."""
    found = pages()
    for source, target in found.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        if target.endswith(".md"):
            text = (ROOT / source).read_text("utf-8")
            path.write_text(relinked(text, source, found), "utf-8")
        else:
            shutil.copyfile(ROOT / source, path)
    add_navigation(folder, sorted(found.values()))


def relinked(text: str, source: str, found: dict[str, str]) -> str:
    """With links to pages of the site; of a link to another file its text is left.

    Raises SystemExit for a link to a file that does not exist.
    """

    def link(match: re.Match[str]) -> str:
        mark, words, target = match.groups()
        path, _, anchor = target.partition("#")
        if not path:
            return match[0]
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if wanted not in found:
            if not (ROOT / wanted).exists():
                raise SystemExit(f"{source}: no file {wanted} for the link {match[0]}")
            return words
        begin = posixpath.dirname(found[source])
        new = posixpath.relpath(found[wanted], begin or ".")
        return f"{mark}[{words}]({new}{'#' if anchor else ''}{anchor})"

    parts = _FENCE.split(text)
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts)


def add_navigation(folder: Path, names: list[str]) -> None:
    """Lists of links below the headings of the first page become the navigation.

    A page that it does not name is below "Other pages".
    """
    index = folder / "index.md"
    text = index.read_text("utf-8")
    trees = {"": ["index"]}
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        title = section.partition("\n")[0]
        found = re.findall(r"^- \[[^\]]*\]\(([^)#:]+)\.md\)", section, re.M)
        trees[title] = found
    named = {page for found in trees.values() for page in found}
    pages = [name.removesuffix(".md") for name in names if name.endswith(".md")]
    decisions = [name for name in pages if name.startswith(DECISIONS)]
    trees[OTHERS] = [name for name in pages if name not in {*named, *decisions}]
    del trees[""]
    index.write_text(text + "".join(_tree(*one) for one in trees.items()), "utf-8")
    own = [name.removeprefix(DECISIONS) for name in decisions if name[-6:] != "README"]
    with (folder / DECISIONS / "README.md").open("a", encoding="utf-8") as file:
        file.write(_tree("", own))


def _tree(title: str, names: list[str]) -> str:
    if not names:
        return ""
    caption = f":caption: {title}\n" if title else ""
    lines = "\n".join(names)
    return f"\n\n```{{toctree}}\n:hidden:\n{caption}\n{lines}\n```\n"


def files_for_inline(site: Path) -> None:
    """Replace what a strict Content-Security-Policy does not let run."""
    texts: dict[str, str] = {}
    styles: dict[str, str] = {}
    for page in site.rglob("*.html"):
        up = "../" * len(page.relative_to(site).parents[1:])
        before, text = "", accessible(page.read_text("utf-8"))
        text = _INLINE.sub(lambda found, up=up: _linked(found, up, texts), text)
        while text != before:
            before, text = text, _STYLE.sub(lambda it: _classed(it, styles), text)
        page.write_text(text, "utf-8")
    for name, content in texts.items():
        (site / name).write_text(content, "utf-8")
    with (site / "_static" / "styles" / "furo.css").open("a", encoding="utf-8") as file:
        for name, style in styles.items():
            file.write(f'\n[data-style="{name}"]{{{style}}}')


def accessible(page: str) -> str:
    """With what Sphinx and the theme leave out, for keyboards and screen readers."""
    page = _EMPTY_HEAD.sub("", page)
    for found, better in _ACCESSIBLE.items():
        page = page.replace(found, better)
    return page


def _linked(found: re.Match[str], up: str, texts: dict[str, str]) -> str:
    kind, content = found.groups()
    name = f"_static/inline-{_digest(content)}.{'js' if kind == 'script' else 'css'}"
    texts[name] = content
    if kind == "script":
        return f'<script src="{up}{name}"></script>'
    return f'<link rel="stylesheet" href="{up}{name}">'


def _classed(found: re.Match[str], styles: dict[str, str]) -> str:
    before, style = found.groups()
    styles[_digest(style)] = style
    return f'{before} data-style="{_digest(style)}"'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def leftovers(site: Path) -> Iterator[str]:
    """What pages would load from elsewhere, or what a policy would stop."""
    bad = re.compile(
        r"<script>|<style>|\sstyle=|\son[a-z]+=\"|javascript:|"
        r"<(?:script|img|iframe|link)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*"
    )
    for page in site.rglob("*.html"):
        for match in bad.finditer(page.read_text("utf-8")):
            yield f"{page.relative_to(site)}: {match[0]}"


def build(site: Path) -> None:
    """Raises SystemExit with Sphinx's status if it warns, or the site is not closed."""
    with tempfile.TemporaryDirectory() as name:
        source, made = Path(name, "source"), Path(name, "site")
        source.mkdir()
        copy_pages(source)
        options = ["-q", "-W", "--keep-going", "-b", "html", "-d", f"{name}/trees"]
        command = [sys.executable, "-m", "sphinx", *options, str(source), str(made)]
        environ = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
        done = subprocess.run(command, env=environ)
        if done.returncode:
            raise SystemExit(done.returncode)
        files_for_inline(made)
        if found := list(leftovers(made)):
            raise SystemExit("\n".join(found))
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(made, site, ignore=shutil.ignore_patterns(".*", "_sources"))


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SITE
    build(folder)
    shown = ", which a server shows at /docs/" if folder == SITE else ""
    print(f"built {folder}{shown}")

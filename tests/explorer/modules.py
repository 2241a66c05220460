"""What a page loads: its modules, and how much it is."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from django.contrib.staticfiles import finders

__all__ = ["check_modules", "weight_of"]

_PRELOADED = re.compile(r'<link rel="modulepreload" href="/static/([^"]+)"')
_MAIN = re.compile(r'<script type="module" src="/static/([^"]+)"')


def check_modules(text: str) -> None:
    """A page names all modules that it needs, and no other."""
    preloaded = set(_PRELOADED.findall(text))
    main = _MAIN.findall(text)[-1]  # after those of the base template
    imported = {main}
    root = Path(str(finders.find("haystack_app/live.js"))).parent.parent
    for name in preloaded:
        file = root / name
        for line in re.findall(r'from "(\.[^"]+)";', file.read_text()):
            imported.add((file.parent / line).resolve().relative_to(root).as_posix())
    assert preloaded == imported


def weight_of(text: str) -> int:
    """Compressed bytes of the scripts and styles of a page."""
    names = set(re.findall(r'(?:href|src)="/static/([^"]+\.(?:js|css))"', text))
    files = [Path(str(finders.find(name))).read_bytes() for name in names]
    return sum(len(gzip.compress(file, 6)) for file in files)

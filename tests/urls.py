"""Every URL of the project, with examples for what its patterns leave open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

__all__ = ["every_path"]

_EXAMPLES = {
    "project": "memory",
    "name": "read",
    "path": "index.html",
    "id": "s1",
    "app_label": "auth",
    "content_type_id": "1",
    "uidb64": "MQ",
}


def every_path() -> list[str]:
    """A path for each pattern, in the order of the patterns."""
    return list(dict.fromkeys(_paths(get_resolver().url_patterns, "/")))


def _paths(patterns: Any, begin: str) -> Iterator[str]:
    for one in patterns:
        path = begin + _example(str(one.pattern))
        if isinstance(one, URLResolver):
            yield from _paths(one.url_patterns, path)
        else:
            assert isinstance(one, URLPattern)
            yield path


def _example(pattern: str) -> str:
    """Text that a pattern matches: of a route with converters, or of a regex."""
    text = re.sub(r"<(?:\w+:)?(\w+)>", r"(?P<\1>)", pattern)
    text = re.sub(r"\(\?P\(\?P<(\w+)>\)", r"(?P<\1>", text)
    text = re.sub(r"\(\?P<(\w+)>[^()]*\)", lambda it: _EXAMPLES.get(it[1], "1"), text)
    text = re.sub(r"\(\?:([^()]*)\)\??", r"\1", text)
    text = text.removeprefix("^").removesuffix("$").replace("\\Z", "")
    return text.replace("/?", "/").replace("\\", "")

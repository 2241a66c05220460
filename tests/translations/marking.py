"""A language whose texts are the English ones between marks.

Text of a page that is not between them is data, or was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from haystack_app import __file__ as app

LANGUAGE = "de"
"""The language that is replaced: texts of Django are there in it, too."""
BEGIN, END = "⟦", "⟧"
SEPARATOR = "\x00"
"""Between texts that are apart on the page."""

_APP = Path(app).parent / "locale"
_DJANGO = Path(django.__file__).parent
_MARKED = re.compile(f"{BEGIN}[^{BEGIN}{END}]*{END}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_PLACE = re.compile(r"@\w+|/\S+")
"""Ids, and folders."""
_DATE = re.compile(
    r"(?:\b(?:Mo|Di|Mi|Do|Fr|Sa|So)\., )?\d+\. (?:März|Nov\.|Dez\.|Jan\.)"
)
"""As browsers write dates of the tests in German."""


def write_marked(folder: Path) -> None:
    """Write the catalogs of both domains, for the setting LOCALE_PATHS."""
    place = folder / LANGUAGE / "LC_MESSAGES"
    place.mkdir(parents=True)
    for domain in ("django", "djangojs"):
        catalog = Catalog(locale=LANGUAGE)
        for file in _catalogs(domain):
            with file.open("rb") as opened:
                for message in read_po(opened, locale=LANGUAGE):
                    if message.id:
                        catalog.add(
                            message.id,
                            _marked(message.id),
                            context=message.context,
                        )
        with (place / f"{domain}.mo").open("wb") as file:
            write_mo(file, catalog)


def _catalogs(domain: str) -> Iterator[Path]:
    yield from _DJANGO.glob(f"**/locale/{LANGUAGE}/LC_MESSAGES/{domain}.po")
    yield _APP / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"


def _marked(id: Any) -> Any:
    if isinstance(id, (tuple, list)):
        return tuple(_marked(form) for form in id)
    return f"{BEGIN}{id}{END}"


def unmarked(text: str, data: Iterable[str]) -> list[str]:
    """The texts of a page in which words are neither marked nor in ``data``."""
    known = set(data)
    while True:
        text, count = _MARKED.subn(" ", text)
        if not count:
            break
    parts = (part.strip() for part in text.split(SEPARATOR))
    return sorted({part for part in parts if not known.issuperset(_words(part))})


def _words(text: str) -> list[str]:
    return _WORD.findall(_PLACE.sub(" ", _DATE.sub(" ", text)))

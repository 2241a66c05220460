"""Check the translations of pages, or bring their files up to date.

Messages are found in the Python modules and templates (domain ``django``) and in the
scripts (domain ``djangojs``) of ``haystack_app``, as ``makemessages`` finds them, but
without the programs of GNU gettext. The check fails for messages that are missing or
fuzzy, that are not in the sources any more, or whose placeholders differ, and for
``.mo`` files that are not those of the ``.po`` files.

python tools/translations.py             check all languages
python tools/translations.py --write     merge new messages, and compile
python tools/translations.py --add fr    begin a language
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "haystack_app"
LOCALE = APP / "locale"
DOMAINS = ("django", "djangojs")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|</?\w+|%%")
"""What a translation must have, too: values, and elements of HTML."""
WIDTH = 88
HEADER = "# Texts of the pages of haystack_app."


def sources(domain: str) -> Iterator[Path]:
    """The files of a domain, in the order of their names."""
    if domain == "djangojs":
        found = (APP / "static" / "haystack_app").rglob("*.js")
        yield from sorted(path for path in found if "vendor" not in path.parts)
        return
    modules = (path for path in APP.rglob("*.py") if "migrations" not in path.parts)
    yield from sorted([*modules, *(APP / "templates").rglob("*.*")])


def messages_of(path: Path) -> Iterator[tuple[object, str | None]]:
    """Messages of a file, and their contexts."""
    text = path.read_text("utf-8")
    method = "javascript" if path.suffix == ".js" else "python"
    if path.suffix in (".html", ".txt"):
        # what is not a message becomes a word of X, which needs no indentation
        text = " ".join(templatize(text, origin=str(path)).split())
    found = extract(
        method,
        io.BytesIO(text.encode()),
        keywords=KEYWORDS,
        options={"encoding": "utf-8", "parse_template_string": "true"},
    )
    for _line, message, _comments, context in found:
        yield message, context


def extracted(domain: str) -> Catalog:
    """All messages of a domain, with the files that have them."""
    catalog = Catalog(charset="utf-8")
    for path in sources(domain):
        place = [(path.relative_to(ROOT).as_posix(), None)]
        for message, context in messages_of(path):
            catalog.add(message, locations=place, context=context)
    return catalog


def po_file(language: str, domain: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def read(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> dict[object, object]:
    """What the catalog says in a ``.mo`` file, by message and context."""
    file = io.BytesIO()
    write_mo(file, catalog)
    file.seek(0)
    return texts_of(read_mo(file))


def texts_of(catalog: Catalog) -> dict[object, object]:
    return {(str(one.id), one.context): one.string for one in catalog if one.id}


def problems(language: str, domain: str) -> Iterator[str]:
    """What is wrong with the files of a language, in words."""
    path = po_file(language, domain)
    name = path.relative_to(ROOT)
    template, catalog = extracted(domain), read(path, language)
    for wanted in template:
        held = catalog.get(wanted.id, wanted.context)
        if wanted.id and (held is None or held.id != wanted.id):
            yield f"{name}: missing: {wanted.id!r}"
    for held in catalog:
        if not held.id:
            continue
        if template.get(held.id, held.context) is None:
            yield f"{name}: not in the sources: {held.id!r}"
        elif held.fuzzy:
            yield f"{name}: fuzzy: {held.id!r}"
        else:
            yield from (f"{name}: {text}" for text in wrong(held))
    mo = path.with_suffix(".mo")
    if not mo.exists():
        yield f"{name}: not compiled"
        return
    with mo.open("rb") as file:
        if texts_of(read_mo(file)) != compiled(catalog):
            yield f"{mo.relative_to(ROOT)}: not that of the .po file"


def wrong(message: Message) -> Iterator[str]:
    """Untranslated forms, and placeholders that are not those of the message."""
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    strings = message.string if isinstance(message.string, tuple) else (message.string,)
    if not all(strings):
        yield f"not translated: {message.id!r}"
        return
    for string in strings:
        # the singular may leave out the number
        if not any(placeholders(string) == placeholders(id) for id in ids):
            yield f"placeholders differ: {ids[-1]!r} and {string!r}"


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def write(language: str, domain: str) -> None:
    """Merge the messages of the sources into the files of a language."""
    path = po_file(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = read(path, language) if path.exists() else Catalog(locale=language)
    catalog.update(extracted(domain), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.header_comment = HEADER
    catalog.fuzzy = False
    with path.open("wb") as file:
        write_po(file, catalog, width=WIDTH, omit_header=False, sort_output=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)


def languages() -> list[str]:
    return sorted(path.name for path in LOCALE.iterdir() if path.is_dir())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--add", metavar="LANGUAGE")
    options = parser.parse_args()
    settings.configure()
    added = [options.add] if options.add else []
    if options.write or added:
        for language in {*languages(), *added}:
            for domain in DOMAINS:
                write(language, domain)
    found = [
        problem
        for language in languages()
        for domain in DOMAINS
        for problem in problems(language, domain)
    ]
    for problem in found:
        print(problem)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

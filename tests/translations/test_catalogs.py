"""The files of translations: complete, up to date, and of all that is in templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import django
import pytest
from babel.messages.catalog import Message

from tools import translations

TEMPLATES = translations.APP / "templates"
_BLOCKS = re.compile(
    r"\{%\s*blocktranslate\b.*?\{%\s*endblocktranslate\s*%\}|\{%.*?%\}|\{\{.*?\}\}",
    re.DOTALL,
)
_ATTRIBUTES = ("aria-label", "title", "placeholder", "alt")
_CODE = ("code", "pre", "script", "style")
NAMES = {"API", "CSV", "JSON", "PNG"}
EXAMPLES = {
    *("zone and air and temp and sensor", "26°C", "spRef", "not enabled"),
    "desk@example.org",
}


@pytest.mark.parametrize("domain", translations.DOMAINS)
@pytest.mark.parametrize("language", translations.languages())
def test_each_language_is_complete(language: str, domain: str) -> None:
    assert list(translations.problems(language, domain)) == []


@pytest.mark.parametrize("language", translations.languages())
def test_messages_of_django_mean_the_same(language: str) -> None:
    """Django's apps may be before this one, and their texts then win.

    A message with another meaning here needs a context.
    """
    ours = translations.read(translations.po_file(language, "django"), language)
    folder = Path(django.__file__).parent
    found = []
    for file in folder.glob(f"**/locale/{language}/LC_MESSAGES/django.po"):
        if file.parts[-5] not in ("admin", "auth", "conf", "contenttypes", "sites"):
            continue
        for theirs in translations.read(file, language):
            own = ours.get(theirs.id, theirs.context) if theirs.id else None
            if own and theirs.string and own.string != theirs.string:
                found.append((theirs.id, own.string, theirs.string))
    assert found == []


def test_german_is_a_language() -> None:
    assert translations.languages() == ["de"]
    assert len(translations.extracted("django")) > 700
    assert len(translations.extracted("djangojs")) > 450


@pytest.mark.parametrize(
    ("id", "string", "problem"),
    [
        ("%(count)s of it", "%(count)s davon", ""),
        ("%(count)s of it", "%(anzahl)s davon", "placeholders differ"),
        ("%(count)s of it", "davon", "placeholders differ"),
        ("a <b>word</b>", "ein <b>Wort</b>", ""),
        ("a <b>word</b>", "ein Wort", "placeholders differ"),
        ("a word", "", "not translated"),
        (("one", "%(n)s ones"), ("eins", "%(n)s"), ""),
        (("one", "%(n)s ones"), ("eins", ""), "not translated"),
        (("one", "%(n)s ones"), ("eins", "%(m)s"), "placeholders differ"),
    ],
)
def test_what_is_wrong_with_a_translation(id: str, string: str, problem: str) -> None:
    found = " ".join(translations.wrong(Message(id, string)))
    assert found.startswith(problem) and bool(found) == bool(problem)


def test_stale_files_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that are new, gone or not compiled."""
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "APP", tmp_path)
    monkeypatch.setattr(translations, "LOCALE", tmp_path / "locale")
    script = tmp_path / "static" / "haystack_app" / "a.js"
    script.parent.mkdir(parents=True)
    script.write_text('gettext("old"); `${gettext("in a template")}`')
    translations.write("de", "djangojs")
    path = translations.po_file("de", "djangojs")
    text = path.read_text()
    assert list(translations.problems("de", "djangojs")) == [
        "locale/de/LC_MESSAGES/djangojs.po: not translated: 'old'",
        "locale/de/LC_MESSAGES/djangojs.po: not translated: 'in a template'",
    ]
    path.write_text(re.sub(r'msgstr ""$', 'msgstr "neu"', text, flags=re.MULTILINE))
    script.write_text('ngettext("new", "news", 2); `${gettext("in a template")}`')
    assert list(translations.problems("de", "djangojs")) == [
        "locale/de/LC_MESSAGES/djangojs.po: missing: ('new', 'news')",
        "locale/de/LC_MESSAGES/djangojs.po: not in the sources: 'old'",
        "locale/de/LC_MESSAGES/djangojs.mo: not that of the .po file",
    ]


class Texts(HTMLParser):
    """Texts and attributes of a template that people read."""

    def __init__(self) -> None:
        super().__init__()
        self.code = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.code += tag in _CODE
        if self.code == 0:
            self.found += [text or "" for name, text in attrs if name in _ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag in _CODE

    def handle_data(self, data: str) -> None:
        if self.code == 0:
            self.found.append(data)


def untranslated(text: str) -> Iterator[str]:
    """Texts of a template that are outside of ``translate`` and its like."""
    parser = Texts()
    parser.feed(_BLOCKS.sub(" ", text))
    for found in parser.found:
        shown = found.strip()
        if re.search(r"[A-Za-z]{2}", shown) and shown not in NAMES | EXAMPLES:
            yield shown


@pytest.mark.parametrize(
    "path",
    sorted(TEMPLATES.rglob("*.html")),
    ids=lambda path: path.relative_to(TEMPLATES).as_posix(),
)
def test_templates_have_no_other_texts(path: Path) -> None:
    text = path.read_text()
    text = re.sub(r"\{% block (body|bodyclass) %\}.*?\{% endblock %\}", "", text)
    assert list(untranslated(text)) == []


def test_texts_of_templates_are_seen() -> None:
    text = '<p title="A">{% translate "x" %} and</p><code>id</code><img alt="An ox">'
    assert list(untranslated(text)) == ["and", "An ox"]
    text = "<p>{% blocktranslate %}All {{ x }}{% endblocktranslate %}</p>"
    assert list(untranslated(text)) == []

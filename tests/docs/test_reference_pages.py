"""docs/reference/ is what the code says."""

from __future__ import annotations

from tools import document_reference


def test_the_pages_are_as_the_code_says() -> None:
    found = [path.name for path in document_reference.stale()]
    assert not found, "run python tools/document_reference.py --write"
    pages = {path.stem for path in document_reference.FOLDER.glob("*.md")}
    assert pages == set(document_reference.PAGES)

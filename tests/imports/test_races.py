"""Steps of an import that another step overtakes: each is done once, or refused."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from haystack_app.auth.caller import Caller
from haystack_app.imports import checking, spool, uploads
from haystack_app.models import FileImport, Job
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.imports.conftest import TRENDS, Imports, fill

CONTENT = TRENDS.encode()


@pytest.fixture
def caller(db: None) -> Caller:
    fill(storages["default"])
    return Caller(user("alice"))


def begun(caller: Caller, content: bytes = CONTENT) -> FileImport:
    return uploads.begin_upload(caller, "default", "trends.csv", len(content))


def again(found: FileImport) -> FileImport:
    """What another request reads at the same time."""
    return FileImport.objects.get(pk=found.pk)


def whole(caller: Caller) -> FileImport:
    found = begun(caller)
    uploads.add_part(found, 0, BytesIO(CONTENT))
    uploads.understand(found, caller)
    uploads.correct(found, caller, {"skip_bad": "2"})
    assert found.found["canStart"], found.found
    return found


class Overtaken(BytesIO):
    """A body during which something else happens."""

    def __init__(self, content: bytes, other: Any) -> None:
        super().__init__(content)
        self.other = other

    def read(self, size: int | None = -1, /) -> bytes:
        if self.other is not None:
            other, self.other = self.other, None
            other()
        return super().read(size)


def test_a_part_that_is_sent_twice_at_once(caller: Caller) -> None:
    """The second one would cut off what the first one has received since."""
    found = begun(caller)
    same = again(found)

    def other() -> None:
        with pytest.raises(uploads.ImportBusy, match="is being received"):
            uploads.add_part(same, 0, BytesIO(CONTENT[:10]))

    uploads.add_part(found, 0, Overtaken(CONTENT[:40], other))
    assert again(found).received == 40
    with pytest.raises(uploads.ImportRefused, match="offset must be 40, not 0"):
        uploads.add_part(same, 0, BytesIO(CONTENT[:10]))
    uploads.add_part(again(found), 40, BytesIO(CONTENT[40:]))
    assert spool.file_of(found).read_bytes() == CONTENT


def test_a_start_that_is_sent_twice_at_once(caller: Caller) -> None:
    found = whole(caller)
    same = again(found)
    job = uploads.start(found, caller)
    with pytest.raises(uploads.ImportBusy):
        uploads.start(same, caller)
    assert list(Job.objects.all()) == [job]
    with pytest.raises(uploads.ImportBusy):
        uploads.correct(same, caller, {"skip_bad": None})
    with pytest.raises(uploads.ImportBusy):
        uploads.delete(same)


def test_corrections_at_once_are_all_kept(caller: Caller) -> None:
    found = whole(caller)
    same = again(found)
    uploads.correct(found, caller, {"tz": "UTC"})
    uploads.correct(same, caller, {"dates": "dmy"})
    expected = {"skip_bad": "2", "tz": "UTC", "dates": "dmy"}
    assert again(found).corrections == expected


def test_a_start_while_corrections_are_checked(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was understood before does not say which rights the import needs now."""
    found = whole(caller)

    def checked(held: FileImport, *args: Any) -> Any:
        with pytest.raises(uploads.ImportRefused, match="cannot be imported yet"):
            uploads.start(again(found), caller)
        return checking.checked(held, *args)

    monkeypatch.setattr(uploads, "checked", checked)
    uploads.correct(found, caller, {"create": True})
    assert not Job.objects.exists()


def test_a_file_that_was_deleted_meanwhile(caller: Caller) -> None:
    found = whole(caller)
    same = again(found)
    uploads.delete(found)
    for step in (uploads.start, lambda it, by: uploads.correct(it, by, {})):
        with pytest.raises(uploads.ImportRefused, match="was deleted"):
            step(same, caller)


def test_quick_clicks(imports: Imports) -> None:
    id = imports.uploaded(TRENDS)["id"]
    imports.corrected(id, skipBad="2")
    assert [imports.start(id).status_code for _ in range(2)] == [202, 409]

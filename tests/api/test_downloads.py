"""Answers as files for people: formats, names, safe cells, and what programs get."""

from __future__ import annotations

import io
from typing import Any

import pytest
import python_calamine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from haystack_app.api import downloads
from haystack_app.api.downloads import is_for_person
from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.ops import find_op
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_reader, trio_reader, zinc_reader
from tests.api.conftest import Api, grid_of, logged_in
from tests.defects.building import at, point
from tests.storage.building import numbers

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "trio": "text/trio; charset=utf-8",
    "zinc": "text/zinc; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
URLS = {
    "read?filter=id==@hq": "records",
    "nav?navId=": "nav",
    "hisRead?id=@p:1&range=2024-03-01,2024-03-02": "p-1 2024-03-01,2024-03-02",
    "hisRead?filter=point&range=2024-03-01": "history",
    "entities/?filter=id==@hq": "entities",
    "quality/": "quality",
}


@pytest.fixture
def api(db: None) -> Api:
    store = storages["default"]
    store.load_entities(
        [
            {"id": Ref("hq"), "site": MARKER, "dis": "=1+1", "area": Number(5, "m²")},
            point("p:1", siteRef=Ref("hq"), unit="kW"),
        ],
        replace=True,
    )
    store.his_write("p:1", numbers(24, at("2024-03-01 00:00")))
    return Api(logged_in("alice"))


def ask(api: Api, url: str, accept: str | None = BROWSER, **more: Any) -> Any:
    headers = {} if accept is None else {"Accept": accept}
    return api.client.get(f"/api/{url}", more, headers=headers)


def body(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else answer.content


def rows_of(content: bytes) -> list[list[Any]]:
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return book.get_sheet_by_index(0).to_python()


@pytest.mark.parametrize("word", TYPES)
@pytest.mark.parametrize("url", URLS)
def test_every_format_of_every_list(api: Api, url: str, word: str) -> None:
    path = url + ("&" if "?" in url else "?") + f"format={word}"
    answer = api.client.get(f"/api/{path}", headers={"Accept": BROWSER})
    assert answer.status_code == 200
    assert answer["Content-Type"].replace("; charset=utf-8", "") in TYPES[word]
    name = f'attachment; filename="{URLS[url]}.{word}"'
    assert answer["Content-Disposition"] == name
    content = body(answer)
    if word == "csv":
        assert content.startswith("\ufeff".encode())
        assert b"\n=1" not in content.replace(b",=", b"\n=")
    if word == "xlsx":
        assert len(rows_of(content)) >= 2
    if word == "zinc":
        assert len(list(zinc_reader.read_grid(content.decode()))) >= 1
    if word == "trio":
        assert trio_reader.read_grid(content.decode())
    if word == "json":
        hayson_reader.parse_json(content)


def test_cells_are_safe(api: Api) -> None:
    text = body(ask(api, "read", filter="site", format="csv")).decode("utf-8-sig")
    assert "'=1+1" in text
    assert "'@hq" in text
    header, row = rows_of(body(ask(api, "read", filter="site", format="xlsx")))
    found = dict(zip(header, row, strict=True))
    assert (found["dis"], found["area (m²)"]) == ("=1+1", 5.0)
    header, row = rows_of(
        body(ask(api, "entities/", filter="site", fields="dis", format="xlsx"))
    )
    assert header == ["id", "dis"]


def test_a_history(api: Api) -> None:
    content = body(ask(api, "hisRead", id="@p:1", range="2024-03-01", format="xlsx"))
    header, *rows = rows_of(content)
    assert header == ["ts (New_York)", "p:1 (kW)"]
    assert [row[1] for row in rows] == [float(n) for n in range(24)]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, True),
        ("", True),
        ("*/*", True),
        ("*", True),
        (BROWSER, True),
        ("text/html", True),
        ("text/html;q=0, */*", True),
        ("text/zinc", False),
        ("text/csv, */*;q=0.1", False),
        ("application/json", False),
        ("application/vnd.haystack+json;version=3", False),
        ("image/png,*/*", False),
    ],
)
def test_who_gets_a_file(api: Api, accept: str | None, expected: bool) -> None:
    assert is_for_person(accept or "") is expected
    for arguments in ({"format": "xlsx"}, {"download": "a.xlsx"}):
        answer = ask(api, "read", accept, filter="site", **arguments)
        assert ("Content-Disposition" in answer) is expected
        if not expected and "png" not in str(accept):
            assert answer["Content-Type"].startswith(
                str(accept).partition(";")[0].partition(",")[0]
            )


def test_empty_parameters_ask_for_nothing(api: Api) -> None:
    for arguments in ({"format": ""}, {"download": ""}, {"format": "", "download": ""}):
        for path in ("read", "entities/"):
            answer = ask(api, path, filter="site", **arguments)
            assert answer.status_code == 200
            assert "Content-Disposition" not in answer


def test_both_parameters(api: Api) -> None:
    answer = ask(api, "read", filter="site", format="csv", download="all sites.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="all sites.csv"'
    answer = ask(api, "read", filter="site", format="csv", download="a.xlsx")
    assert answer.status_code == 406
    assert "format is csv, but download ends in .xlsx" in answer.json()["dis"]


@pytest.mark.parametrize(
    "url", ["read?filter=site", "entities/?filter=site", "quality/?a=b"]
)
def test_unknown_formats(api: Api, url: str) -> None:
    answer = api.client.get(f"/api/{url}&format=pdf")
    assert answer.status_code == 406
    assert "one of zinc, json, trio, csv, xlsx, not" in answer.json()["dis"]


def test_without_the_library(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads.sheet, "is_installed", lambda: False)
    for url in ("read?filter=site", "entities/?filter=site"):
        answer = api.client.get(f"/api/{url}&format=xlsx")
        assert answer.status_code == 406
        assert "haystack-server[files]" in answer.json()["dis"]


def test_by_post_and_of_other_ops(api: Api) -> None:
    answer = api.client.post(
        "/api/read?format=xlsx", 'ver:"3.0"\nfilter\n"site"\n', content_type="text/zinc"
    )
    assert answer["Content-Type"].startswith("text/zinc")
    assert "Content-Disposition" not in ask(api, "about", format="xlsx")
    assert "Content-Disposition" not in ask(api, "entities/hq/", format="xlsx")
    found = {
        name
        for name in ("read", "nav", "hisRead", "ops", "eval", "defs")
        if (op := find_op(name)) and op.download
    }
    assert found == {"read", "nav", "hisRead"}


def test_head_is_as_get(api: Api) -> None:
    headers = {"Accept": BROWSER}
    answer = api.client.head("/api/read?filter=site&format=csv", headers=headers)
    assert answer["Content-Disposition"] == 'attachment; filename="records.csv"'


def test_an_error_is_a_row(api: Api) -> None:
    content = body(ask(api, "read", filter="a = b", format="xlsx"))
    header, row = rows_of(content)
    assert header == ["dis", "err"]
    assert any("expected '=='" in str(cell) for cell in row)
    content = body(ask(api, "hisRead", id="@hq", range="today", format="xlsx"))
    assert "has no history" in str(rows_of(content))


def test_etags_are_of_the_format(api: Api) -> None:
    first = api.client.get("/api/read?filter=site&format=xlsx")
    known = {"If-None-Match": first["ETag"]}
    url = "/api/read?filter=site&format=xlsx"
    assert api.client.get(url, headers=known).status_code == 304
    assert api.client.get("/api/entities/?format=csv")["ETag"]


def test_the_scope_holds(api: Api) -> None:
    group = Group.objects.create(name="none")
    GroupScope.objects.create(group=group, filter="nosuch")
    client = logged_in("carol", "viewer")
    get_user_model().objects.get(username="carol").groups.add(group)
    for url in ("read?filter=site", "entities/?filter=site"):
        answer = client.get(f"/api/{url}&format=xlsx")
        assert "hq" not in str(rows_of(body(answer)))


def test_history_by_rest_is_safe_in_a_browser(api: Api) -> None:
    url = "/api/history/?ids=p:1&range=2024-03-01&format=csv"
    assert body(api.client.get(url, headers={"Accept": BROWSER})).startswith(
        "\ufeff".encode()
    )
    assert body(api.client.get(url)).startswith(b"ts,")


def test_many_rows_are_streamed(api: Api) -> None:
    store = storages["default"]
    store.load_entities(
        {"id": Ref(f"x{n}"), "n": Number(n), "text": "x" * 50 + str(n)}
        for n in range(3_000)
    )
    answer = ask(api, "read", filter="text", format="xlsx")
    rows = rows_of(body(answer))
    assert len(rows) == 3_001
    grid = grid_of(ask(api, "read", "text/zinc", filter="text", format="xlsx"))
    assert isinstance(grid, Grid)
    assert len(list(grid)) == 3_000


def test_a_workbook_of_many_ids(api: Api) -> None:
    """Too many for an address; the columns are those that are asked for."""
    rows = [{"id": Ref("p:1"), "fields": "unit"}, {"id": Ref("hq")}]
    answer = api.post("read", Grid.of(rows), accept=TYPES["xlsx"])
    assert answer["Content-Type"] == TYPES["xlsx"]
    assert answer["Content-Disposition"].endswith('"records.xlsx"')
    book = python_calamine.load_workbook(io.BytesIO(b"".join(answer)))
    assert book.get_sheet_by_index(0).to_python() == [
        ["id", "unit"],
        ["@p:1", "kW"],
        ["@hq", ""],
    ]


def test_workbooks_are_of_ops_with_downloads(api: Api) -> None:
    assert api.get("about", accept=TYPES["xlsx"]).status_code == 406

"""Files of entities, points that an import makes, and saved mappings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from haystack_app.models import GroupScope, Token
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import logged_in
from tests.imports.conftest import Imports, run_jobs
from tests.imports.test_history import values

TABLE = """id,dis,tags,siteRef,kind,unit
ahu-1,AHU 1,"equip ahu",HQ,,
ahu-1.rat,RAT,"point sensor",HQ,number,°C
"""


@pytest.fixture
def editor(imports: Imports) -> Imports:
    """Imports of a user that may change entities."""
    return Imports(logged_in("boss", "admin"))


def records(*ids: str) -> list[Any]:
    return storages["default"].read_by_ids(list(ids))


def test_a_table_of_entities(editor: Imports) -> None:
    answer = editor.uploaded(TABLE, "points.csv")
    found = answer["found"]
    assert (found["kind"], found["canStart"]) == ("entities", True), found
    assert found["counts"] == {"rows": 2, "created": 2, "updated": 0, "unchanged": 0}
    [table] = found["tables"]
    assert [column["header"] for column in table["columns"]] == [
        *("id", "dis", "tags", "siteRef", "kind", "unit"),
    ]
    assert table["columns"][2]["use"] == "words"
    assert records("ahu-1") == [None]
    job = editor.done(answer["id"])
    assert job["status"] == "successful", job
    assert job["result"] == {
        "kind": "entities",
        "rows": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
    }
    ahu, rat = records("ahu-1", "ahu-1.rat")
    assert (ahu["siteRef"].id, rat["unit"]) == ("hq", "°C")
    again = editor.corrected(answer["id"])
    assert again["found"]["counts"]["unchanged"] == 2


def test_our_own_csv_of_entities(editor: Imports) -> None:
    text = 'ver:"3.0"\nid,dis,site\n@b,"Branch",M\n'
    answer = editor.uploaded(text, "sites.zinc")
    assert (answer["found"]["kind"], answer["found"]["tables"]) == ("entities", [])
    editor.done(answer["id"])
    assert records("b")[0]["dis"] == "Branch"


def test_bad_rows_of_entities(editor: Imports) -> None:
    answer = editor.uploaded(TABLE.replace("HQ,number", "Nowhere,number"))
    found = answer["found"]
    assert found["bad"]["count"] == 1
    [row] = found["bad"]["shown"]
    assert (row["line"], row["column"]) == (3, "siteRef")
    assert found["canStart"] is False
    assert len(found["tables"]) == 1
    assert editor.start(answer["id"]).status_code == 400


def test_the_kind_can_be_corrected(editor: Imports) -> None:
    answer = editor.uploaded("id,area\n@x,5\n", "x.csv")
    found = editor.corrected(answer["id"], kind="entities")["found"]
    assert found["kind"] == "entities"
    assert editor.corrected(answer["id"], kind="history")["found"]["kind"] == "history"


def test_entities_need_the_right_of_commit(imports: Imports) -> None:
    answer = imports.uploaded(TABLE, "points.csv")
    assert answer["found"]["canStart"]
    refused = imports.start(answer["id"])
    assert refused.status_code == 403
    assert "change_entity" in refused.json()["dis"]
    run_jobs()
    assert records("ahu-1") == [None]


def test_a_token_needs_the_scope_of_the_op(editor: Imports) -> None:
    boss = get_user_model().objects.get(username="boss")
    editor.client.logout()
    secret = token_of(boss, Token.WRITE)
    editor.client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    answer = editor.uploaded(TABLE, "points.csv")
    assert editor.start(answer["id"]).status_code == 403
    history = editor.uploaded("ts,id,val\n2024-03-01T08:00:00Z,sat,20\n")
    assert editor.start(history["id"]).status_code == 202
    secret = token_of(boss, Token.READ)
    editor.client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    assert editor.upload(TABLE, "points.csv").status_code == 403
    assert editor.client.get(editor.root).status_code == 200


def test_a_tenant_cannot_load_outside_of_the_scope(editor: Imports) -> None:
    group = Group.objects.create(name="hq only")
    GroupScope.objects.create(group=group, filter="id == @hq or siteRef == @hq")
    get_user_model().objects.get(username="boss").groups.add(group)
    inside = editor.uploaded(TABLE, "points.csv")
    assert editor.done(inside["id"])["status"] == "successful"
    outside = editor.uploaded("id,dis,tags\nb,Branch,site\n", "sites.csv")
    job = editor.done(outside["id"])
    assert job["status"] == "failed", job
    assert records("b") == [None]


# -- points that an import makes ------------------------------------------------

NEW = "Time,Return Temp (°C),Supply Temp\n2024-03-01 08:00,19,20\n"


def test_missing_points_are_made(editor: Imports) -> None:
    answer = editor.uploaded(NEW)
    assert answer["found"]["canStart"] is False
    found = editor.corrected(answer["id"], create=True, site="hq")["found"]
    assert (found["newPoints"], found["canStart"]) == (1, True), found
    new = found["tables"][0]["columns"][1]
    assert (new["use"], new["id"], new["isNew"]) == ("point", "hq.return-temp", True)
    assert records("hq.return-temp") == [None]
    job = editor.done(answer["id"])
    assert job["status"] == "successful", job
    assert job["result"]["created"] == ["hq.return-temp"]
    [made] = records("hq.return-temp")
    assert (made["dis"], made["unit"], made["siteRef"].id) == (
        "Return Temp",
        "°C",
        "hq",
    )
    assert values("hq.return-temp") == [19]


def test_making_points_needs_the_right_of_commit(imports: Imports) -> None:
    answer = imports.uploaded(NEW)
    found = imports.corrected(answer["id"], create=True, site="hq")["found"]
    assert found["canStart"]
    assert imports.start(answer["id"]).status_code == 403
    assert records("hq.return-temp") == [None]


def test_amounts_set_the_mode_of_points(editor: Imports) -> None:
    text = "Time,Supply Temp\n2024-03-01 08:00,1\n2024-03-01 08:15,2\n"
    answer = editor.uploaded(text)
    found = editor.corrected(answer["id"], stamps="start")["found"]
    assert found["hisMode"] == ["sat"]
    assert found["tables"][0]["shift"] == 900
    editor.done(answer["id"])
    assert records("sat")[0]["hisMode"] == "consumption"


# -- saved mappings --------------------------------------------------------------


def save(imports: Imports, name: str, **corrections: Any) -> Any:
    body = json.dumps(corrections)
    path = f"/api/import-mappings/{name}/"
    return imports.client.put(path, body, "application/json")


def test_a_mapping_is_saved_and_used_again(imports: Imports) -> None:
    mapping = {"Zuluft": {"id": "sat", "factor": 0.1}, "Bemerkung": None}
    assert save(imports, "GLT export", mapping=mapping, dates="dmy").status_code == 200
    saved = imports.client.get("/api/import-mappings/GLT export/").json()
    assert saved["corrections"] == {"mapping": mapping, "dates": "dmy"}
    id = imports.uploaded("Zeit;Zuluft;Bemerkung\n03.04.2024 08:00;205;x\n")["id"]
    found = imports.corrected(id, **saved["corrections"])["found"]
    assert found["canStart"], found
    save(imports, "GLT export", dates="mdy")
    [listed] = imports.client.get("/api/import-mappings/").json()["results"]
    assert listed["corrections"] == {"dates": "mdy"}
    other = Imports(logged_in("bob"))
    assert other.client.get("/api/import-mappings/").json()["results"] == []
    path = "/api/import-mappings/GLT export/"
    assert other.client.get(path).status_code == 404
    assert other.client.delete(path).status_code == 404
    assert imports.client.delete(path).status_code == 204
    assert imports.client.get(path).status_code == 404


def test_bad_mappings(imports: Imports) -> None:
    assert save(imports, "x" * 101).status_code == 400
    assert save(imports, "x", dates="never").status_code == 400
    assert save(imports, "x", nosuch=1).status_code == 400

"""The connector to Haystack servers, with a second server of this product."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from haystack_app.connectors import ConnectorError
from haystack_app.connectors.context import ConnectorContext
from haystack_app.connectors.haystack import HaystackConnector
from haystack_app.connectors.tasks import perform
from haystack_app.identity import server_id
from haystack_app.jobs import JobFailed
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.kinds.scalars import REMOVE
from haystack_app.models import Connector, ConnectorEntity, GroupScope
from haystack_app.storage.handler import storages
from tests.connectors.far import MINUTE, PASSWORD, Far, Proxy, far_server

pytestmark = pytest.mark.django_db
WINTER = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    made = far_server(tmp_path_factory.mktemp("far"), SECRET_KEY="another" * 10)
    with made.server:
        yield made


@pytest.fixture(scope="module")
def module_proxy(far: Far) -> Iterator[Proxy]:
    made = Proxy(far.server.port)
    yield made
    made.stop()


@pytest.fixture
def proxy(module_proxy: Proxy) -> Proxy:
    module_proxy.seen.clear()
    module_proxy.bodies.clear()
    return module_proxy


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_FAR", PASSWORD)
    monkeypatch.setenv("CONNECTOR_WRONG", "not-the-one-1")


@pytest.fixture
def store() -> Any:
    return storages["default"]


def made(url: str, site: str, /, **settings: Any) -> HaystackConnector:
    """A connector that follows a site."""
    row = Connector.objects.filter(name=f"to-{site}").first()
    row = row or Connector(name=f"to-{site}", kind="haystack")
    row.settings = {
        **{"url": url, "username": "remote", "password": "env:CONNECTOR_FAR"},
        **{"id_prefix": "f.", "filter": f"siteRef==@{site} or id==@{site}"},
        **{"history_days": 500, **settings},
    }
    row.save()
    return HaystackConnector(row)


def context_of(kind: HaystackConnector) -> ConnectorContext:
    return ConnectorContext(kind.connector)


def learned(kind: HaystackConnector, **kwargs: Any) -> Any:
    return kind.learn(context_of(kind), **kwargs)


def synced(kind: HaystackConnector, *, gaps: bool = True) -> Any:
    return kind.histories.sync(context_of(kind), gaps=gaps)


def here(id: str) -> list[tuple[Any, Any]]:
    series = storages["default"].his_read(id)
    return [(row["ts"].utc, row["val"]) for row in series]


# -- log-in and reachability ----------------------------------------------------


def test_ping_logs_in_by_scram(far: Far) -> None:
    kind = made(far.url, "any")
    assert kind.perform("ping", context_of(kind))["whoami"] == "remote"


@pytest.mark.parametrize("auth", ["basic", "plaintext"])
def test_other_log_ins(far: Far, auth: str) -> None:
    kind = made(far.url, "any", auth=auth)
    if auth == "plaintext":  # this product refuses it
        with pytest.raises(ConnectorError, match=r"wrong user|does not offer"):
            kind.ping(context_of(kind))
    else:
        assert kind.ping(context_of(kind))["whoami"] == "remote"


def test_a_token_in_a_header(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_TOKEN", far.token)
    kind = made(far.url, "any", auth="header", token="env:CONNECTOR_TOKEN")
    assert kind.ping(context_of(kind))["whoami"] == "remote"


HTML = b"<!DOCTYPE html><html>hello</html>"
OLD = b'ver:"2.0"\nhaystackVersion\n"2.0"\n'
ZINC_1 = b'ver:"3.0"\nhaystackVersion\n"1.0"\n'


@pytest.mark.parametrize(
    ("trouble", "status", "text"),
    [
        (500, "refused", "about: the server answered with status 500"),
        (503, "unreachable", "not available (status 503)"),
        (404, "invalid", "no Haystack API at this URL"),
        (301, "invalid", "redirects to"),
        (HTML, "invalid", "it is a web page"),
        (b"\xff\xfe\x00garbage", "invalid", "is not a Zinc grid"),
        (b'ver:"3.0"\na,b\n1,' + b"[" * 500, "invalid", "is not a Zinc grid"),
        (b'ver:"3.0"\nid\n@a\n', "invalid", "has none of haystackVersion"),
        (OLD, "unsupported", "Haystack 2"),
        (ZINC_1, "unsupported", "Haystack 1.0"),
        ("cut", "invalid", "the answer was cut off"),
        ("drop", "unreachable", "cannot be reached"),
        ("stall", "timeout", "did not answer within 1 s"),
        ({"Date": "Sat, 01 Jan 2022 00:00:00 GMT"}, "clock", "clock is"),
        (b'ver:"3.0" err dis:"boom"\nempty\n', "refused", "refused it: boom"),
    ],
)
def test_trouble_has_a_status_and_a_text(
    proxy: Proxy, trouble: Any, status: str, text: str
) -> None:
    kind = made(proxy.url, "any", timeout=1, auth="basic")
    if status == "clock":
        trouble = {**trouble, "X": "y"}
    with (
        proxy.making(lambda op, number: trouble),
        pytest.raises((ConnectorError, JobFailed)) as caught,
    ):
        if status == "clock":
            # about says the time itself; only the header is wrong
            kind.server.about()
            kind.server.check_clock()
        perform(kind.connector, "ping", context_of(kind))
    assert text in str(caught.value)
    assert PASSWORD not in str(caught.value)
    if isinstance(caught.value, ConnectorError):
        assert caught.value.status == status
    else:
        row = Connector.objects.get()
        assert (row.status, text in row.last_error) == (status, True)


@pytest.mark.parametrize(
    ("url", "status", "text"),
    [
        ("http://127.0.0.1:1/api", "unreachable", "Connection refused"),
        ("http://no-such-host.invalid/api", "unreachable", "not found"),
        ("http://169.254.169.254/api", "address", "is refused"),
        ("http://[::ffff:169.254.169.254]/api", "address", "is refused"),
        ("http://[fe80::1]/api", "address", "is refused"),
        ("http://[64:ff9b::a9fe:a9fe]/api", "address", "is refused"),
        ("http://[fd00:ec2::254]/api", "address", "is refused"),
        ("http://[fd20:ce::254]/api", "address", "is refused"),
        ("http://[64:ff9b:1::a9fe:a9fe]/api", "address", "is refused"),
        ("http://[::169.254.169.254]/api", "address", "is refused"),
        ("http://100.100.100.200/api", "address", "is refused"),
        ("http://2852039166/api", "address", "is refused"),
        ("http://0.0.0.0/api", "address", "is refused"),
    ],
)
def test_addresses(url: str, status: str, text: str) -> None:
    kind = made(url, "any")
    with pytest.raises(ConnectorError, match=text) as caught:
        kind.ping(context_of(kind))
    assert caught.value.status == status


def test_a_wrong_password(far: Far, caplog: Any) -> None:
    kind = made(far.url, "any", password="env:CONNECTOR_WRONG")
    with pytest.raises(ConnectorError, match="wrong user name or password") as caught:
        kind.ping(context_of(kind))
    assert caught.value.status == "authentication"
    assert "not-the-one-1" not in caplog.text


def test_https_to_a_plain_server(far: Far) -> None:
    kind = made(far.url.replace("http:", "https:"), "any")
    with pytest.raises(ConnectorError, match="is it an https server") as caught:
        kind.ping(context_of(kind))
    assert caught.value.status == "tls"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"url": "ftp://host/api"}, "http:// or https://"),
        ({"url": "http://u:p@host/api"}, "no user name and password"),
        ({"url": "http://host/api?x=1"}, "neither"),
        ({"filter": "site and ("}, "not a Haystack filter"),
        ({"id_prefix": "a b"}, "letters, digits"),
        ({"tags": "Foo:1"}, "not tags as in Zinc"),
        ({"tags": "id:@a"}, "id cannot be given"),
        ({"password": ""}, "password: required"),
        ({"write_level": 18}, "write_level"),
    ],
)
def test_settings(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(ConnectorError, match=text) as caught:
        made("http://127.0.0.1/api", "any", **changed)
    assert caught.value.status == "settings"


def test_a_login_that_ended_is_made_again(proxy: Proxy) -> None:
    kind = made(proxy.url, "any")
    kind.ping(context_of(kind))
    assert kind.server.headers
    kind.server.headers["Authorization"] = "BEARER authToken=expired"
    assert kind.ping(context_of(kind))["whoami"] == "remote"


# -- learning -------------------------------------------------------------------


def test_learn_rewrites_refs_and_leaves_acting_tags(far: Far, store: Any) -> None:
    far.site("l1")
    far.write_cur('@l1-0,20°C,"ok"')
    kind = made(far.url, "l1", tags='tenant:"north"')
    assert learned(kind)["created"] == 5
    [point] = store.read_by_ids(["f.l1-0"])
    tags = set(point)
    assert {"point", "his", "cur", "kind", "unit", "tz", "sensor"} <= tags
    assert not tags & {
        "hisCollectCov",
        "bacnetConnRef",
        "writable",
        "curVal",
        "curStatus",
    }
    assert point["siteRef"] == Ref("f.l1")
    assert point["tenant"] == "north"
    assert point["connectorOrigin"].endswith("/l1-0")
    version = store.read_by_ids(["f.l1-0"])[0]["mod"]
    assert not {"created", "updated", "removed"} & learned(kind).keys()
    assert store.read_by_ids(["f.l1-0"])[0]["mod"] == version


def test_learn_keeps_our_own_tags(far: Far, store: Any) -> None:
    far.site("l2", 1)
    kind = made(far.url, "l2")
    learned(kind)
    store.update_entities(
        [
            {
                **{"id": Ref("f.l2-0"), "dis": "ours", "area": Number(3)},
                **{"sensor": REMOVE, "hisCollectInterval": Number(1, "min")},
            }
        ],
        force=True,
    )
    far.commit("update", "id,dis,area,extra", '@l2-0,"theirs",7,M')
    learned(kind)
    [point] = store.read_by_ids(["f.l2-0"])
    assert (point["dis"], point["area"], point["extra"]) == ("ours", Number(3), MARKER)
    assert "sensor" not in point
    assert "hisCollectInterval" in point
    far.commit("update", "id,extra,area", "@l2-0,R,R")
    learned(kind)
    [point] = store.read_by_ids(["f.l2-0"])
    assert "extra" not in point
    assert point["area"] == Number(3)


def test_an_entity_of_ours_is_not_taken_over(far: Far, store: Any) -> None:
    far.site("l3", 1)
    store.load_entities([{"id": Ref("f.l3"), "dis": "mine"}])
    done = learned(made(far.url, "l3"))
    assert "@f.l3 already exists here" in done["note"]
    assert store.read_by_ids(["f.l3"])[0]["dis"] == "mine"


def test_removed_ones_go_to_the_trash_and_come_back(far: Far, store: Any) -> None:
    far.site("l4", 1)
    kind = made(far.url, "l4")
    learned(kind)
    far.commit("update", "id,trash", "@l4-0,M")
    assert learned(kind)["trashed"] == 1
    assert "trash" in store.read_by_ids(["f.l4-0"])[0]
    assert "trashed" not in learned(kind)
    far.commit("update", "id,trash", "@l4-0,R")
    learned(kind)
    assert "trash" not in store.read_by_ids(["f.l4-0"])[0]


def test_what_a_user_put_into_the_trash_is_left_alone(far: Far, store: Any) -> None:
    far.site("l9", 2)
    kind = made(far.url, "l9")
    learned(kind)
    row = {"id": Ref("f.l9-0"), "trash": MARKER}
    store.update_entities([row], force=True)
    before = store.existing("f.l9-0")
    far.commit("update", "id,dis", '@l9-0,"Another"')
    learned(kind)
    synced(kind)
    far.write_cur('@l9-0,20°C,"ok"', '@l9-1,21°C,"ok"')
    kind.read_current(context_of(kind))
    assert current("f.l9-1") == (Number(21, "°C"), "ok")
    assert store.existing("f.l9-0") == before
    assert here("f.l9-0") == []
    store.update_entities([{"id": Ref("f.l9-0"), "trash": REMOVE}], force=True)
    learned(kind)
    assert store.existing("f.l9-0")["dis"] == "Another"


def test_many_removals_need_confirmation(far: Far, store: Any) -> None:
    far.site("l5", 9)
    kind = made(far.url, "l5")
    learned(kind)
    far.commit("update", "id,trash", "@l5-0,M", "@l5-1,M")
    with pytest.raises(ConnectorError, match=r"2 of 11 entities are missing") as caught:
        learned(kind)
    assert caught.value.status == "confirm"
    assert "trash" not in store.read_by_ids(["f.l5-0"])[0]
    assert learned(kind, confirmed=True)["trashed"] == 2


def test_no_answer_that_is_wrong_removes_anything(
    far: Far, proxy: Proxy, store: Any
) -> None:
    far.site("l6", 1)
    kind = made(proxy.url, "l6")
    learned(kind)
    before = {row["id"].id: row["mod"] for row in store.scan()}
    one = b'id,site,dis\n@l6,M,"l6"\n'
    for answer, text in [
        (b'ver:"3.0"\nid\n', "the answer is empty"),
        (b'ver:"3.0"\nid,dis\n@l6,"a"\n@l6,"b"\n', "has @l6 twice"),
        (b'ver:"3.0"\nid,dis\n@l6,"a"\n,"b"\n', "no valid id"),
        (b'ver:"3.0" err dis:"no"\nempty\n', "refused it: no"),
        ("cut", "cut off"),
        (500, "status 500"),
    ]:
        with (
            proxy.making(lambda op, _, a=answer: a if op == "read" else None),
            pytest.raises(ConnectorError, match=text),
        ):
            learned(kind, confirmed=True)
    with proxy.making(
        lambda op, _: b'ver:"3.0" incomplete\n' + one if op == "read" else None
    ):
        assert "incomplete" in learned(kind, confirmed=True)["note"]
    after = {row["id"].id: row["mod"] for row in store.scan() if "trash" not in row}
    assert after.keys() == before.keys()


def test_a_changed_unit_is_reported_and_not_stored(far: Far, store: Any) -> None:
    far.site("l7", 1)
    far.samples("l7-0", WINTER, [1, 2])
    kind = made(far.url, "l7")
    learned(kind)
    synced(kind)
    point = dict(far.call("read", 'ver:"3.0"\nid\n@l7-0\n').first)
    far.commit("remove", "id", "@l7-0")
    kept = ("dis", "siteRef", "point", "his", "cur", "kind", "tz")
    far.load([{"id": Ref("l7-0"), "unit": "°F", **{n: point[n] for n in kept}}])
    later = WINTER + 60 * MINUTE
    stamp = later.strftime("%Y-%m-%dT%H:%M:%SZ London")
    far.call("hisWrite", f'ver:"3.0" id:@l7-0\nts,val\n{stamp},70°F\n')
    learned(kind)
    synced(kind)
    [held] = store.read_by_ids(["f.l7-0"])
    assert held["unit"] == "°C"
    assert len(here("f.l7-0")) == 2
    error = ConnectorEntity.objects.get(entity_id="f.l7-0").error
    assert "tags: unit is °F there and °C here" in error
    assert "history: samples not stored: " in error
    assert "°F" in error


def test_what_came_from_here_is_not_learned_again(
    far: Far, store: Any, proxy: Proxy
) -> None:
    origin = f"{server_id()}/mine"
    far.load(
        [
            {"id": Ref("l8"), "site": MARKER},
            {"id": Ref("l8-x"), "siteRef": Ref("l8"), "connectorOrigin": origin},
        ]
    )
    done = learned(made(far.url, "l8"))
    assert (done["created"], done["from_here"]) == (1, 1)
    assert store.read_by_ids(["f.l8-x"]) == [None]


# -- current values -------------------------------------------------------------


def current(id: str) -> tuple[Any, Any]:
    [row] = storages["default"].read_by_ids([id])
    return row.get("curVal"), row.get("curStatus")


def test_current_values_by_a_watch(far: Far, proxy: Proxy) -> None:
    far.site("c1", 2)
    kind = made(proxy.url, "c1")
    learned(kind)
    far.write_cur('@c1-0,20°C,"ok"', '@c1-1,,"fault"')
    kind.read_current(context_of(kind))
    assert current("f.c1-0") == (Number(20, "°C"), "ok")
    assert current("f.c1-1") == (None, "remoteFault")
    proxy.seen.clear()
    assert kind.read_current(context_of(kind)) == {"values": 0}
    far.write_cur('@c1-0,21°C,"ok"')
    assert kind.read_current(context_of(kind)) == {"values": 1}
    assert current("f.c1-0") == (Number(21, "°C"), "ok")
    assert set(proxy.seen) == {"watchPoll"}


def test_a_lost_poll_loses_no_value(far: Far, proxy: Proxy) -> None:
    far.site("c2", 1)
    kind = made(proxy.url, "c2")
    learned(kind)
    far.write_cur('@c2-0,20°C,"ok"')
    kind.read_current(context_of(kind))
    far.write_cur('@c2-0,22°C,"ok"')
    for trouble in ("cut", 500, b"garbage"):
        with (
            proxy.making(lambda op, number, t=trouble: t),
            pytest.raises(ConnectorError),
        ):
            kind.read_current(context_of(kind))
    kind.read_current(context_of(kind))
    assert current("f.c2-0") == (Number(22, "°C"), "ok")


def test_a_watch_that_ended_is_opened_anew(far: Far, proxy: Proxy) -> None:
    far.site("c3", 1)
    kind = made(proxy.url, "c3")
    learned(kind)
    kind.read_current(context_of(kind))
    kind.server.watch_close(kind.currents.watch)
    far.write_cur('@c3-0,23°C,"ok"')
    kind.read_current(context_of(kind))
    assert current("f.c3-0") == (Number(23, "°C"), "ok")


def test_reading_where_there_are_no_watches(far: Far, proxy: Proxy) -> None:
    far.site("c4", 1)
    kind = made(proxy.url, "c4")
    learned(kind)
    far.write_cur('@c4-0,24°C,"ok"')
    with proxy.making(lambda op, number: 404 if "watch" in op else None):
        kind.read_current(context_of(kind))
        assert current("f.c4-0") == (Number(24, "°C"), "ok")
        far.write_cur('@c4-0,25°C,"ok"')
        kind.read_current(context_of(kind))
        assert current("f.c4-0") == (Number(25, "°C"), "ok")
        kind.read_current(context_of(kind))
    assert proxy.seen.count("watchSub") == 1


def test_values_get_stale_and_then_down(far: Far) -> None:
    far.site("c5", 1)
    kind = made(far.url, "c5")
    learned(kind)
    far.write_cur('@c5-0,20°C,"ok"')
    kind.read_current(context_of(kind))
    context = context_of(kind)
    error = ConnectorError(Connector.Status.UNREACHABLE, "cable")
    context.failed(error.status, str(error))
    kind.went_down(context, error, "current")
    assert current("f.c5-0") == (Number(20, "°C"), "stale")
    past = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=6)
    Connector.objects.update(status_since=past)
    kind.went_down(context, error, "current")
    assert current("f.c5-0") == (None, "down")
    kind.read_current(context)
    assert current("f.c5-0") == (Number(20, "°C"), "ok")


def test_a_value_of_another_unit_is_reported(far: Far, proxy: Proxy) -> None:
    far.site("c6", 2)
    kind = made(proxy.url, "c6")
    learned(kind)
    answer = (
        b'ver:"3.0" watchId:"w"\nid,curVal,curStatus\n'
        + '@c6-0,70°F,"ok"\n@c6-1,5°C,"ok"\n'.encode()
    )
    with proxy.making(lambda op, number: answer if op == "watchSub" else None):
        kind.read_current(context_of(kind))
    assert current("f.c6-1") == (Number(5, "°C"), "ok")
    error = ConnectorEntity.objects.get(entity_id="f.c6-0").error
    assert "current value: @f.c6-0: unit must be °C, not °F" in error


def test_samples_do_not_replace_a_followed_value(far: Far) -> None:
    far.site("c7", 1)
    far.samples("c7-0", WINTER, [1, 2])
    far.write_cur('@c7-0,20°C,"ok"')
    kind = made(far.url, "c7")
    learned(kind)
    kind.read_current(context_of(kind))
    assert synced(kind)["samples"] >= 2
    assert current("f.c7-0") == (Number(20, "°C"), "ok")


# -- histories ------------------------------------------------------------------


def test_histories_are_equal(far: Far) -> None:
    far.site("h1", 3)
    for number in range(3):
        far.samples(f"h1-{number}", WINTER, [number + n / 4 for n in range(40)])
    kind = made(far.url, "h1")
    learned(kind)
    assert synced(kind)["samples"] == 120
    for number in range(3):
        assert here(f"f.h1-{number}") == far.history(f"h1-{number}")
    assert synced(kind)["samples"] == 0
    far.samples("h1-1", WINTER + 40 * MINUTE, [7, 8])
    assert synced(kind)["samples"] == 2
    assert here("f.h1-1") == far.history("h1-1")


def test_a_batch_is_one_request(far: Far, proxy: Proxy) -> None:
    far.site("h2", 10)
    kind = made(proxy.url, "h2", history_days=1)
    learned(kind)
    proxy.seen.clear()
    synced(kind, gaps=False)
    assert proxy.seen.count("hisRead") == 1


@pytest.mark.parametrize(
    ("site", "answer"),
    [
        ("h3", 'ver:"3.0" err dis:"no"\nempty\n'),
        ("h3b", 'ver:"3.0" id:@h3b-0\nts,val\n2026-01-15T12:00:00Z London,9°C\n'),
        (
            "h3c",
            'ver:"3.0" id:@h3c-0\nts,val,v1,v2\n'
            "2026-01-15T12:00:00Z London,9°C,9°C,9°C\n",
        ),
        ("h3d", 'ver:"3.0"\nts,v0,v1\n2026-01-15T12:00:00Z London,9°C,9°C\n'),
    ],
)
def test_single_points_where_there_are_no_batches(
    far: Far, proxy: Proxy, site: str, answer: str
) -> None:
    """It refuses them, or answers about the first one, as haystack-py does."""
    far.site(site, 3)
    for number in range(3):
        far.samples(f"{site}-{number}", WINTER, [1, 2, 3])
    kind = made(proxy.url, site)
    learned(kind)

    def no_batches(op: str, _: int) -> Any:
        is_batch = op == "hisRead" and b"range:" in proxy.bodies[-1]
        return answer.encode() if is_batch else None

    with proxy.making(no_batches):
        assert synced(kind)["samples"] == 9
    assert here(f"f.{site}-2") == far.history(f"{site}-2")


def test_windows_shrink_when_the_server_is_slow(far: Far, proxy: Proxy) -> None:
    far.site("h4", 2)
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    far.samples("h4-0", now, [float(n) for n in range(3_000)])
    kind = made(proxy.url, "h4", timeout=1, history_days=60)
    learned(kind)

    def slow(op: str, _: int) -> Any:
        if op != "hisRead":
            return None
        body = proxy.bodies[-1].decode()
        if "range:" in body:
            return "stall"
        begin, end = body.split('"')[3].split(",")
        days = dt.datetime.fromisoformat(end[:19]) - dt.datetime.fromisoformat(
            begin[:19]
        )
        return "stall" if days > dt.timedelta(days=2) else None

    with proxy.making(slow):
        synced(kind, gaps=False)
    assert here("f.h4-0") == far.history("h4-0")
    assert kind.histories.window < 7 * 86_400_000_000


def test_trouble_in_the_middle_loses_nothing(far: Far, proxy: Proxy) -> None:
    far.site("h5", 4)
    for number in range(4):
        far.samples(f"h5-{number}", WINTER, [float(n) for n in range(300)])
    kind = made(proxy.url, "h5", timeout=2)
    learned(kind)
    troubles = ["cut", 500, "drop", b"garbage", 503, {"X-Fine": "1"}]
    for attempt in range(12):
        trouble = troubles[attempt % len(troubles)]
        with proxy.making(lambda op, number, t=trouble: t if number % 3 == 0 else None):
            try:
                synced(kind)
            except ConnectorError:
                continue
    synced(kind)
    for number in range(4):
        assert here(f"f.h5-{number}") == far.history(f"h5-{number}")


def test_gaps_are_found_and_filled(far: Far, store: Any) -> None:
    far.site("h6", 1)
    begin = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
    begin -= dt.timedelta(hours=3)
    values = [float(n) for n in range(60)]
    far.samples("h6-0", begin, values[:20])
    far.samples("h6-0", begin + 40 * MINUTE, values[40:])
    kind = made(far.url, "h6", history_days=1)
    learned(kind)
    synced(kind)
    far.samples("h6-0", begin + 20 * MINUTE, values[20:40])
    kind = made(far.url, "h6", history_days=2)
    link = ConnectorEntity.objects.get(entity_id="f.h6-0")
    assert link.state["gaps"]
    link.state["gaps"] = []
    link.save()
    assert synced(kind)["filled"] == 20
    assert here("f.h6-0") == far.history("h6-0")


def test_one_bad_point_does_not_stop_the_others(far: Far) -> None:
    far.site("h7", 2)
    for number in range(2):
        far.samples(f"h7-{number}", WINTER, [1, 2])
    kind = made(far.url, "h7")
    learned(kind)
    far.commit("remove", "id", "@h7-0")
    synced(kind)
    assert here("f.h7-1") == far.history("h7-1")
    assert "unknown entity" in ConnectorEntity.objects.get(entity_id="f.h7-0").error


# -- writing --------------------------------------------------------------------


def array(far: Far, id: str) -> dict[int, Any]:
    grid = far.call("pointWrite", f'ver:"3.0"\nid\n@{id}\n')
    return {int(row["level"].val): row["val"] for row in grid if "val" in row}


def test_writes_follow_the_effective_value(far: Far, store: Any) -> None:
    far.site("w1", 1)
    kind = made(far.url, "w1", write=True)
    learned(kind)
    assert kind.write(context_of(kind)) == {"written": 0}
    store.point_write("f.w1-0", 8, Number(21, "°C"), "alice")
    kind.write(context_of(kind))
    assert array(far, "w1-0") == {16: Number(21, "°C")}
    store.point_write("f.w1-0", 2, Number(15, "°C"), "fire")
    kind.write(context_of(kind))
    assert array(far, "w1-0") == {16: Number(15, "°C")}
    assert kind.write(context_of(kind)) == {"written": 0}
    for level in (2, 8):
        store.point_write("f.w1-0", level, None, "alice")
    kind.write(context_of(kind))
    assert array(far, "w1-0") == {}


def test_nothing_is_written_without_the_option(far: Far, store: Any) -> None:
    far.site("w2", 1)
    kind = made(far.url, "w2")
    learned(kind)
    assert "writable" not in store.read_by_ids(["f.w2-0"])[0]
    assert "write" not in kind.intervals()


def test_a_loop_is_released(far: Far, store: Any) -> None:
    """What this server wrote comes back by another one, which follows it."""
    far.site("w3", 1)
    kind = made(far.url, "w3", write=True)
    learned(kind)
    store.point_write("f.w3-0", 8, Number(21, "°C"), "alice")
    kind.write(context_of(kind))
    [who] = [
        row["who"]
        for row in far.call("pointWrite", 'ver:"3.0"\nid\n@w3-0\n')
        if "val" in row
    ]
    store.point_write("f.w3-0", 16, Number(21, "°C"), f"connector b of b1, after {who}")
    store.point_write("f.w3-0", 8, None, "alice")
    kind.write(context_of(kind))
    assert array(far, "w3-0") == {}
    assert "write: loop" in ConnectorEntity.objects.get(entity_id="f.w3-0").error
    assert kind.write(context_of(kind)) == {"written": 0}


def test_a_refused_write_is_noted(far: Far, store: Any, proxy: Proxy) -> None:
    far.site("w4", 1)
    kind = made(proxy.url, "w4", write=True)
    learned(kind)
    store.point_write("f.w4-0", 8, Number(21, "°C"), "alice")
    refusal = b'ver:"3.0" err dis:"locked"\nempty\n'
    with proxy.making(lambda op, _: refusal if op == "pointWrite" else None):
        kind.write(context_of(kind))
        assert kind.write(context_of(kind)) == {"written": 0}
    assert "locked" in ConnectorEntity.objects.get(entity_id="f.w4-0").error
    kind.writes.refused.clear()
    kind.write(context_of(kind))
    assert array(far, "w4-0") == {16: Number(21, "°C")}
    assert ConnectorEntity.objects.get(entity_id="f.w4-0").error == ""


# -- commands -------------------------------------------------------------------


def test_commands(far: Far, store: Any, capsys: Any) -> None:
    far.site("m1", 2)
    far.samples("m1-0", WINTER, [1, 2])
    call_command("haystack_connector", "list")
    assert capsys.readouterr().out == "no connectors\n"
    made(far.url, "m1")
    for words in (["ping"], ["learn"], ["sync"]):
        call_command("haystack_connector", *words, "to-m1")
    text = capsys.readouterr().out
    assert '"whoami": "remote"' in text
    assert '"created": 4' in text
    assert '"samples": 2' in text
    call_command("haystack_connector", "list")
    assert "to-m1  haystack  disabled  ok" in capsys.readouterr().out
    for wrong, why in [(["learn"], "missing the name"), (["ping", "x"], "not found")]:
        with pytest.raises(CommandError, match=why):
            call_command("haystack_connector", *wrong)


def test_load_a_url(far: Far, store: Any, capsys: Any) -> None:
    far.site("m2", 2)
    words = [far.url, "--filter", "id==@m2 or siteRef==@m2", "--username", "remote"]
    words += ["--password", "env:CONNECTOR_FAR"]
    with pytest.raises(CommandError, match="id_prefix: This field is required"):
        call_command("haystack_load", *words)
    words += ["--prefix", "x."]
    call_command("haystack_load", *words, "--dry-run")
    assert store.read_by_ids(["x.m2-0"]) == [None]
    call_command("haystack_load", *words)
    [point] = store.read_by_ids(["x.m2-0"])
    assert point["equipRef"] == Ref("x.m2-ahu")
    assert "bacnetConnRef" not in point
    assert "4 entities from http" in capsys.readouterr().out
    wrong = [*words[:-3], "env:CONNECTOR_WRONG", *words[-2:]]
    with pytest.raises(CommandError, match="wrong user name or password"):
        call_command("haystack_load", *wrong)
    with pytest.raises(CommandError, match="loaded alone"):
        call_command("haystack_load", *words, "--replace")


def test_a_connector_of_a_group_takes_what_matches(far: Far, store: Any) -> None:
    """Refs to other batches and to entities of others do not stop it."""
    far.site("g1", 2)
    group = Group.objects.create(name="north")
    GroupScope.objects.create(group=group, filter='tenant == "n"')
    store.load_entities([{"id": Ref("secret"), "tenant": "s"}])
    kind = made(far.url, "g1", tags='tenant:"n"')
    kind.connector.group = group
    kind.connector.save()
    assert learned(made(far.url, "g1", tags='tenant:"n"'))["created"] == 4
    far.site("g2", 1)
    bad = made(far.url, "g2", tags='tenant:"s"')
    bad.connector.group = group
    bad.connector.save()
    done = learned(made(far.url, "g2", tags='tenant:"s"'))
    assert done["not_in_step"] == 3
    assert store.read_by_ids(["f.g2"]) == [None]
    error = ConnectorEntity.objects.get(entity_id="f.g2").error
    assert "tags: cannot be stored" in error


# -- stores ---------------------------------------------------------------------


def follow_all(far: Far, site: str, held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything once, with the entities in another store than the connector."""
    monkeypatch.setattr("haystack_app.connectors.kind.storages", {"default": held})
    far.site(site, 2)
    far.samples(f"{site}-0", WINTER, [1, 2, 3])
    far.write_cur(f'@{site}-0,20°C,"ok"')
    kind = made(far.url, site, write=True)
    assert learned(kind)["created"] == 4
    kind.read_current(context_of(kind))
    synced(kind)
    held.point_write(f"f.{site}-1", 8, Number(5, "°C"), "alice")
    kind.write(context_of(kind))
    series = held.his_read(f"f.{site}-0")
    found = [(row["ts"].utc, row["val"]) for row in series]
    assert found == far.history(f"{site}-0")
    [point] = held.read_by_ids([f"f.{site}-0"])
    assert (point["curVal"], point["curStatus"]) == (Number(20, "°C"), "ok")
    assert array(far, f"{site}-1") == {16: Number(5, "°C")}
    far.commit("update", "id,trash", f"@{site}-1,M")
    assert learned(kind)["trashed"] == 1


def test_entities_in_any_database(
    far: Far, sql_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_all(far, f"s{sql_store.using}", sql_store, monkeypatch)


def test_entities_in_redis(
    far: Far, redis_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_all(far, "sredis", redis_store, monkeypatch)

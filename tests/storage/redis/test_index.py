"""Terms, and queries of the index for filters."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from django.conf import settings
from redis.exceptions import ResponseError

from haystack_app import filters
from haystack_app.filters import parse
from haystack_app.filters.planner import plan
from haystack_app.kinds import MARKER, DateTime, Number, Ref, Symbol, Uri
from haystack_app.storage.errors import StatementTimeout
from haystack_app.storage.redis import RedisAdapter, entities, layout, reading
from haystack_app.storage.redis.index import base, ordering, query, search, sets
from haystack_app.storage.redis.index.terms import conjunctions, term_texts
from haystack_app.storage.redis.layout import ModuleMissing
from haystack_app.storage.redis.scripts import SEARCH
from haystack_app.storage.redis.server import Server
from tests.redis_keys import wipe
from tests.storage.building import at, entity, ids, numbers, point

Store = RedisAdapter


def test_a_server_with_modules() -> None:
    """Says in the report of a run whether the suites ran on one."""
    if "redis-stack" not in settings.REDIS_URLS:
        pytest.skip("REDIS_STACK_URL is not set: nothing runs on Redis with modules")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("site", [{"site"}]),
        ("site and dis", [{"site", "dis"}]),
        ("site or equip and a", [{"site"}, {"equip", "a"}]),
        ("point and (a or b)", [{"point", "a"}, {"point", "b"}]),
        ("not site", [set()]),
        ("site and not dis", [{"site"}]),
        ("site or not dis", [set()]),
        ("id", [set()]),
        ("id == @a", [{"@a"}]),
        ("id == @a or id == @b", [{"@a"}, {"@b"}]),
        ("id != @a", [set()]),
        ("siteRef == @s", [{"siteRef=r:s"}]),
        ("siteRef->dis == 5", [{"siteRef"}]),
        ("curVal == 5", [{"curVal"}]),
        ("mod == 2024-01-01", [set()]),
        ("x == 5kW", [{"x=n:5.0:kW"}]),
        ("x == -0", [{"x=n:0.0"}]),
        ('x == "a"', [{"x=s:a"}]),
        ("x == true", [{"x=b:True"}]),
        ("x > 5", [{"x"}]),
        ("sys::Nothing", []),
    ],
)
def test_conjunctions(text: str, expected: list[set[str]]) -> None:
    found = conjunctions(plan(filters.parse(text)))
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))


def test_too_many_alternatives_are_left_to_the_matcher() -> None:
    many = " and ".join(
        f"({' or '.join(f'a{n}x{m}' for m in range(5))})" for n in range(4)
    )
    found = conjunctions(plan(filters.parse(many)))
    assert 0 < len(found) <= 500
    wide = " or ".join(f"a{n}" for n in range(700))
    assert len(conjunctions(plan(filters.parse(f"({wide}) and b")))) == 1
    assert len(conjunctions(plan(filters.parse(wide)))) == 700


ODD: list[Any] = [
    *(
        "",
        " ",
        "a,b",
        "a\x1fb",
        "É",
        "é",
        "x" * 5_000,
        "a-b",
        "{}",
        "$v",
        "*",
        '"',
        "#",
    ),
    *("@x", "0x10", "nan", "line\nline", "\\", "|", "😀", " lead", "trail "),
    *(Number(1e400), Number(-0.0), Number(5e-324), Number(2.0**53), Number(1, "kW")),
    *(Number(float("nan")), True, False, Uri("http://x/?a=b c"), Symbol("hot-water")),
    *(
        dt.date(2024, 2, 29),
        dt.time(1, 2, 3, 400_000),
        Ref("a"),
        Ref("A"),
        Ref("a:b~.-"),
    ),
    DateTime(dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "New_York"),
    [Ref("l"), "no", Ref("m")],
]


def test_special_values_are_found_by_equal_values(redis_store: Store) -> None:
    rows = [entity(f"e{place}", v=value) for place, value in enumerate(ODD)]
    redis_store.load_entities(rows)
    every = {record["id"].id: dict(record) for record in redis_store.scan()}
    for value in [*ODD[:-1], Ref("l"), Ref("m"), Ref("n"), "É", "e"]:
        tree = filters.Compare(("v",), "==", value)
        right = {
            id for id, row in every.items() if filters.matches(tree, row, every.get)
        }
        assert set(ids(redis_store.read(tree))) == right, value
        few = ids(redis_store.read(tree, 1))
        assert len(few) == min(1, len(right)) and set(few) <= right
    assert redis_store.differences() == []


def test_long_names_of_tags(redis_store: Store) -> None:
    """A server with modules finds no term beyond 4,096 bytes."""
    long, other = "a" * 5_000, "a" * 5_000 + "b"
    rows: list[dict[str, Any]] = [{long: MARKER}, {long: Number(5)}, {other: "o"}]
    redis_store.load_entities(entity(f"e{n}", **tags) for n, tags in enumerate(rows))
    for text, right in (
        (long, ["e0", "e1"]),
        (f"{long} == 5", ["e1"]),
        (f"{long} > 4", ["e1"]),
        (f"{long} <= 4", []),
        (f'{other} == "o"', ["e2"]),
    ):
        assert sorted(ids(redis_store.read(text))) == right
    assert redis_store.differences() == []


def test_terms_that_transient_tags_have() -> None:
    record = entity("a", curVal=Number(5), hisEnd=at("2024-01-01 00:00"), x="y")
    assert term_texts(record) == {"curVal", "hisEnd", "x", "x=s:y"}


def test_terms_of_what_paths_run_through() -> None:
    moment = at("2024-01-01 00:00")
    record = entity("a", d={"b": MARKER}, t=moment, r=Ref("x"), hisEnd=moment)
    found = {term for term in term_texts(record) if ">" in term}
    assert found == {"d>", "t>"}


def test_paths_are_looked_up(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what may refer to the end of a path is fetched, until that is too much."""
    store = redis_store
    sites = [entity(f"s{n}", site=MARKER, city=f"c{n % 7}") for n in range(70)]
    points = [
        entity(f"p{n}", point=MARKER, siteRef=Ref(f"s{n % 70}")) for n in range(700)
    ]
    store.load_entities([*sites, *points, entity("d", siteRef={"city": "c1"})])
    fetched: list[int] = []
    candidates = store._index.candidates

    def counted(*args: Any) -> Any:
        for batch in candidates(*args):
            fetched.append(len(batch))
            yield batch

    monkeypatch.setattr(store._index, "candidates", counted)
    assert len(store.read('point and siteRef->city == "c1"')) == 100
    assert sum(fetched) == 100
    assert "d" in ids(store.read('siteRef->city == "c1"'))
    assert len(store.read('siteRef->city != "c1"')) == 600
    assert len(store.read("not siteRef->city")) == 70
    monkeypatch.setattr(reading, "MOST_TARGETS", 5)
    assert len(store.read('point and siteRef->city == "c1"')) == 100
    assert len(store.read("siteRef->site")) == 700


def test_what_is_to_change_is_at_the_end_of_paths(redis_store: Store) -> None:
    store = redis_store
    store.load_entities([entity("s", city="a"), entity("p", siteRef=Ref("s"))])
    with store.locked():
        store.load_entities([entity("s", city="b"), entity("q", siteRef=Ref("s"))])
        assert sorted(ids(store.read('siteRef->city == "b"'))) == ["p", "q"]
        assert ids(store.read('siteRef->city == "a"')) == []
    assert sorted(ids(store.read('siteRef->city == "b"'))) == ["p", "q"]


@pytest.mark.parametrize("count", [9, 10, 11, 25])
def test_more_than_a_batch(
    redis_store: Store, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (entities, base, sets, search):
        monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(base, "FEWEST", 3)
    monkeypatch.setattr(base, "MEMBERS", 4)
    monkeypatch.setattr(search, "_ALTERNATIVES", 2)
    rows = [entity(f"e{n:02}", a=MARKER, n=Number(n % 5)) for n in range(count)]
    redis_store.load_entities([*rows, entity("z")])
    every = {row["id"].id for row in rows}
    for text in ("a", "n", "a and n", "a or n or b", "not b and a", "a and n >= 0"):
        assert set(ids(redis_store.read(text))) == every
        for limit in (1, 9, 10, 11, 30):
            found = ids(redis_store.read(text, limit))
            assert len(found) == len(set(found)) == min(limit, count)
            assert set(found) <= every
    assert len(redis_store.read("n == 1 or n == 2 or n == 3", 100)) == sum(
        n % 5 in (1, 2, 3) for n in range(count)
    )
    assert redis_store.differences() == []


@pytest.mark.parametrize(
    ("text", "limit", "most"),
    [
        ("a", 1, 50),
        ("a and n", 10, 50),
        ("siteRef->city", 10, 50),
        ("a or b", 40, 80),
        ("a and not early", 10, 2_300),  # the matcher refuses the first ones
    ],
)
def test_a_small_limit_fetches_little(
    redis_store: Store,
    text: str,
    limit: int,
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    redis_store.load_entities([entity("s", city="a")])
    redis_store.load_entities(
        entity(f"e{n:04}", a=MARKER, n=Number(n), siteRef=Ref("s"))
        | ({"early": MARKER} if n < 1_100 else {})
        for n in range(1_200)
    )
    fetched: list[int] = []
    for module in (search, reading.entities):
        of_rows = module.of_rows

        def counted(found: Any, rows: Any, of_rows: Any = of_rows) -> Any:
            fetched.append(len(rows))
            return of_rows(found, rows)

        monkeypatch.setattr(module, "of_rows", counted)
    assert len(redis_store.read(text, limit)) == limit
    if isinstance(redis_store._index, search.SearchIndex):
        assert sum(fetched) <= most + 1  # and the target of a path


def test_nothing_counts_twice(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one question names and another one finds, or two of them find."""
    monkeypatch.setattr(search, "_ALTERNATIVES", 1)
    redis_store.load_entities(entity(f"e{n}", a=MARKER, b=MARKER) for n in range(5))
    for text in ("id == @e1 or a", "a or b", "id == @e1 or id == @e2 or b"):
        for limit in (2, 4, 5, 9):
            found = ids(redis_store.read(text, limit))
            assert len(found) == len(set(found)) == min(limit, 5), text


def test_a_page_fetches_little(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_store.load_entities(
        entity(f"e{n:03}", a=MARKER, n=Number(n)) for n in range(300)
    )
    fetched: list[int] = []
    fetch = redis_store._fetch

    def counted(wanted: Any) -> Any:
        fetched.append(len(wanted))
        return fetch(wanted)

    monkeypatch.setattr(redis_store, "_fetch", counted)
    assert ids(redis_store.page("a", "e099", 3)) == ["e100", "e101", "e102"]
    assert sum(fetched) == 50
    rare = "a and (n == 5 or n == 250 or n == 290)"
    assert ids(redis_store.page(rare, "e005", 9)) == ["e250", "e290"]


def test_a_query_that_takes_too_long(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_store.load_entities(entity(f"e{n}") for n in range(20))
    monkeypatch.setattr(entities, "BATCH", 5)
    monkeypatch.setattr(reading, "BATCH", 5)
    clock = iter(range(0, 1_000, 2))
    monkeypatch.setattr(query.time, "monotonic", lambda: next(clock))
    with redis_store.time_limit(5):
        for call in (
            lambda: redis_store.read("not x"),
            lambda: list(redis_store.scan()),
        ):
            with pytest.raises(StatementTimeout, match="5 s"):
                call()
    assert len(redis_store.read("not x")) == 20


# -- modules -----------------------------------------------------------------------


@pytest.fixture
def stack(redis_store: Store) -> Store:
    if not redis_store.server.modules:
        pytest.skip("the server has no modules")
    return redis_store


def test_what_the_server_does_not_tell_is_looked_for(
    stack: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a cap of ours nor one of the server's shortens an answer."""
    stack.load_entities(entity(f"e{n}", a=MARKER) for n in range(30))
    monkeypatch.setattr(search, "BATCH", 5)
    monkeypatch.setattr(search, "_MOST", 20)
    assert len(stack.read("a")) == 30
    assert len(stack.read("a", 25)) == 25
    monkeypatch.setattr(search, "_MOST", 2_000_000)  # the server refuses
    assert len(stack.read("a")) == 30


def test_a_missing_index_is_created_again(stack: Store) -> None:
    stack.load_entities(entity(f"e{n}", a=MARKER) for n in range(3_000))
    search.SearchIndex(stack.server, stack.keys).drop()
    assert len(stack.read("a")) == 3_000
    assert stack.differences() == []


def test_an_index_that_another_process_builds_is_waited_for(
    stack: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart that replays the creation of the index."""
    stack.load_entities(entity(f"e{n}", a=MARKER) for n in range(3_000))
    index = search.SearchIndex(stack.server, stack.keys)
    index.drop()
    monkeypatch.setattr(index, "_info", lambda: {b"indexing": 0})
    index.ensure()  # does not wait
    assert len(stack.read("a")) == 3_000


NUMBERS = [
    *(-math.inf, -1.7976931348623157e308, -3.0, -0.0, 0.0, 5e-324, 1.0, 2.5, 100.0),
    *(2.0**53, 1.7976931348623157e308, math.inf, math.nan),
]


def test_ordered_numbers_are_looked_up(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where two tags share a field, with any unit."""
    monkeypatch.setattr(ordering, "_SLOTS", 1)
    store = redis_store
    rows = [
        entity(f"e{n}-{m}", a=Number(one), b=Number(other, "kW"), c="5")
        for n, one in enumerate(NUMBERS)
        for m, other in enumerate(NUMBERS)
    ]
    store.load_entities([*rows, entity("none"), entity("text", a="7", b=[Number(9)])])
    every = {record["id"].id: record for record in store.scan()}
    for op in ("<", "<=", ">", ">="):
        for literal in NUMBERS:
            for tag, unit in (("a", None), ("b", "kW"), ("b", None)):
                tree = filters.Compare((tag,), op, Number(literal, unit))
                right = {
                    id
                    for id, row in every.items()
                    if filters.matches(tree, row, every.get)
                }
                assert set(ids(store.read(tree))) == right, (op, literal, tag)
    assert store.differences() == []


def test_a_range_fetches_what_is_in_it(
    stack: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ordering._slot("area") != ordering._slot("rate")
    stack.load_entities(
        entity(f"e{n}", area=Number(n), rate=Number(-n)) for n in range(200)
    )
    fetched: list[int] = []
    candidates = stack._index.candidates

    def counted(*args: Any) -> Any:
        for batch in candidates(*args):
            fetched.append(len(batch))
            yield batch

    monkeypatch.setattr(stack._index, "candidates", counted)
    assert len(stack.read("area > 189 and area <= 194 or rate < -196")) == 8
    assert sum(fetched) <= 10
    stack.load_entities(
        [entity("e5", area=Number(500)), entity("e199", rate=Number(1))]
    )
    assert sorted(ids(stack.read("area >= 198"))) == ["e198", "e5"]
    assert stack.differences() == []
    stack.server.redis.hset(stack.keys.terms("e5"), ordering.FIELDS[3], "7")
    assert any("@e5 must not be in it" in line for line in stack.differences())


def test_transient_tags_do_not_touch_the_index(stack: Store) -> None:
    stack.load_entities([point("p", curVal=Number(1))])
    moves = []
    with stack.locked(["p"]):
        stack.set_transient({"p": {"curVal": Number(2)}})
        work = stack._work
        assert work is not None
        moves = list(
            stack._index.commands(
                {"p": (work.pending.before["p"], work.pending.entities["p"])}
            )
        )
    assert moves == []


def test_damage_to_the_documents_is_found(stack: Store) -> None:
    stack.load_entities([entity("a", x=MARKER), entity("b", x=MARKER)])
    stack.server.redis.hset(stack.keys.terms("a"), "terms", "y")
    stack.server.redis.delete(stack.keys.terms("b"))
    found = "\n".join(stack.differences())
    assert "term x: @a is missing" in found
    assert "term x: @b is missing" in found
    assert "term y: @a must not be in it" in found
    stack.reindex()
    assert stack.differences() == []


def test_a_store_stays_what_it_was_made_as(stack: Store) -> None:
    """Without the modules it is refused, not read past its index."""
    prefix = stack.keys.prefix
    plain = RedisAdapter(url=stack.server.url, prefix=prefix, modules=False)
    plain.load_entities([entity("a", x=MARKER)])
    assert layout.stored(stack.server, stack.keys) == layout.Layout("sets", "blocks")
    stack.load_entities([entity("b", x=MARKER)])
    assert sorted(ids(plain.read("x"))) == sorted(ids(stack.read("x"))) == ["a", "b"]
    other = RedisAdapter(url=stack.server.url, prefix=f"{prefix}-2")
    less = RedisAdapter(url=stack.server.url, prefix=f"{prefix}-2", modules=False)
    try:
        other.load_entities([entity("a", x=MARKER)])
        for call in (
            lambda: less.read("x"),
            lambda: less.load_entities([entity("b", x=MARKER)]),
        ):
            with pytest.raises(ModuleMissing, match="needs the module"):
                call()
        assert ids(other.read("x")) == ["a"]
    finally:
        wipe(stack.server.url, f"{prefix}-2")


def test_reindexing_moves_to_what_the_server_has(stack: Store) -> None:
    prefix = stack.keys.prefix
    plain = RedisAdapter(url=stack.server.url, prefix=prefix, modules=False)
    plain.load_entities(entity(f"e{n}", x=MARKER) for n in range(50))
    assert stack.reindex() == 50
    found = layout.stored(stack.server, stack.keys)
    assert found == layout.Layout("search", "blocks")
    assert len(stack.read("x")) == 50
    assert stack.differences() == []
    fresh = RedisAdapter(url=stack.server.url, prefix=prefix)
    fresh.load_entities([entity("new", x=MARKER)])
    assert len(stack.read("x")) == 51
    # and back; a store without modules must be reindexed
    assert plain.reindex() == 51
    assert len(plain.read("x")) == 51
    assert plain.differences() == []
    assert list(stack.server.redis.scan_iter(f"{stack.keys.documents}*")) == []


# -- search-workers ------------------------------------------------------------------

REFUSAL = "Blocking module command called from Lua script, on @user_script:42."


@pytest.fixture
def threaded(stack: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A server whose ``search-workers`` is above 0, which scripts notice."""
    real = Server.run

    def run(self: Server, script: Any, keys: Any, *args: Any) -> Any:
        if script is SEARCH:
            raise ResponseError(REFUSAL)
        return real(self, script, keys, *args)

    monkeypatch.setattr(Server, "run", run)
    return stack


def test_queries_outside_of_scripts(
    threaded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(threaded.read("a")) == 0
    threaded.load_entities(entity(f"e{n}", a=MARKER, n=Number(n)) for n in range(30))
    threaded.load_entities([entity("s", b=MARKER), entity("p", siteRef=Ref("s"))])
    assert len(threaded.read("a")) == 30
    assert len(threaded.read("a", 7)) == 7
    assert ids(threaded.read("n > 27")) == ["e28", "e29"]
    assert ids(threaded.read("siteRef->b")) == ["p"]
    assert ids(threaded.page("a", "e5", 2)) == ["e6", "e7"]
    monkeypatch.setattr(search, "BATCH", 5)
    monkeypatch.setattr(search, "_MOST", 20)
    assert len(threaded.read("a")) == 30
    assert len(threaded.read("a", 25)) == 25
    monkeypatch.setattr(search, "_MOST", 2_000_000)  # the server refuses
    assert len(threaded.read("a")) == 30


def test_outside_of_scripts_an_index_is_waited_for(
    threaded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    threaded.load_entities(entity(f"e{n}", a=MARKER) for n in range(3_000))
    index = search.SearchIndex(threaded.server, threaded.keys)
    index.drop()
    assert len(threaded.read("a")) == 3_000
    index.drop()
    with monkeypatch.context() as patch:
        patch.setattr(index, "_info", lambda: {b"indexing": 0})
        index.ensure()  # does not wait
    assert len(threaded.read("a")) == 3_000


# -- flushes and other layouts ---------------------------------------------------------


def emptied(store: Store) -> None:
    """As FLUSHALL does."""
    for key in store.server.redis.scan_iter(f"*{store.keys.prefix}*"):
        store.server.redis.unlink(key)
    if store.server.modules:
        search.drop_index(store.server, store.keys.search)


def test_the_first_requests_after_a_flush(redis_store: Store) -> None:
    site, other = entity("s", site=MARKER), point("p", tz="UTC")
    redis_store.load_entities([site, other])
    redis_store.his_write("p", numbers(3, at("2024-01-01", "UTC")))
    emptied(redis_store)
    assert len(redis_store.read("site")) == 0
    redis_store.load_entities([site])
    assert ids(redis_store.read("site")) == ["s"]
    emptied(redis_store)
    redis_store.load_entities([site, other])
    redis_store.his_write("p", numbers(3, at("2024-01-01", "UTC")))
    assert len(list(redis_store.his_read("p"))) == 3
    assert redis_store.differences() == []


def test_the_first_requests_after_another_process_reindexed(stack: Store) -> None:
    stack.load_entities([entity("s", site=MARKER), point("p", tz="UTC")])
    assert ids(stack.read("site")) == ["s"]
    plain = Store(url=stack.server.url, prefix=stack.keys.prefix, modules=True)
    for modules in (False, True):
        plain.server._wanted = modules
        plain.reindex()
        assert ids(stack.read("site")) == ["s"]
        plain.server._wanted = not modules
        plain.reindex()
        assert ids(stack.page("site", "", 10)) == ["s"]
        plain.server._wanted = modules
        plain.reindex()
        assert list(stack.versions(parse("site"))) == ["s"]
        plain.server._wanted = not modules
        plain.reindex()
        stack.load_entities([entity("t", site=MARKER)])
        stack.remove_entities([entity("t")], force=True)
    assert stack.differences() == []


def test_a_flush_that_changes_the_kind_of_histories(stack: Store) -> None:
    """What was planned for one kind is not stored in the other."""
    stack.load_entities([point("p", tz="UTC")])
    stack.his_write("p", numbers(3, at("2024-01-01", "UTC")))
    emptied(stack)
    other = Store(url=stack.server.url, prefix=stack.keys.prefix, modules=False)
    other.load_entities([point("p", tz="UTC")])
    stack.his_write("p", numbers(3, at("2024-01-01", "UTC")))
    assert len(list(other.his_read("p"))) == 3
    assert len(list(stack.his_read("p"))) == 3

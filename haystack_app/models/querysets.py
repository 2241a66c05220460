"""Querysets of entities, by Haystack filters and permissions, and of samples."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn, Self, TypeVar

from django.db import NotSupportedError, connections, models
from django.db.models import Expression
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from ..filters import without_trash
from ..filters.ast import Filter, Has
from ..history_router import history_databases
from ..sql.compiler import compile_filter, conjuncts
from ..sql.conjuncts import drives, is_narrowed, leaves_few, names_ids
from ..sql.expressions import VISIBLE, Visible
from ..sql.leaves import grouped, leaves_in
from ..sql.tables import ENTITIES
from ..wire.record import Record, spliced
from .backend import backend

__all__ = [
    "EntityManager",
    "EntityQuerySet",
    "HisSampleManager",
    "HisSampleQuerySet",
    "RowManager",
    "RowQuerySet",
    "containing",
]

_Row = TypeVar("_Row", bound=models.Model)
_Rows = TypeVar("_Rows", bound="models.QuerySet[Any]")

_TABLE = re.compile(rf'\b(FROM|JOIN) ("?{ENTITIES}"?)')
_OF_MAIN = r"\1 main.\2"
_PLAIN = 8
"""Tests of a scope that SQLite may repeat in a statement."""
_COMMITTED = (
    "Entity.objects.{} is not supported because it would not update references,"
    " tag sets and the change log: use {}"
)

_APART = (
    "samples are in another database than entities, and cannot be joined with them:"
    " read the ids first, and filter by point_id__in"
)


def containing(rows: _Rows, words: Iterable[str]) -> _Rows:
    """Entities whose names have every word; see ``Entity.search``."""
    for word in words:
        rows = rows.filter(search__contains=word)
    return rows


class RowQuerySet(models.QuerySet[_Row]):
    """Rows of entities, for the storage layer."""

    def within(self, scope: Filter | None) -> Self:
        """Only rows that match a filter with resolved symbols; None for all rows.

        Paths of further filters do not leave the scope either.
        """
        if scope is None:
            return self
        found = self.all()
        query: Any = self.query.chain(ScopedQuery)
        query.scope = scope
        found.query = query
        return found

    def select_for_update(self, *args: Any, **kwargs: Any) -> Self:
        """Raises NotSupportedError if scoped, because databases only lock tables."""
        if isinstance(self.query, ScopedQuery):
            raise NotSupportedError(
                "rows of a scoped queryset cannot be locked: lock rows of Entity.rows"
                " by id, then check again that they are visible"
            )
        return super().select_for_update(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        """Raises NotSupportedError for a scoped queryset.

        The statement would change rows that the scope hides.
        """
        if isinstance(self.query, ScopedQuery):
            raise NotSupportedError("a scoped queryset cannot be updated")
        return super().update(**kwargs)


class EntityQuerySet(RowQuerySet[_Row]):
    """Entities. Methods that change rows do the same as a commit or raise an error."""

    def matching(self, filter: Filter | str) -> Self:
        """The entities that a Haystack filter matches. Raises ParseError."""
        return self.filter(compile_filter(backend().parsed(self.db, filter)))

    def search(self, text: str) -> Self:
        """The entities whose names, or those of their site or equip, have every word.

        In any case. Raises InvalidSearch. Of what ``visible_to`` returns, entities that
        only the name of a hidden entity would find are left out.
        """
        words = backend().words_of(text)
        if not isinstance(self.query, ScopedQuery):
            return containing(self, words)
        found = backend().searched(self.db, self.query.scope, text)
        return self.filter(id__in=found)

    def visible_to(self, user: Any) -> Self:
        """The entities that a user may see, by the filters of the user's groups.

        Rows of this queryset cannot be locked or updated.
        """
        if not getattr(user, "is_active", False):
            return self.none()
        scope = backend().scope_of(user)
        return self.within(scope and backend().parsed(self.db, scope))

    def without_trash(self) -> Self:
        return self.matching(without_trash(Has(("id",))))

    def records(self) -> Iterator[Record]:
        """All tags of each entity, without instantiating the model.

        Of a queryset of ``visible_to``, without the names of hidden entities.
        """
        rows = self.values_list("tags", "cur").iterator()
        records = (Record(spliced(tags, cur)) for tags, cur in rows)
        if not isinstance(self.query, ScopedQuery):
            return records
        return backend().shown(self.db, self.query.scope, records)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Commit the removal of the entities, their histories and priority arrays."""
        ids = list(self.values_list("pk", flat=True))
        counts = dict(backend().delete(self.db, ids))
        return sum(counts.values()), counts

    def update(self, **kwargs: Any) -> NoReturn:
        self._refuse("update()", "save(), or storages[alias].update_entities()")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("bulk_update()", "storages[alias].update_entities()")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("bulk_create()", "storages[alias].load_entities()")

    def _refuse(self, call: str, instead: str) -> NoReturn:
        raise NotSupportedError(_COMMITTED.format(call, instead))


class SampleQuery(Query):
    """Refuses joins with entities where these are in another database."""

    def get_compiler(
        self,
        using: str | None = None,
        connection: Any = None,
        elide_empty: bool = True,
    ) -> SQLCompiler:
        found: SQLCompiler = super().get_compiler(using, connection, elide_empty)
        if found.connection.alias in history_databases().values():
            self._check_tables()
        return found

    def _check_tables(self) -> None:
        # joins that are not needed stay in the map, without references
        joined = {it for it, count in self.alias_refcount.items() if count}
        tables = {self.alias_map[it].table_name for it in joined}
        ordered = any("point__" in str(one) for one in self.order_by)
        if ordered or ENTITIES in tables:
            raise NotSupportedError(_APART)


class HisSampleQuerySet(models.QuerySet[_Row]):
    """Samples of points. Use ``his_write`` of a storage to write samples."""

    def __init__(
        self,
        model: type[_Row] | None = None,
        query: Query | None = None,
        using: str | None = None,
        hints: dict[str, Any] | None = None,
    ) -> None:
        if query is None and model is not None:
            query = SampleQuery(model)
        super().__init__(model, query, using, hints)

    def of(self, point: models.Model | str) -> Self:
        """The samples of a point, given as an entity or its id."""
        return self.filter(point_id=point if isinstance(point, str) else point.pk)

    def between(self, start: dt.datetime | None, end: dt.datetime | None) -> Self:
        """Samples with start <= ts < end, both aware datetimes, in time order."""
        found = self.order_by("ts")
        if start is not None:
            found = found.filter(ts__gte=start)
        return found if end is None else found.filter(ts__lt=end)


class ScopedQuery(Query):
    """Prepends a common table expression that hides the table ``entities``.

    So not only the selected rows are in the scope, but also entities that a path of a
    filter leads to: databases apply the condition wherever the name occurs.
    """

    scope: Filter

    def get_compiler(
        self,
        using: str | None = None,
        connection: Any = None,
        elide_empty: bool = True,
    ) -> SQLCompiler:
        connection = connection or connections[using or "default"]
        return ScopedCompiler(self, connection, using, elide_empty)


class ScopedCompiler(SQLCompiler):
    query: ScopedQuery

    def as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, tuple[Any, ...]]:
        scope, scope_params = self._scope()
        text, params = super().as_sql(*args, **kwargs)
        return f"WITH {scope} {text}", (*scope_params, *params)

    def _scope(self) -> tuple[str, tuple[Any, ...]]:
        """The expressions that hide the table, and their parameters."""
        few = leaves_few(self.query.where)
        sets, conditions = conjuncts(self.query.scope)
        if few or not sets or self.connection.vendor == "sqlite":
            where = self.query.where
            finds = not (is_narrowed(where) or names_ids(where))
            return self._entities(
                compile_filter(self.query.scope, walk=few, drives=finds)
            )
        if not drives(self.query.where):
            query: Any = self.query.clone()
            query.add_q(models.Q(Visible(drives=True)))
            self.query = query
        return self._visible_entities(sets, conditions)

    def _visible_entities(
        self, sets: Expression, conditions: Sequence[Expression]
    ) -> tuple[str, tuple[Any, ...]]:
        """The ids of a scope with paths are computed once, not wherever it is used."""
        visible, params = self._rows(models.Q(sets), "id")
        every, every_params = self._entities(models.Q(Visible(), *conditions))
        return (
            f"{VISIBLE}(id) AS MATERIALIZED ({visible}), {every}",
            (*params, *every_params),
        )

    def _entities(self, condition: models.Q) -> tuple[str, tuple[Any, ...]]:
        text, params = self._rows(condition)
        if self.connection.vendor == "sqlite":
            # an unqualified name would refer to the expression itself
            text = _TABLE.sub(_OF_MAIN, text)
            if not self._is_plain:
                return f"{ENTITIES} AS ({text})", params
        return f"{ENTITIES} AS NOT MATERIALIZED ({text})", params

    @property
    def _is_plain(self) -> bool:
        """Whether SQLite may repeat the scope wherever a path names the table.

        Rows are looked up by id then; a scope with paths would make a statement of
        many paths times many.
        """
        leaves = list(leaves_in(grouped(self.query.scope)))
        return len(leaves) <= _PLAIN and all(len(it.path) == 1 for it in leaves)

    def _rows(self, condition: models.Q, *names: str) -> tuple[str, tuple[Any, ...]]:
        rows: models.QuerySet[Any] = models.QuerySet(self.query.model)
        query = rows.filter(condition).values_list(*names).query
        text, params = query.get_compiler(connection=self.connection).as_sql()
        return text, params


class RowManager(models.Manager.from_queryset(RowQuerySet)):  # type: ignore[misc]
    """The manager of the storage layer; see ``RowQuerySet``."""


class EntityManager(
    models.Manager.from_queryset(EntityQuerySet)  # type: ignore[misc]
):
    """The default manager of entities; see ``EntityQuerySet``."""


class HisSampleManager(
    models.Manager.from_queryset(HisSampleQuerySet)  # type: ignore[misc]
):
    """The default manager of samples; see ``HisSampleQuerySet``."""

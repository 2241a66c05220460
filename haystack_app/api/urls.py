"""URLs of REST resources and ops: ``/api/{op}`` and ``/api/{project}/{op}``.

All other paths are unknown ops. Projects and ops cannot have the names of resources.
"""

from __future__ import annotations

from django.urls import (
    URLPattern,
    URLResolver,
    include,
    path,
    re_path,
    register_converter,
)
from django.urls.converters import StringConverter
from rest_framework.routers import SimpleRouter

from .alarm_rules import AlarmRuleViewSet
from .alarms import (
    AcknowledgeView,
    AlarmsEventsView,
    AlarmsSummaryView,
    AlarmsView,
    AlarmView,
)
from .changes import ChangesView
from .dashboards import DashboardViewSet
from .entities import EntityViewSet, ProjectEntityViewSet
from .history import HistoryView
from .import_mappings import ImportMappingViewSet
from .imports import ImportViewSet, ProjectImportViewSet
from .jobs import JobViewSet
from .quality import QualityView
from .reverts import CommitView, RevertView
from .sample_changes import SampleChangesView, SampleChangeView, SampleUndoView
from .sample_imports import SampleImportView
from .schema import DocsView, SchemaView
from .tags import TagsView, TagValuesView
from .users import UserViewSet
from .views import OpView
from .writes import WritesView


class Router(SimpleRouter):
    """Accepts paths with and without trailing slash."""

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


router = Router()
# first, because an entity may have the id "entities"
router.register("dashboards", DashboardViewSet, basename="dashboard")
router.register("entities", EntityViewSet, basename="entity")
router.register("alarm-rules", AlarmRuleViewSet, basename="alarm-rule")
router.register("imports", ImportViewSet, basename="import")
router.register("import-mappings", ImportMappingViewSet, basename="import-mapping")
router.register("jobs", JobViewSet, basename="job")
router.register("users", UserViewSet, basename="user")
router.register(
    "(?P<project>[^/]+)/entities", ProjectEntityViewSet, basename="project-entity"
)

router.register(
    "(?P<project>[^/]+)/imports", ProjectImportViewSet, basename="project-import"
)

_OTHERS = (
    ("alarms/?$", AlarmsView),
    ("alarms/summary/?$", AlarmsSummaryView),
    ("alarms/events/?$", AlarmsEventsView),
    ("alarms/(?P<id>[^/]+)/?$", AlarmView),
    ("alarms/(?P<id>[^/]+)/acknowledge/?$", AcknowledgeView),
    ("changes/(?P<cursor>[0-9]+)/?$", CommitView),
    ("changes/(?P<cursor>[0-9]+)/revert/?$", RevertView),
    ("samples/import/?$", SampleImportView),
    ("samples/changes/?$", SampleChangesView),
    ("samples/changes/(?P<change>[^/]+)/?$", SampleChangeView),
    ("samples/changes/(?P<change>[^/]+)/undo/?$", SampleUndoView),
    ("tags/?$", TagsView),
    ("tags/(?P<tag>[^/]+)/values/?$", TagValuesView),
    ("writes/?$", WritesView),
)

_RESOURCES = {
    *("schema", "docs", "changes", "history", "quality"),
    *(route.split("/")[0] for route, _ in _OTHERS),
    *(prefix for prefix, _, _ in router.registry if prefix[0] != "("),
}


class OpName(StringConverter):
    """A name of letters that is not that of a resource."""

    regex = "[a-zA-Z]+"

    def to_python(self, value: str) -> str:
        if value in _RESOURCES:
            raise ValueError(value)
        return value


register_converter(OpName, "haystack_op")

urlpatterns: list[URLPattern | URLResolver] = [
    # most requests are for ops: they do not try the patterns of all resources
    path("<haystack_op:name>", OpView.as_view(), name="op"),
    path("", OpView.as_view(), {"name": ""}, name="api"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    re_path(r"^changes/?$", ChangesView.as_view(), name="changes"),
    re_path(r"^history/?$", HistoryView.as_view(), name="history"),
    re_path(r"^quality/?$", QualityView.as_view(), name="quality"),
    *(re_path(f"^{route}", view.as_view()) for route, view in _OTHERS),
    path("", include(router.urls)),
    re_path(r"^(?P<project>[^/]+)/changes/?$", ChangesView.as_view(schema=None)),
    re_path(r"^(?P<project>[^/]+)/history/?$", HistoryView.as_view(schema=None)),
    re_path(r"^(?P<project>[^/]+)/quality/?$", QualityView.as_view(schema=None)),
    *(
        re_path(f"^(?P<project>[^/]+)/{route}", view.as_view(schema=None))
        for route, view in _OTHERS
    ),
    re_path(
        r"^(?:(?P<project>[^/]+)/)?(?P<name>[^/]+)/?$", OpView.as_view(), name="op"
    ),
    re_path(r"^(?P<name>[\s\S]*)$", OpView.as_view()),
]

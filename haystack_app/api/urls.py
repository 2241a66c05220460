"""The REST resources, and the ops: ``/api/{op}`` and ``/api/{project}/{op}``.

Any other path is an unknown op. ``RESOURCES`` are no names for projects or ops.
"""

from __future__ import annotations

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from .changes import ChangesView
from .entities import EntitiesView, EntityView
from .users import UsersView, UserView
from .views import OpView

app_name = "haystack"
urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="haystack:schema")),
    # ids first: @entities is a legal one
    re_path(r"^entities/?$", EntitiesView.as_view(), name="entities"),
    re_path(r"^entities/(?P<id>[^/]+)/?$", EntityView.as_view(), name="entity"),
    re_path(r"^changes/?$", ChangesView.as_view(), name="changes"),
    re_path(r"^users/?$", UsersView.as_view(), name="users"),
    re_path(r"^users/(?P<id>[^/]+)/?$", UserView.as_view(), name="user"),
    re_path(r"^(?P<project>[^/]+)/entities/?$", EntitiesView.as_view(schema=None)),
    re_path(
        r"^(?P<project>[^/]+)/entities/(?P<id>[^/]+)/?$",
        EntityView.as_view(schema=None),
    ),
    re_path(r"^(?P<project>[^/]+)/changes/?$", ChangesView.as_view(schema=None)),
    re_path(
        r"^(?:(?P<project>[^/]+)/)?(?P<name>[^/]+)/?$", OpView.as_view(), name="op"
    ),
    re_path(r"^(?P<name>[\s\S]*)$", OpView.as_view()),
]

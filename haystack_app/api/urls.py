"""The REST resources, and the ops: ``/api/{op}`` and ``/api/{project}/{op}``.

Any other path is an unknown op. ``RESOURCES`` are no names for projects or ops.
"""

from __future__ import annotations

from django.urls import path, re_path

from .changes import ChangesView
from .entities import EntitiesView, EntityView
from .schema import DocsView, SchemaView
from .users import UsersView, UserView
from .views import OpView

urlpatterns = [
    path("", OpView.as_view(), {"name": ""}, name="api"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(url_name="haystack:schema"), name="docs"),
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

"""Files of the hosts' own app ``people``, and settings of theirs."""

from __future__ import annotations

__all__ = ["ADMIN", "BADGES", "EMAILS", "NOTES", "UNSUITABLE"]

BADGES = """\
from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    badge = models.CharField(max_length=20, blank=True)
"""

EMAILS = """\
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models


class People(BaseUserManager):
    def create_superuser(self, email, password=None, **fields):
        person = self.model(email=email, is_staff=True, is_superuser=True, **fields)
        person.set_password(password)
        person.save()
        return person


class Person(AbstractUser):
    username = None
    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = People()
"""

ADMIN = """\
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group

from .models import Person

admin.site.unregister(Group)


@admin.register(Person)
class PersonAdmin(UserAdmin):
    pass


@admin.register(Group)
class CrewAdmin(GroupAdmin):
    pass
"""

NOTES = """\
from rest_framework.response import Response
from rest_framework.views import APIView


class Notes(APIView):
    def get(self, request):
        return Response(f"{request.version} {request.user}")
"""

UNSUITABLE = """\
REST_FRAMEWORK = {
    "DATETIME_FORMAT": "%d.%m.%Y",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_FILTER_BACKENDS": ["rest_framework.filters.SearchFilter"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.MultiPartParser"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.StaticHTMLRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
    "DEFAULT_VERSION": "v7",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.QueryParameterVersioning",
    "EXCEPTION_HANDLER": "nowhere.handler",
    "NON_FIELD_ERRORS_KEY": "all",
    "PAGE_SIZE": 1,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAdminUser"],
    "SWAGGER_UI_DIST": "https://cdn.example",
    "TITLE": "The hall",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
"""

"""Pages of what was refused or not found, in the look and the language of the others.

Projects name them as handlers of errors (Django's "Customizing error views"); one that
names none keeps its own pages.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

__all__ = ["csrf_failure", "page_not_found", "permission_denied"]


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """``handler403``."""
    return _page(
        request,
        403,
        title=_("Not allowed"),
        text=_("Your user does not have the right to open this page."),
        help=_("Administrators give rights to users by roles."),
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """``handler404``."""
    return _page(
        request,
        404,
        title=_("Page not found"),
        text=_("There is no page at this address."),
        help=_("It may have been renamed or removed."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """``CSRF_FAILURE_VIEW``. The reason is in Django's log."""
    return _page(
        request,
        403,
        title=_("The form has expired"),
        text=_(
            "Nothing was changed: the form does not belong to your current login, "
            "or your browser sends no cookies."
        ),
        help=_("Go back, load the page again, and send the form once more."),
    )


def _page(request: HttpRequest, status: int, **context: str) -> HttpResponse:
    response = render(request, "haystack_app/error.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response

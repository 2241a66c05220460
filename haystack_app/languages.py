"""Languages of pages: which can be chosen, and the texts of scripts in each."""

from __future__ import annotations

from typing import Any

from django.conf import global_settings, settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page
from django.views.i18n import JavaScriptCatalog

__all__ = ["offered", "texts"]

_SECONDS = 60
"""As WhiteNoise has browsers cache the modules."""


def offered() -> list[str]:
    """Codes of the languages to choose from; none if the project names none.

    The default of LANGUAGES has all languages of Django, not those of the app.
    """
    if settings.LANGUAGES == global_settings.LANGUAGES:
        return []
    return [code for code, _name in settings.LANGUAGES]


@method_decorator(cache_control(public=True, max_age=_SECONDS), name="dispatch")
@method_decorator(conditional_page, name="dispatch")
class _Texts(JavaScriptCatalog):
    """Django's catalog, of the app alone. The URL names the language, for caches."""

    packages = ["haystack_app"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = kwargs["language"]
        if language not in dict(settings.LANGUAGES):
            raise Http404(f"{language!r} is not one of LANGUAGES")
        with translation.override(language):
            return super().get(request, *args, **kwargs)


texts = _Texts.as_view()

"""Second factors and the company's log-in, where the environment asks for them."""

from __future__ import annotations

from typing import Any

from project.environment import Environment
from project.secret import given_secret

__all__ = ["APPS", "MIDDLEWARE", "is_wanted", "settings_of"]

APPS = [
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django.contrib.humanize",  # for templates of allauth
]
MIDDLEWARE = [
    "haystack_app.sso.middleware.require_second_factor",
    "allauth.account.middleware.AccountMiddleware",
]


def is_wanted(env: Environment) -> bool:
    has_provider = bool(env.str("OIDC_URL", default=""))
    return bool(env.bool("HAYSTACK_SECOND_FACTOR", default=has_provider))


def settings_of(env: Environment, *, debug: bool) -> dict[str, Any]:
    """Of django-allauth: no page of its own makes users or changes addresses."""
    return {
        "ACCOUNT_ADAPTER": "haystack_app.sso.adapters.AccountAdapter",
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_REAUTHENTICATION_METHODS": ["password", "mfa"],
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_UNIQUE_EMAIL": False,
        "MFA_ADAPTER": "haystack_app.sso.adapters.FactorAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_ISSUER": env.str("HAYSTACK_SERVER_NAME", default="Haystack server"),
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": debug,
        "SOCIALACCOUNT_ADAPTER": "haystack_app.sso.adapters.CompanyAdapter",
        "SOCIALACCOUNT_AUTO_SIGNUP": True,
        # a link, for a form may not lead to another site (form-action)
        "SOCIALACCOUNT_LOGIN_ON_GET": True,
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"APPS": _providers(env)}},
    }


def _providers(env: Environment) -> list[dict[str, Any]]:
    url = env.str("OIDC_URL", default="")
    if not url:
        return []
    trusts_email = env.bool("OIDC_TRUST_EMAIL", default=False)
    return [
        {
            "provider_id": "company",
            "name": env.str("OIDC_NAME", default="company"),
            "client_id": env.str("OIDC_CLIENT_ID"),
            "secret": given_secret("OIDC_CLIENT_SECRET"),
            "settings": {
                "server_url": url,
                "oauth_pkce_enabled": True,
                "email_authentication": trusts_email,
                "email_authentication_auto_connect": trusts_email,
            },
        }
    ]

"""One deployment of haystack_app; everything that varies comes from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from haystack_app import databases, redis_services
from project import companies
from project.environment import Environment
from project.secret import given_secret, refuse_example, stored_secret_key

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", default=False)

# --- serving ------------------------------------------------------------------

# HAYSTACK_MAX_ROWS=1000 and so on; a check refuses unknown names.
_MAX = "HAYSTACK_MAX_"
LIMITS = {"BODY": 32 * 1024 * 1024} | {
    name.removeprefix(_MAX): env.int(name)
    for name in os.environ
    if name.startswith(_MAX)
}
DATA_UPLOAD_MAX_MEMORY_SIZE = LIMITS["BODY"]

# --- databases ----------------------------------------------------------------

ADAPTERS = {
    "orm": "haystack_app.storage.orm.OrmAdapter",
    "memory": "haystack_app.storage.memory.InMemoryAdapter",
    "redis": "haystack_app.storage.redis.RedisAdapter",
}
HAYSTACK_STORAGE = env.str("HAYSTACK_STORAGE", default="orm")
if HAYSTACK_STORAGE not in ADAPTERS:
    raise ImproperlyConfigured(
        f"HAYSTACK_STORAGE is {HAYSTACK_STORAGE!r}: use one of {', '.join(ADAPTERS)}"
    )

THREADS = env.int("HAYSTACK_THREADS", default=20)
DB_POOL: dict[str, Any] | None = None
if env.bool("DB_POOL", default=True):
    DB_POOL = {
        "min_size": env.int("DB_POOL_MIN", default=2),
        "max_size": env.int("DB_POOL_MAX", default=THREADS + 16),
        "timeout": env.float("DB_POOL_TIMEOUT", default=10.0),
        # by default the pause between attempts grows to minutes, and a database
        # that is back is not used before it ends
        "reconnect_timeout": 2.0,
    }

DATABASE_URL = given_secret("DATABASE_URL")
TIMESCALE_DSN = given_secret("TIMESCALE_DSN")
# apart from the URL, where it needs no escapes and the server reads the same file
POSTGRES_PASSWORD = given_secret("POSTGRES_PASSWORD")

if DATABASE_URL:
    DATABASES = {
        "default": databases.from_url(DATABASE_URL, DB_POOL, POSTGRES_PASSWORD)
    }
elif TIMESCALE_DSN:
    DATABASES = {
        "default": databases.postgres(TIMESCALE_DSN, DB_POOL, POSTGRES_PASSWORD)
    }
else:
    DATABASES = {"default": databases.sqlite(VAR_DIR / "haystack.sqlite3")}
EMBEDDED = DATABASES["default"]["ENGINE"].endswith("sqlite3")

# samples and what is derived from them alone, apart from entities
HISTORY_DATABASE_URL = given_secret("HISTORY_DATABASE_URL")
STORE_OPTIONS: dict[str, str] = {}
if HISTORY_DATABASE_URL:
    if HAYSTACK_STORAGE != "orm":
        raise ImproperlyConfigured(
            "HISTORY_DATABASE_URL needs the storage in a database:"
            f" HAYSTACK_STORAGE is {HAYSTACK_STORAGE!r}"
        )
    DATABASES |= databases.history(HISTORY_DATABASE_URL, DB_POOL, POSTGRES_PASSWORD)
    DATABASE_ROUTERS = ["haystack_app.history_router.HistoryRouter"]
    STORE_OPTIONS = {"history": databases.HISTORY}

# servers that answer reads, by PostgreSQL's streaming replication
REPLICAS = databases.replicas(
    given_secret("REPLICA_URLS").split(), DB_POOL, POSTGRES_PASSWORD
)
DATABASES |= REPLICAS

for _entry in DATABASES.values():
    refuse_example("the database's password", _entry.get("PASSWORD", ""))

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the haystack store -------------------------------------------------------

# HAYSTACK_THROTTLE=off, or HAYSTACK_THROTTLE_USER=1000 and so on.
_RATE = "HAYSTACK_THROTTLE_"
THROTTLE: dict[str, int] | None = None
if env.str("HAYSTACK_THROTTLE", default="on").lower() not in ("off", "false", "0"):
    THROTTLE = {
        name.removeprefix(_RATE): env.int(name)
        for name in os.environ
        if name.startswith(_RATE)
    }
SIMULATE_SECONDS = 0.0
if env.bool("SIMULATE", default=False):
    SIMULATE_SECONDS = env.float("HAYSTACK_SIMULATE_SECONDS", default=5.0)
HAYSTACK: dict[str, Any] = {
    "STORAGES": {
        "default": {"BACKEND": ADAPTERS[HAYSTACK_STORAGE], "OPTIONS": STORE_OPTIONS}
    },
    "LIMITS": LIMITS,
    "ACTIONS": env.list("HAYSTACK_ACTIONS", default=[]),
    "THROTTLE": THROTTLE,
    # made by migrate where there is no superuser
    "SUPERUSER": {
        name: env.str(f"HAYSTACK_SUPERUSER_{name}", default="")
        for name in ("USERNAME", "PASSWORD", "USERNAME_FILE", "PASSWORD_FILE")
    },
    "SIMULATE_SECONDS": SIMULATE_SECONDS,
    "IMPORTS_DIR": str(VAR_DIR / "imports"),
    # where LISTEN goes if DATABASE_URL is that of a pooler
    "DIRECT_DATABASE_URL": given_secret("DATABASE_DIRECT_URL"),
    "METRICS": {
        "TOKEN": given_secret("HAYSTACK_METRICS_TOKEN"),
        "NETWORKS": env.list("HAYSTACK_METRICS_NETWORKS", default=[]),
    },
    "REPLICATION": {
        "REPLICAS": list(REPLICAS),
        "LAG_SECONDS": env.float("HAYSTACK_REPLICA_LAG_SECONDS", default=3.0),
        "WAIT_MS": env.float("HAYSTACK_REPLICA_WAIT_MS", default=20.0),
        "COMMIT_SECONDS": env.float("HAYSTACK_COMMIT_SECONDS", default=5.0),
        "UNCONFIRMED": env.str("HAYSTACK_UNCONFIRMED", default="refuse"),
    },
    "SECOND_FACTOR": {
        "GROUPS": env.list("HAYSTACK_SECOND_FACTOR_GROUPS", default=[]),
        "PASSWORDS": env.bool("HAYSTACK_SECOND_FACTOR_PASSWORDS", default=False),
    },
    "OIDC": {
        "CREATE_USERS": env.bool("OIDC_CREATE_USERS", default=True),
        "CLAIM": env.str("OIDC_CLAIM", default="groups"),
        "GROUPS": env.dict("OIDC_GROUPS", default={}),
    },
    "BACKUP": {
        "TARGET": env.str("HAYSTACK_BACKUP_TARGET", default=""),
        "KEY": given_secret("HAYSTACK_BACKUP_KEY"),
        "PROGRAMS": env.str("HAYSTACK_BACKUP_PROGRAMS", default=""),
        "STORAGES": env.list("HAYSTACK_BACKUP_STORAGES", default=[]),
    },
}
# HAYSTACK_TOKEN_HOURS=24 and so on; haystack_app/conf.py has the defaults.
for _name in (
    "HISTORY_CHUNK_DAYS",
    "PROXIES",
    "REQUEST_LOG_RATE",
    "SCRAM_ITERATIONS",
    "THREADS",
):
    if f"HAYSTACK_{_name}" in os.environ:
        HAYSTACK[_name] = env.int(f"HAYSTACK_{_name}")
for _name in (
    "ALARM_DAYS",
    "ALARM_DIGEST_SECONDS",
    "CHANGES_DAYS",
    "CHECK_SECONDS",
    "COALESCE_MS",
    "IMPORTS_HOURS",
    "JOBS_DAYS",
    "JOB_LEASE_SECONDS",
    "PATIENCE_SECONDS",
    "SLOW_SECONDS",
    "TICK_SECONDS",
    "TOKEN_HOURS",
    "SAMPLE_UNDO_DAYS",
    "TRASH_DAYS",
    "WEBHOOK_DAYS",
    "WEBHOOK_FAILING_DAYS",
    "WRITES_DAYS",
):
    if f"HAYSTACK_{_name}" in os.environ:
        HAYSTACK[_name] = env.float(f"HAYSTACK_{_name}")
if "READY_NEEDS_WRITES" in os.environ:
    HAYSTACK["READY_NEEDS_WRITES"] = env.bool("READY_NEEDS_WRITES")
for _name in (
    "CONNECTOR_SECRETS",
    "DOCUMENTATION",
    "IMPORTS_DIR",
    "SERVER_NAME",
    "WORKER",
):
    if env.str(f"HAYSTACK_{_name}", default=""):
        HAYSTACK[_name] = env.str(f"HAYSTACK_{_name}")
if "HAYSTACK_WEBHOOKS_ALLOW_PRIVATE" in os.environ:
    HAYSTACK["WEBHOOKS_ALLOW_PRIVATE"] = env.list("HAYSTACK_WEBHOOKS_ALLOW_PRIVATE")
if "HAYSTACK_ALLOW_DATA_LOSS" in os.environ:
    HAYSTACK["ALLOW_DATA_LOSS"] = env.bool("HAYSTACK_ALLOW_DATA_LOSS")

# --- security -----------------------------------------------------------------

SECRET_KEY = given_secret("SECRET_KEY")
if not SECRET_KEY:
    # Several machines on one database must share the key, so there it is asked for.
    if not env.bool("GENERATE_SECRET_KEY", default=DEBUG or EMBEDDED):
        raise ImproperlyConfigured(
            "SECRET_KEY must be set when a database server is used "
            "(or GENERATE_SECRET_KEY=true, to keep a generated one in VAR_DIR)"
        )
    SECRET_KEY = stored_secret_key(VAR_DIR / "secret_key")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CSRF_FAILURE_VIEW = "haystack_app.error_pages.csrf_failure"

# HTTPS=true: a proxy in front ends TLS and sets X-Forwarded-Proto itself.
HTTPS = env.bool("HTTPS", default=False)
SESSION_ENGINE = "haystack_app.auth.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
LANGUAGE_COOKIE_SECURE = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", default=False)
    SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
    # Other hosts of the domain are not ours to force, so neither is a fault.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# The first one stores what SCRAM needs; hashes of the others are renewed when
# their user next logs in with a password.
PASSWORD_HASHERS = [
    "haystack_app.auth.hashers.ScramHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "haystack:log-in"

# --- Django -------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "haystack_app",
    "project",
]

MIDDLEWARE = [
    "haystack_app.monitoring.middleware.monitor",
    "project.caching.uncached_by_default",
    "project.content_policy.content_policy",
    "haystack_app.serving.content_coding.ContentCoding",
    "haystack_app.serving.conditions.answer_conditions",
    # under ASGI, the HealthLayer of the same module answers before it
    "haystack_app.serving.health.health_checks",
    "haystack_app.auth.current_request.remember_request",
    "django.middleware.security.SecurityMiddleware",
    "haystack_app.auth.middleware.handshake",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "haystack_app.middleware.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "haystack_app.replicas.middleware.note_writes",
    "haystack_app.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- second factors, and the company's log-in -------------------------------------

if companies.is_wanted(env):
    # after the app's templates, and before the project's pages of the admin
    at = INSTALLED_APPS.index("project")
    INSTALLED_APPS[at:at] = companies.APPS
    MIDDLEWARE += companies.MIDDLEWARE
    vars().update(companies.settings_of(env, debug=DEBUG))

# of mails, and of pages for browsers that ask for none of LANGUAGES
LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("de", "Deutsch"), ("en", "English")]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3_600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- pages of other origins that call the API ----------------------------------

CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
if CORS_ALLOWED_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    # before middleware that answers by itself
    MIDDLEWARE.insert(3, "corsheaders.middleware.CorsMiddleware")
    # handshakes are on any path; the admin is for its own pages
    CORS_URLS_REGEX = r"^/(?!admin/)"
    CORS_ALLOW_CREDENTIALS = True
    CORS_ALLOW_HEADERS = [
        *default_headers,
        "content-encoding",
        "if-match",
        "if-none-match",
    ]
    # what clients log in by, and what else answers say in headers
    CORS_EXPOSE_HEADERS = [
        "WWW-Authenticate",
        "Authentication-Info",
        "ETag",
        "Location",
        "Retry-After",
    ]

# Files are served from the packages themselves: no collectstatic is needed.
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# --- mail -----------------------------------------------------------------------

# such as smtp+tls://user:password@mail.example.org:587
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
if EMAIL_URL := given_secret("EMAIL_URL"):
    vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="haystack@localhost")

# --- services -----------------------------------------------------------------

REDIS_URL = given_secret("REDIS_URL")

CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # a full cache forgets counts of the throttle at random
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
if REDIS_URL:
    CACHES["default"] = redis_services.cache(REDIS_URL)
    CHANNEL_LAYERS["default"] = redis_services.channel_layer(REDIS_URL)

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT = env.str("LOG_FORMAT", default="line")
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}: use line or json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "haystack_app.request_facts.RequestIdFilter"},
    },
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "{asctime}{levelname}{name}{message}",
            "style": "{",
            "rename_fields": {"asctime": "time", "levelname": "level"},
        },
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id"],
        },
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        # Without handlers of its own: DEBUG or not, one line on stderr.
        "django": {"handlers": [], "level": LOG_LEVEL},
        "haystack_app": {"level": LOG_LEVEL},
        "project": {"level": LOG_LEVEL},
    },
}

# Every target makes .venv by itself; the stamps say which requirements it holds.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
SHARED ?= ../shared
PAIRS ?= 1000000
POINTS ?= 100000
SECONDS ?= 600

# Compiled once: each process that the tests start would do it again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
MANAGE := $(BIN)/python manage.py
SERVE := $(BIN)/python -m uvicorn project.asgi:application \
	--host $(HOST) --port $(PORT) --lifespan off --no-proxy-headers \
	--http haystack_app.serving.protocol:HttpProtocol \
	--ws-per-message-deflate true --ws-max-size 16777216 --limit-concurrency 1000

RUNTIME := $(VENV)/.stamp-runtime
DEV := $(VENV)/.stamp-dev

# Node.js is for checks only; without npm they are skipped, except in CI.
NPM := $(shell command -v npm)
NODE := $(if $(NPM),node_modules/.stamp)

# The linters must say the same whatever deployment the environment describes.
LINT_ENV := env -u DATABASE_URL -u DATABASE_URL_FILE -u HISTORY_DATABASE_URL -u TIMESCALE_DSN \
	-u REDIS_URL -u REDIS_URL_FILE -u SECRET_KEY_FILE -u WEB_CONCURRENCY -u HAYSTACK_STORAGE \
	-u HTTPS -u DEBUG SECRET_KEY=lint

STORES := memory sqlite $(if $(POSTGRES_DSN),postgres) \
	$(if $(TIMESCALE_DSN),timescale) $(if $(REDIS_TEST_URL),redis) \
	$(if $(REDIS_STACK_URL),redis-stack)
CHECK = $(BIN)/python $(SHARED)/conformance/check.py --level must,haxall

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo demo-connect run test query-counts lint lint-js docs package bench conformance fuzz soak simulate chaos drill nightly

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed ($(PYTHON) is not): make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): requirements.txt $(VENV)/.stamp-venv
	$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt requirements-docs.txt $(RUNTIME)
	$(PIP) -r requirements-dev.txt
	@touch $@

node_modules/.stamp: package.json package-lock.json
	npm ci --loglevel=error
	@touch $@

setup: $(DEV) $(NODE) ## make .venv with everything to run and to develop

# One machine, one var/ folder: a generated key may be kept there.
demo run: export GENERATE_SECRET_KEY ?= true

demo: export HAYSTACK_ACTIONS ?= haystack_app.demo.actions
demo: export SIMULATE ?= 1

demo: $(RUNTIME) ## serve made-up campuses on http://127.0.0.1:PORT (8000)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) haystack_demo --if-empty
	@$(MANAGE) haystack_demo_user
	@exec $(SERVE)

demo-connect: $(RUNTIME) ## two servers on ports 8000 and 8001: the second follows the first
	@exec $(BIN)/python tools/demo_connect.py

run: $(RUNTIME) ## the same server with your own data
	@$(MANAGE) migrate --verbosity 0
	@exec $(SERVE)

test: $(DEV) ## all tests on every database that can be reached
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder \
		--durations 10 $(ARGS) tests

lint: $(DEV) lint-js ## style, words, translations, types, import directions, migrations, system checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/check_words.py
	$(BIN)/python tools/translations.py
	$(LINT_ENV) $(BIN)/mypy
	$(BIN)/lint-imports
	$(LINT_ENV) $(MANAGE) makemigrations --check --dry-run
	$(LINT_ENV) $(MANAGE) check

ifdef NPM
lint-js: $(NODE)
	npm run --silent lint
	npm run --silent format
	npm run --silent types
else
lint-js:
	@echo "npm is not installed, so the JavaScript is not checked (Node.js 20.19 or newer)" >&2
	@test -z "$$CI"
endif

query-counts: $(DEV) ## write tests/api/query_counts.json anew
	UPDATE_QUERY_COUNTS=1 $(BIN)/python -m pytest $(ARGS) tests/api/test_query_counts.py

docs: $(DEV) ## build the documentation, which the server then has at /docs/
	$(BIN)/python tools/build_docs.py

package: docs ## build dist/ with the documentation, install the wheel, run a bare project with it
	rm -rf dist
	$(BIN)/python -m build --no-isolation > /dev/null
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder"; \
	"$$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
		"$$(ls dist/*.whl)[server]"; \
	HOST_WHEEL="$$(ls dist/*.whl)" HOST_PYTHON="$$folder/bin/python" \
		$(BIN)/python -m pytest $(ARGS) tests/packaging

bench: $(DEV) ## our times beside those of hand-written SQL
	$(BIN)/python -m tests.bench $(ARGS)

conformance: $(DEV) ## the shared cases on every store (SHARED=folder)
	@test -f $(SHARED)/conformance/check.py || \
		{ echo "no conformance cases in $(SHARED): make conformance SHARED=..." >&2; exit 1; }
	@set -e; for store in $(STORES); do \
		echo "== $$store: filters, ranges"; \
		$(CHECK) --only filters,ranges --requires defs --cmd "$(BIN)/python \
			tests/conformance/adapter.py --store $$store --defs $(SHARED)/data/defs"; \
	done
	@echo "== codecs: zinc, hayson, jsonV3, trio, csv"
	@$(CHECK) --only codecs --formats zinc,hayson,jsonV3,trio,csv \
		--cmd "$(BIN)/python tests/conformance/adapter.py --store memory"

fuzz: $(DEV) ## readers, and headers, for SECONDS=600 each, filters against the matcher, PAIRS=1000000
	FUZZ_SECONDS=$(SECONDS) $(BIN)/python -m pytest $(ARGS) tests/fuzz
	FUZZ_PAIRS=$(PAIRS) $(BIN)/python -m pytest $(ARGS) tests/filters/test_equivalence.py

soak: $(DEV) ## watches under load for SECONDS=600, with trouble
	$(BIN)/python -m tests.soak --seconds $(SECONDS) $(ARGS)

simulate: $(DEV) ## what a server of POINTS=100000 needs, by one of a tenth at least
	$(BIN)/python -m tests.simulation --points $(POINTS) $(ARGS)

chaos: $(DEV) ## kill servers and services under load, 100 times on each store
	$(BIN)/python -m tests.chaos $(ARGS)

drill: $(RUNTIME) ## back up to a temporary folder, restore beside the originals, compare
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(MANAGE) haystack_backup "$$folder"; \
	$(MANAGE) haystack_verify_backup --restore "$$folder"

nightly: ## the long forms: fuzz, soak, chaos
	$(MAKE) fuzz
	$(MAKE) soak
	$(MAKE) chaos
	$(MAKE) chaos ARGS="--store replicas --store sentinel --store cluster"

# Everything a developer or a newcomer does here. `make help` lists it; `tools/setup.sh` makes the environment.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
BIN := .venv/bin
WORKERS ?= 2
PYTEST = $(PYTHON) -m pytest -q -n $(WORKERS)
FAST := $(wildcard tests/architecture tests/unit)

# Addresses of indexes stay out of the files: every machine has its own.
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 pyproject.toml \
	--extra postgresql --no-header --no-annotate --no-emit-index-url --no-emit-find-links

# Needs nothing but the runtime: what a newcomer installs.
RUNTIME := tools/setup.sh runtime
# What development needs besides.
DEV := tools/setup.sh dev

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: ## install what is missing, start Millpond in the background, say how to go on
	@$(RUNTIME)
	@bin/millpond up --detach

.PHONY: down
down: ## stop Millpond and its caches; data stays
	@bin/millpond down

.PHONY: test
test: check ## everything that must pass: checks and the fast tests
	@$(PYTEST) $(FAST) -m "not scenario and not crash and not privileged"

.PHONY: check
check: ## formatting, lint, types, import laws, generated files
	@$(DEV)
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted; run: make fmt"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
	@$(PYTHON) tools/gen_api.py --check

.PHONY: fmt
fmt: ## format, and mend what lint can mend
	@$(DEV)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: wire
wire: ## everything through the API with boto3, the contracts of drivers and stores, the properties
	@$(DEV)
	@$(PYTEST) tests/properties tests/api tests/contracts -m "not scenario and not crash and not privileged"

.PHONY: scenarios
scenarios: ## real engines on this machine, without root
	@$(DEV)
	@$(PYTEST) $(wildcard tests/scenarios tests/contracts) -m scenario

.PHONY: crash
crash: ## kill -9 at every commit and every action; it must converge
	@$(DEV)
	@$(PYTEST) tests/crash

.PHONY: faults
faults: ## groups under load while anything fails at random: SEED=1 MINUTES=0.3 for each shape
	@$(DEV)
	@$(PYTHON) -m pytest -q -rP tests/faults --seed $(or $(SEED),1) --minutes $(or $(MINUTES),0.3)

.PHONY: privileged
privileged: ## what only root may do; made and removed by the tests
	@$(DEV)
	@$(PYTHON) -m pytest -q tests/privileged

.PHONY: browser
browser: ## the pages in a headless Chromium
	@$(DEV)
	@tools/packages.sh chromium:chromium
	@$(PYTHON) -m pytest -q tests/browser

.PHONY: parity
parity: ## AWS's own vectors, waiters, paginators and tools; writes docs/parity.md
	@$(DEV)
	@$(PYTEST) tests/parity
	@$(PYTHON) tools/gen_parity.py

.PHONY: postgres
postgres: ## the store, and everything that goes through the API, on a real PostgreSQL
	@$(DEV)
	@tools/packages.sh psql:postgresql
	@$(PYTHON) -m pytest -q tests/contracts/test_store.py tests/contracts/test_elasticache_tables.py tests/contracts/test_iam_stores.py -k postgresql
	@$(PYTHON) -m tests.postgres -q -n $(WORKERS) tests/api --ignore tests/api/test_hostile_clients.py --ignore tests/api/test_command_line.py

.PHONY: bench
bench: ## ratios to bare engines and to peers, in one run, as a table
	@$(DEV)
	@$(PYTHON) -m bench

.PHONY: api
api: ## write again what is generated from the botocore models
	@$(DEV)
	@$(PYTHON) tools/gen_api.py

.PHONY: lock
lock: ## resolve and pin dependencies anew, with hashes
	@$(DEV)
	@test -x $(BIN)/uv || $(PYTHON) -m pip install --quiet 'uv>=0.13,<0.14'
	@$(COMPILE) --output-file requirements/runtime.txt
	@$(COMPILE) --group dev --output-file requirements/dev.txt

.PHONY: clean
clean: ## remove the environment and every cache; installations and their data stay
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

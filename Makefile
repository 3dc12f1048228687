# What a person types here: `make run`, `make test`. Set-up happens by itself, inside this folder, and again
# only after requirements/, pyproject.toml or package-lock.json changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
STAMPS := .venv/stamps
DATA ?= .usher
# A test waits as often as it computes: on two cores two workers take a fifth longer than three.
WORKERS ?= 3
# Unset, or every start of everything would compile every import again.
unexport PYTHONDONTWRITEBYTECODE
# Node 20 works; the CDK's banner about its age would drown the tests' own words.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 1

.PHONY: help run test test-long test-whole test-all matrix check setup clean
.DEFAULT_GOAL := help

help:  ## Show this
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: $(STAMPS)/run  ## Usher on this machine with its sample sign-ups; ONCE=1 exits with their outcome
	@exec $(BIN)/usher up --data $(DATA) --samples $(if $(PORT),--port $(PORT)) $(if $(filter-out 0,$(ONCE)),--once)

# The linters and types keep one core busy for half a minute: the tests need not wait for them.
test: setup  ## Linters, types and the core tests
	@$(MAKE) --no-print-directory check >.venv/check.log 2>&1 & checks=$$!; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not long and not whole" tests && passed=0 || passed=$$?; \
	wait $$checks && clean=0 || clean=$$?; \
	cat .venv/check.log; [ $$passed -eq 0 ] && [ $$clean -eq 0 ]

test-long: setup  ## Only the long tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m long tests || [ $$? -eq 5 ]  # 5: there are none

test-whole: setup  ## Only the rest of the matrix of faults, which takes half an hour
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m whole tests

test-all: test test-long test-whole  ## All of it

matrix: $(STAMPS)/dev  ## Every vendor call and step broken in every way, as tables; writes docs/rollback-matrix.md
	@$(BIN)/python -m tests.faults.matrix

check: $(STAMPS)/dev  ## Linters and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(STAMPS)/dev $(STAMPS)/node  ## Everything the tests need

clean:  ## Remove what was set up and cached; .usher/ stays
	rm -rf .venv node_modules cdk.out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs in seconds what takes pip a minute; where it cannot be had, pip does the same.
INSTALL = install() { if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install --quiet --python $(BIN)/python "$$@"; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$@"; fi; }; install

# Compiles what a start imports, so that the first start is as quick as the next.
WARM_UP = import infra.local.cli.serving as s, infra.local.stand_ins.serve as v; \
	from infra import catalog; from infra.local.functions import Functions; \
	from importlib import import_module; \
	[import_module("infra.local.stand_ins." + name) for name in v.NAMES]; Functions(catalog.FUNCTIONS).load()

$(STAMPS)/venv: requirements/bootstrap.txt
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; name one: make PYTHON=python3.13' >&2; exit 2; }
	@echo 'Setting up .venv ...'
	@rm -rf .venv && $(PYTHON) -m venv .venv && mkdir $(STAMPS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< || \
		echo 'uv could not be installed; going on with pip, which takes longer'
	@touch $@

$(STAMPS)/run $(STAMPS)/dev: $(STAMPS)/%: requirements/%.txt pyproject.toml $(STAMPS)/venv
	@echo 'Installing $< ...'
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-build-isolation --no-deps -e .
	@$(BIN)/python -c '$(WARM_UP)'
	@touch $@

$(STAMPS)/node: package-lock.json $(STAMPS)/venv
	@command -v npm >/dev/null || { echo 'Node 20 or newer with npm is needed for the tests' >&2; exit 2; }
	@echo 'Installing $< ...'
	@npm ci --silent --no-progress
	@touch $@

SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
# Lint, types and tests are our own affair: nothing of the user's environment may change what they say.
export PYTHONHASHSEED := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: help demo test check lint bench clean python system

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: python system ## the main job on real routers, in about a minute (root or sudo)
	@$(SUDO) env PATH="$$PATH" $(PY) -m tests.demo

test: lint system ## lint and every test that this machine can run
	@$(SUDO) env PATH="$$PATH" CI="$$CI" MAINTSCHED_REQUIRE_ALL="$$MAINTSCHED_REQUIRE_ALL" $(PY) -m pytest $(PYTEST)

check: lint ## lint and the tests that need no root, under a minute
	@$(PY) -m pytest -q -n 2 -m "not lab and not servers and not slow" $(PYTEST)

lint: python ## style, types, layers, sizes, unused dependencies
	@.venv/bin/ruff check --quiet
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache >.venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
	@.venv/bin/deptry --no-ansi maintsched 2>.venv/deptry.log || { cat .venv/deptry.log; exit 1; }
	@$(PY) -m tests.sizes

bench: python system ## ratios measured on this machine
	@$(SUDO) env PATH="$$PATH" $(PY) -m tests.bench

clean: ## take away what make made here; system packages stay
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@.ci/install python

system:
	@.ci/install system

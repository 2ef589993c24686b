# SPDX-License-Identifier: GPL-3.0-or-later
# Everything one types. `make run` on a fresh Debian machine with python3, pip and git does all of it.

# Any Python from 3.9 on can run the set-up; it finds or fetches CPython 3.11 and 3.10 itself.
PYTHON ?= python3
VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test lint lock clean distclean

help: ## What can be made
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: ## Environments, Debian packages, generated bank, trained dialogue: what is missing of them
	@$(PYTHON) -m tellerline.setup

run: setup ## Set up, then start everything in the foreground (Ctrl-C stops all of it)
	@exec $(VENV)/tellerline run

test: setup lint ## Set up, lint, and run the whole suite
	@$(VENV)/python -m pytest -q --junit-xml=var/test-results.xml

lint: ## Style, types, and the imports that may never be
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/lint-imports

UV = $(shell command -v uv || echo .venv-uv/bin/uv)
COMPILE = $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate

lock: ## Lock the dependencies of pyproject.toml anew, with hashes
	$(COMPILE) pyproject.toml --group dev --python-version 3.11 -o requirements/agent.txt
	$(COMPILE) pyproject.toml --group rasa --python-version 3.10 -o requirements/rasa.txt

clean: ## Remove caches and logs; keeps the journal, the bank and the environments
	@test ! -x $(VENV)/tellerline || $(VENV)/tellerline stop
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .rasa var/log
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean ## Remove everything that git does not hold: journal and bank too
	rm -rf .venv .venv-rasa .venv-uv var

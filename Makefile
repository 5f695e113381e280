# Every command installs what it needs. `make help` lists them.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run demo soak explore bench scale waiting test provider contract docs check format lighthouse screens lock clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

run: .venv/run ## shop, sandbox and worker, ready to buy something; Ctrl-C stops them
	@$(BIN)/python -m tools.run

demo: .venv/run ## every provider's good and bad endings, over real HTTP, a line each
	@$(BIN)/python -m tools.demo $(PROVIDER)

soak: .venv/dev ## many purchases, everything killed and failing, then an audit; SOAK_ARGS=--help
	@$(BIN)/python -m tools.soak $(SOAK_ARGS)

explore: .venv/dev ## killed at every step, met in every order; EXPLORE_ARGS=--help, or SCHEDULE='…'
	@sh scripts/install.sh postgresql
	@$(BIN)/python -m tools.explore $(if $(SCHEDULE),--schedule "$(SCHEDULE)") $(EXPLORE_ARGS)

bench: .venv/dev ## how fast, beside a bare Flask route; ROWS=webhook, BENCH_ARGS=--help
	@sh scripts/install.sh wrk postgresql
	@$(BIN)/python -m tools.bench --rows "$(ROWS)" $(BENCH_ARGS)

scale: .venv/dev ## two groups of shops and two workers on one PostgreSQL, killed in turn
	@sh scripts/install.sh postgresql redis
	@$(BIN)/python -m tools.bench.scale $(SCALE_ARGS)

waiting: .venv/dev ## how long others wait while a provider, a mail server or a client is slow
	@$(BIN)/python scripts/measure_waiting.py

quick: .venv/dev ## the shop's own tests on SQLite, in this process: under a minute
	@$(BIN)/python -m pytest --quick -n 3 $(PYTEST_ARGS)

test: .venv/dev ## every test, browser, PostgreSQL and Redis included
	@sh scripts/install.sh
	@$(BIN)/python -m pytest -n 3 $(PYTEST_ARGS)

provider: .venv/dev ## the folders of a new provider: make provider NAME=acme
	@$(BIN)/python -m tools.new_provider "$(NAME)"
	@$(BIN)/ruff format -q providers/$(NAME) sandbox/$(NAME) tests/providers/$(NAME)

contract: .venv/dev ## what a provider still lacks, in order: make contract PROVIDER=acme
	@sh scripts/install.sh
	@$(BIN)/python -m tools.contract "$(PROVIDER)" $(CONTRACT_ARGS)

docs: .venv/run ## fill in what the documents quote from the code
	@$(BIN)/python -m tools.docs

check: .venv/dev ## format, lint, types, templates, the shape of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/djlint --check --lint --quiet templates sandbox/templates
	$(BIN)/python -m pytest -q tests/test_shape.py

format: .venv/dev ## put code and templates into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djlint --reformat --quiet templates sandbox/templates

lighthouse: .venv/dev build/lighthouse/installed ## what Lighthouse says about the main pages on a phone
	@sh scripts/install.sh chromium
	@$(BIN)/python scripts/lighthouse.py

screens: .venv/dev ## a picture of every page in every state, into build/screens/
	@sh scripts/install.sh chromium
	@$(BIN)/python scripts/make_screens.py

lock: ## choose the newest versions and write them down with their hashes
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" requirements.in -o requirements.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt

clean: ## forget the installed packages, not the data in var/
	rm -rf .venv

build/lighthouse/installed: scripts/lighthouse/package-lock.json
	@command -v npm >/dev/null || { echo "Lighthouse needs Node 18.16 or newer, with npm." >&2; exit 1; }
	@echo "Installing Lighthouse (once) …"
	@mkdir -p build/lighthouse
	@cp scripts/lighthouse/package.json scripts/lighthouse/package-lock.json build/lighthouse
	@npm ci --prefix build/lighthouse --no-audit --no-fund --loglevel error
	@touch $@

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed. Say which: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "This Python has no venv. On Debian: apt-get install python3-venv" >&2; \
	    rm -rf .venv; exit 1; }
	@touch $@

.venv/run: .venv/python requirements.txt
	@echo "Installing what the shop needs (once, about ten seconds) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: .venv/run requirements-dev.txt
	@echo "Installing what the tests need (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# Everything lies in .venv; each step is done once, and again when what it stands on changes.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first of these that is there and new enough. Another one: make setup PYTHON=/path/to/python3
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$name && break; done)

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := $(PIP) install --require-hashes
SQL := sql/queries
MIGRATIONS := sql/migrations/*.sql

.PHONY: help setup demo up test test-deps check format bench pictures boards schema lock clean image-check image-test upgrade-check restore-check drain-check recover-check rolling-check alerts-check capacity sbom licences audit

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: .venv/.dev-done ## the virtual environment, with all that the product, the demo and the tests need

demo: .venv/.demo-done ## one of everything, from a due row to its mail, on servers of its own; prints what happened
	@$(BIN)/tocsin demo

up: .venv/.demo-done ## the same, kept running until Ctrl-C
	@$(BIN)/tocsin up

test: .venv/.dev-done ## every test, on servers of its own; WORKERS=1 runs them in one process
	$(BIN)/pytest -n $(or $(WORKERS),2) $(ARGS)

test-deps: ## the Debian packages that some tests use where they are there
	@sh .ci/test-deps

check: .venv/.dev-done ## format, lint, types, imports, SQL and dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --disable-progress-bar $(SQL)
	$(BIN)/squawk $(MIGRATIONS)
	$(BIN)/deptry .

format: .venv/.dev-done ## rewrite the code as `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.bench-done ## what the engine does a second, beside its peers, in one run
	$(BIN)/python -m bench $(ARGS)

pictures: .venv/.bench-done ## a picture of every page of the dashboard, into docs/img/pages; look at each
	@$(BIN)/python -m bench.page_gallery docs/img/pages

boards: .venv/.dev-done ## the Grafana dashboards of a Tocsin at work for ten minutes, into docs/img; look at each
	@$(BIN)/python -m bench.board_gallery docs/img $(ARGS)

image-check: .venv/.dev-done ## the image's own steps without an engine, and the product in what they make
	$(BIN)/pytest -m long tests/deploy/test_rootfs.py $(ARGS)

image-test: .venv/.dev-done ## every test in the image's file system, as nobody, on a read-only root
	@$(BIN)/python -m tests.deploy.suite -n $(or $(WORKERS),2) $(ARGS)

upgrade-check: .venv/.dev-done ## the previous release's processes on this one's schema, then both side by side, judged
	$(BIN)/pytest -m "long or not long" tests/sql/test_upgrade.py tests/races/test_upgrade.py $(ARGS)

restore-check: .venv/.dev-done ## an hour-old dump restored, both ways: what fires, what does not, nothing twice unasked
	$(BIN)/pytest -m "long or not long" tests/races/test_backup.py $(ARGS)

drain-check: .venv/.dev-done ## 200 SIGTERMs to a ticker and its workers, half of them doubled; ARGS="--count 20" for fewer
	$(BIN)/python -m proof.scenarios drain $(ARGS)

recover-check: .venv/.dev-done ## the rate of finished runs before and after each fault, some ten minutes
	$(BIN)/python -m proof.scenarios recover $(ARGS)

rolling-check: .venv/.dev-done ## a rollout under load with real processes: no call fails, no run is lost or doubled
	$(BIN)/pytest -m "long or not long" tests/races/test_rolling_update.py $(ARGS)

alerts-check: .venv/.dev-done ## each alert by its own fault under a real Prometheus, and how long it took; twelve minutes
	$(BIN)/pytest -s -m "long or not long" tests/deploy/test_alerts_in_time.py $(ARGS)

capacity: .venv/.demo-done ## what a load needs; ARGS="--schedules 10000000 --per-day 24"
	@$(BIN)/python -m bench.model $(ARGS)

sbom: .venv/.dev-done ## what an installed Tocsin holds, as CycloneDX, into build/
	@$(BIN)/python -m tests.deploy.sbom

licences: .venv/.dev-done ## gather the licences of what is locked into docs/licences.md
	@$(BIN)/python -m tests.deploy.licences

audit: .venv/.dev-done ## whether a weakness is known of what is locked; exit status 3 when nobody could be asked
	@$(BIN)/python -m tests.deploy.audit

schema: .venv/.dev-done ## dump what the migrations make into sql/schema.sql
	@$(BIN)/python -m tests.sql.schema_dump

lock: ## resolve the dependencies again and write requirements/*.txt
	@sh requirements/lock $(PYTHON)

clean: ## remove what make made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Tocsin needs Python 3.11 or newer; name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Tocsin needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}" if v < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "this Python lacks venv: install python3-venv" >&2; exit 1; }
	@echo "making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@touch $@

# The project itself is installed without isolation, with the locked setuptools, so that nothing unlocked is fetched.
.venv/.demo-done: .venv/.made pyproject.toml requirements/build.txt requirements/demo.txt requirements/demo-data.txt
	@echo "installing the locked packages"
	@$(LOCKED) -r requirements/build.txt -r requirements/demo.txt
	@$(LOCKED) --no-deps -r requirements/demo-data.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

.venv/.dev-done: .venv/.demo-done requirements/dev.txt requirements/tools.txt
	@echo "installing what tests and checks need"
	@$(LOCKED) -r requirements/dev.txt
	@$(LOCKED) --no-deps -r requirements/tools.txt
	@touch $@

.venv/.bench-done: .venv/.dev-done requirements/bench.txt .venv/.beat-done .venv/.node-done
	@echo "installing the peers to measure beside"
	@$(LOCKED) -r requirements/bench.txt
	@touch $@

# A peer whose needs contradict ours, in an environment of its own.
.venv/.beat-done: .venv/.made requirements/bench-beat.txt
	@rm -rf .venv/beat
	@$(PYTHON) -m venv .venv/beat
	@.venv/beat/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/bench-beat.txt
	@touch $@

# A peer of node's; without npm it is left out, and the figures say so.
.venv/.node-done: .venv/.made bench/peers/graphile/package.json bench/peers/graphile/package-lock.json
	@rm -rf .venv/node
	@mkdir .venv/node
	@cp bench/peers/graphile/package.json bench/peers/graphile/package-lock.json .venv/node/
	@if ! command -v npm >/dev/null; then echo "no npm here: graphile-worker is not measured"; touch $@; \
	elif npm ci --prefix .venv/node --ignore-scripts --no-audit --no-fund --silent; then touch $@; \
	else echo "npm could not install it: graphile-worker is not measured"; fi

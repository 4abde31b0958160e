# Holdfast: `make run` is all that a fresh machine needs. `make help` lists the rest.

# The first interpreter that is new enough; name another one with `make PYTHON=/path/to/python`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$p; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
# The locks name everything: nothing is left for pip to resolve (older ones stumble over extras there).
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
# The browser tests' plugin starts an event loop of its own, which breaks asyncio tests in the
# same run: it stays out of every invocation but theirs.
PYTEST := $(BIN)/python -m pytest -p no:playwright
# What SQLite and PostgreSQL could answer differently. Left out on the second is what has no database,
# what starts the whole product, which then runs on its embedded parts, what is decided before a row is
# read, and the pages whose statements are those of the core, whose own tests run on both.
WITHOUT_DATABASE := tests/rules tests/browser tests/sandbox tests/test_house.py \
	tests/kill/test_outages.py \
	$(addprefix tests/mail/test_,messages.py smtp.py smtp_address.py) \
	$(addprefix tests/jobs/test_,commands.py doctor.py killed.py log_secrets.py supervisor.py \
	unsafe_starts.py) \
	$(addprefix tests/simulation/test_,replay.py plants.py) \
	$(addprefix tests/web/test_,api_contract.py audit_words.py automation_page.py currencies.py \
	desk_closings.py desk_conflicts.py desk_movements.py desk_policies.py desk_reasons.py \
	desk_refunds.py desk_security.py failures.py hostile_names.py icalendar.py lesson_times.py \
	pause_times.py pay_page.py public.py public_limits.py routes_and_roles.py sandbox_deeds.py \
	sandbox_page.py short_holds.py spans.py student_link.py ticket_pauses.py tickets_api.py \
	webhook.py weight.py)

# Databases of tests live a second each and need no disk: in memory where there is room for them.
ROOMY := $(shell test "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }')" -gt 2000000 2>/dev/null && echo TMPDIR=/dev/shm)
# Both databases' tests are two halves, the pages and all else, that can run side by side.
ON_SQLITE = $(ROOMY) $(PYTEST) $(1) -m "not browser and not redis"
ON_POSTGRESQL = $(ROOMY) TEST_DATABASE=postgresql $(PYTEST) $(1) -m "not browser and not redis" \
	$(addprefix --ignore=,$(WITHOUT_DATABASE))
NOT_WEB := tests --ignore=tests/web

IN_BROWSER := $(BIN)/python -m pytest tests/browser
ON_REDIS := $(PYTEST) tests -m redis

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev system run test test-sqlite test-postgresql test-redis \
	test-browser pictures reconcile-large simulate kill bench-metrics bench-desk \
	lint format types check lock clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## set up if needed, then run everything on this machine
	@exec $(BIN)/python -m dashboard run

setup: $(VENV)/.run-stamp ## the packages and browser assets that a run needs
	@$(BIN)/python scripts/assets.py

setup-dev: $(VENV)/.dev-stamp ## the same for tests and checks
	@$(BIN)/python scripts/assets.py --dev

system: ## Chromium and redis-server for the tests, from Debian where possible
	@scripts/system.sh

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Holdfast needs Python 3.11 or newer: install it, or name it with 'make PYTHON=/path/to/python'." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) could not make a virtual environment: on Debian and Ubuntu, install python3-venv." >&2; exit 1; }

# The stamps are newer than their lock once it is installed; the dev lock holds the runtime's, too.
$(VENV)/.run-stamp: requirements.lock | $(BIN)/python
	@echo "Installing the packages"
	@$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.dev-stamp: requirements-dev.lock | $(BIN)/python
	@echo "Installing the packages for tests and checks"
	@$(PIP) -r requirements-dev.lock
	@touch $@ $(VENV)/.run-stamp

# All side by side: each waits for other processes a third of its time. What was said of the others
# is shown when the first report is complete, and each can fail the whole.
.NOTPARALLEL:
test: setup-dev system ## every test: SQLite, PostgreSQL, Redis, browser
	@mkdir -p var; rm -f var/test-*.log; \
	$(call ON_POSTGRESQL,$(NOT_WEB)) > var/test-postgresql.log 2>&1 & others=$$!; \
	$(call ON_POSTGRESQL,tests/web) > var/test-postgresql-web.log 2>&1 & others="$$others $$!"; \
	$(call ON_SQLITE,tests/web) > var/test-sqlite-web.log 2>&1 & others="$$others $$!"; \
	{ $(ON_REDIS) && $(IN_BROWSER); } > var/test-browser.log 2>&1 & others="$$others $$!"; \
	$(call ON_SQLITE,$(NOT_WEB)); failed=$$?; \
	for one in $$others; do wait $$one || failed=1; done; \
	cat var/test-*.log; exit $$failed

# An invocation that finds no test fails: a renamed folder must not pass for a green one.
test-sqlite: setup-dev system ## the tests on SQLite
	$(call ON_SQLITE,tests)

test-postgresql: setup-dev system ## the tests that see a database, on PostgreSQL
	$(call ON_POSTGRESQL,tests)

test-redis: setup-dev system ## the tests that need a redis-server
	$(ON_REDIS)

test-browser: setup-dev system ## the tests in a real Chromium
	$(IN_BROWSER)

reconcile-large: setup-dev ## the reconciliation over 10,000 clean payments instead of 1,000
	$(ROOMY) RECONCILE_PAYMENTS=10000 $(PYTEST) tests/payments/test_reconcile.py -k clean --durations=1

SEEDS ?= 0-10000
simulate: setup-dev ## play schedules through the money path: SEEDS=0-10000, or one seed with its story
	@$(ROOMY) $(BIN)/python -m tests.simulation $(SEEDS)

# Hours: each point of each movement dies so often, on both databases; nothing is cut short.
KILLS ?= 20
IN_FULL = $(ROOMY) KILLS=$(KILLS) $(PYTEST) tests/kill
kill: setup-dev system ## kill -9 at every commit and call KILLS=20 times, 1,440 orders, 1,000 races, whole outages
	@rm -f var/kill-*.jsonl; failed=0; \
	$(IN_FULL) -m "not redis" || failed=1; \
	TEST_DATABASE=postgresql $(IN_FULL) -m "not redis" || failed=1; \
	$(IN_FULL) -m redis || failed=1; \
	$(BIN)/python -m tests.kill.report; exit $$failed

BOOKINGS ?= 1000000
bench-metrics: setup-dev ## a year of metrics from the days and from the events (BOOKINGS=1000000)
	@for database in sqlite postgresql; do \
		$(ROOMY) $(BIN)/python -W ignore -m scripts.bench_metrics $$database $(BOOKINGS) || exit 1; done

bench-desk: BOOKINGS = 100000
bench-desk: setup-dev ## a look at the desk after 1,000 and after 100,000 bookings (BOOKINGS=100000)
	@$(BIN)/python -W ignore -m scripts.bench_desk $(BOOKINGS)

pictures: setup-dev system ## every page at 1280 and 390 px, light and dark, into var/pictures
	PICTURES=all $(IN_BROWSER) -k sideways

lint: setup-dev ## ruff, its format, and the arrows between modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

format: setup-dev ## let ruff put everything into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

types: setup-dev ## mypy, strict
	$(BIN)/mypy

check: lint types ## lint, types and the house rules
	$(PYTEST) tests/test_house.py

# Hashed and without addresses: any index with the same files will do.
UV_LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)

lock: setup-dev ## renew the locks (UPGRADE=--upgrade takes newer versions)
	$(UV_LOCK) pyproject.toml --extra dev -o requirements-dev.lock
	$(UV_LOCK) pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(UV_LOCK) --group node -o requirements-node.lock
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --silent

clean: ## remove what was installed and built; var/ with its data stays
	rm -rf $(VENV) node_modules static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

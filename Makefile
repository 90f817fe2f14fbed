# make tune    set up, build the demo database, tune it, show the summary, promote the winner
# make test    run every test          make test-quick   the quick ones only
# make test-tracking  those against a real MLflow server, in an environment of its own
# make torture every fault in full numbers: kills, power cuts, full disks, damage, hostile text
# make check   format, lint, types, docs        make bench    speed and quality, measured here
# make coverage  every test, and which lines none of them ran     make mutants  which changes no test notices

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DB ?= movies.db
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help tune test test-quick test-tracking torture check coverage format bench mutants clean

help:
	@sed -n 's/^# //p' Makefile

$(VENV)/main: requirements.txt pyproject.toml
	@echo "== setting up $(VENV) with what the main job needs (about half a minute, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -r requirements.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/dev: $(VENV)/main requirements-dev.txt requirements-serve.txt
	@echo "== adding what tests and checks need"
	@$(PIP) install -r requirements-dev.txt
	@touch $@

$(VENV)/test: $(VENV)/dev requirements-test.txt requirements-optuna.txt requirements-models.txt requirements-tabular.txt
	@echo "== adding what the other tests need: Optuna, torch, XGBoost (about a gigabyte)"
	@$(PIP) install -r requirements-test.txt
	@which chromium >/dev/null || test "$$(id -u)" != 0 || ! which apt-get >/dev/null || (apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium) >/dev/null || true
	@touch $@

$(VENV)/mutants: $(VENV)/dev requirements-mutants.txt
	@$(PIP) install -r requirements-mutants.txt
	@touch $@

$(DB): | $(VENV)/main
	@echo "== building the demo world in $(DB)"
	@$(BIN)/reeltune import demo --db $(DB)

tune: $(VENV)/main $(DB)
	@echo "== trying 20 configurations by Bayesian search; the best is promoted if the gate lets it"
	@$(BIN)/python tune_orchestrator.py --db $(DB) --method bayesian --configs 20 --jobs $(JOBS) --promote

test: $(VENV)/test
	@echo "== running every test"
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

$(VENV)-tracking/done: requirements-tracking-test.txt
	@echo "== setting up $(VENV)-tracking with MLflow, for the tests against a real server (minutes, once)"
	@test -x $(VENV)-tracking/bin/python || $(PYTHON) -m venv $(VENV)-tracking
	@$(VENV)-tracking/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-tracking-test.txt
	@touch $@

test-tracking: $(VENV)/test $(VENV)-tracking/done
	@REELTUNE_MLFLOW=$(VENV)-tracking/bin/mlflow $(BIN)/python -m pytest tests/commands/test_tracking_mlflow.py

coverage: $(VENV)/test
	@echo "== running every test, and counting the lines that run, in processes of their own too"
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n $(JOBS) --dist worksteal
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@$(BIN)/coverage json --quiet
	@$(BIN)/python -m tests.covered coverage.json

test-quick: $(VENV)/dev
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow"

torture: $(VENV)/test
	@echo "== trying every fault in full numbers (two hours or more); figures go to torture.jsonl, and"
	@echo "== what has passed is not run again with the same code: stop and go on as you like"
	@REELTUNE_TORTURE=1 REELTUNE_FIGURES=torture.jsonl $(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/torture
	@$(BIN)/python -m tests.torture.report torture.jsonl
	@echo "== a million hostile requests to the service, and 100,000 while versions change (an hour)"
	@REELTUNE_TORTURE=1 $(BIN)/python -m pytest tests/serving -k "hostile or mixes or made_up or survives"

mutants: $(VENV)/mutants
	@echo "== changing the pure rooms' code in small ways; a change that no test notices survives (an hour or more;"
	@echo "== MUTANTS='evaluation.power*' takes a module alone, \`$(BIN)/mutmut show NAME\` shows a change; it goes on where it"
	@echo "== was stopped: after new tests, remove mutants/ first)"
	@$(BIN)/mutmut run --max-children $(JOBS) $(MUTANTS)
	@$(BIN)/mutmut results

check: $(VENV)/test  # types are checked with every library that is imported
	@echo "== format, lint, types, docs"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/python -m reeltune.reports.hyperparameter_page --check docs/HYPERPARAMETERS.md
	@$(BIN)/python -m reeltune.reports.schema_page --check db/schema.sql
	@$(BIN)/python -m reeltune.commands.settings_page --check docs/SETTINGS.md

$(VENV)/bench: $(VENV)/main requirements-bench.txt requirements-tabular.txt
	@$(PIP) install -r requirements-bench.txt
	@touch $@

bench: $(VENV)/bench $(DB)
	@echo "== what the engine, other libraries and the ways of proposing reach on this machine (minutes)"
	@$(BIN)/python -m benchmarks.engine --db $(DB)
	@$(BIN)/python -m benchmarks.limits --db $(DB)
	@$(BIN)/python -m benchmarks.racing --db $(DB)
	@$(BIN)/python -m benchmarks.tuner
	@$(BIN)/python -m benchmarks.loading --db $(DB)
	@$(BIN)/python -m benchmarks.serving --db $(DB)
	@$(BIN)/python -m benchmarks.recommending --db $(DB)
	@$(BIN)/python -m benchmarks.importing
	@$(BIN)/python -m benchmarks.tabular --tables breast_cancer,diabetes,cars
	@$(BIN)/python -m benchmarks.libraries --db $(DB)
	@$(BIN)/python -m benchmarks.search --quick --db $(DB)
	@$(BIN)/python -m benchmarks.surrogate --db $(DB)
	@$(BIN)/python -m benchmarks.importance
	@$(BIN)/python -m benchmarks.replay --db $(DB) --nights 7
	@$(BIN)/python -m benchmarks.alarms --db $(DB) --seeds 2

format: $(VENV)/dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants .coverage .coverage.* coverage.json

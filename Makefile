# Two commands are enough on a fresh machine: `make demo` and `make test`.
# Needed beforehand: python 3.11 or newer with venv and pip, make.

SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFORMANCE := $(VENV)/conformance
CONSTRAINTS := constraints/cpu.txt
DEMO_DATA := .demo-data

# One line a package shows that the set-up moves; everything else pip says is noise or an error.
PIP = $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off \
	--constraint $(CONSTRAINTS)
SHOW = 2>&1 | grep --line-buffered -E '^(Collecting|Installing|Successfully|ERROR)|[Ee]rror' \
	| cut -c1-100

.PHONY: demo serve servers test test-full check bench bench-serving clean help

help:
	@echo 'make demo       set up, ask three questions, verify the log, replay a decision'
	@echo 'make serve      set up and leave the service running'
	@echo 'make test       the tests (at most 15 minutes on two cores, no server needed)'
	@echo 'make test-full  the tests plus real servers and the long suites'
	@echo 'make check      lint, types, import contracts'
	@echo 'make bench-serving   the bars of serving, each with what was measured'
	@echo 'make bench      speed and memory; results go to benchmarks/results'

$(VENV)/runtime.stamp: pyproject.toml $(CONSTRAINTS)
	@echo 'Setting up (1/2): virtual environment, then the service and its packages.'
	@echo 'The first time this takes two to four minutes.'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[demo]' $(SHOW)
	@touch $@

$(VENV)/test.stamp: $(VENV)/runtime.stamp
	@echo 'Setting up (2/2): packages of the tests.'
	@$(PIP) --editable '.[demo,test]' $(SHOW)
	@touch $@

demo: $(VENV)/runtime.stamp
	$(BIN)/python -m finsvc.demo --data-dir $(DEMO_DATA)

serve: $(VENV)/runtime.stamp
	$(BIN)/finsvc serve

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m 'not slow and not gpu' --cov --cov-report=json:.coverage.json \
		--cov-report=term:skip-covered --durations=10
	$(BIN)/python -m tests.house.coverage_bars .coverage.json

# Suites that others wrote; some need other versions than the service, so they live beside it.
$(VENV)/conformance.stamp: $(VENV)/test.stamp constraints/conformance.txt
	@echo 'Setting up: suites of others for the conformance tests.'
	@$(PYTHON) -m venv $(CONFORMANCE)
	@$(CONFORMANCE)/bin/python -m pip install --disable-pip-version-check --progress-bar off \
		--requirement constraints/conformance.txt $(SHOW)
	@touch $@

# Real servers that the long tests start for themselves; without root they must be there already.
servers:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
		echo 'Setting up: PostgreSQL.'; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql >/dev/null; }

test-full: $(VENV)/test.stamp $(VENV)/conformance.stamp servers
	$(BIN)/python -m pytest -m 'not gpu' --durations=25

check: $(VENV)/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks.run

# Seven minutes on a machine that does nothing else; the soak of 30 minutes at 80 % load comes extra:
# python -m benchmarks.serving.scheduler_load --soak 30
bench-serving: $(VENV)/test.stamp
	@status=0; \
	$(BIN)/python -m benchmarks.serving.grammar_cost || status=1; \
	$(BIN)/python -m benchmarks.serving.scheduler_load || status=1; exit $$status

clean:
	rm -rf $(VENV) $(DEMO_DATA) build *.egg-info .coverage .coverage.json

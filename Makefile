# Every target sets up what it needs: a machine with Python 3.11 (or newer) and make is enough.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SEEDS ?= 20
FUZZ_SECONDS ?= 600
WORKERS ?= 2
PYTEST_ARGS ?=

# The first interpreter that answers and is new enough; PYTHON=... overrides the search.
PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13 python3.14; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo "$$name"; break; }; done)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "$(PYTHON) -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

.PHONY: setup
setup: $(STAMP) ## Create .venv and install everything into it

.PHONY: demo
demo: $(STAMP) ## Play a purchase from deposit to withdrawal and a dispute, step by step
	$(BIN)/offerhub demo

.PHONY: run
run: $(STAMP) ## Run the orchestrator with its embedded servers and the sandbox
	$(BIN)/offerhub run

.PHONY: test
test: $(STAMP) ## Run the test suite, on WORKERS=n processes
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

.PHONY: check
check: $(STAMP) ## Check lint, types, import rules, generated documents, references and the contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/client_code.py --check
	$(BIN)/python docs/references.py
	$(BIN)/python docs/contract.py

.PHONY: docs
docs: $(STAMP) ## Regenerate the generated documents
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/client_code.py

.PHONY: format
format: $(STAMP) ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: kill
kill: $(STAMP) ## Kill the orchestrator at every failpoint of a purchase, and an export at its steps
	$(BIN)/python -m pytest -m kill -n $(WORKERS) tests/end_to_end tests/storage $(PYTEST_ARGS)

.PHONY: fuzz
fuzz: $(STAMP) ## Fuzz a running orchestrator for FUZZ_SECONDS=n after its own OpenAPI document
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m pytest -m fuzz --timeout 0 tests/end_to_end/test_fuzz.py $(PYTEST_ARGS)

.PHONY: simulate
simulate: $(STAMP) ## Run SEEDS=n simulations under faults
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --workers $(WORKERS)

.PHONY: mutants
mutants: $(STAMP) ## Plant every kept fault in a copy: a test must catch each
	$(BIN)/python -m tests.mutants --workers $(WORKERS)

.PHONY: bench
bench: $(STAMP) ## Measure rates and latencies side by side
	$(BIN)/python -m tests.bench

.PHONY: clean
clean: ## Remove .venv and the tools' caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

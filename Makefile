# Each target makes the virtual environment that it needs; nothing has to be installed by hand but Python.
PYTHON ?= python3.11
VENV := .venv
AUDIT := .audit
BIN := $(VENV)/bin
PORT ?= 6632
DB ?=
DIALECT ?= embedded
QUEEN_URL ?=
EXAMPLES ?= 100
OLD ?= HEAD
SECONDS ?= 300
SEED ?= 1
ENGINE ?=

.PHONY: help demo test test-all unit generate check-generated diff lint types docs docs-serve contract broker soak bench scale audit build clean

help:  ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed  ## move real messages through the client and an embedded broker
	$(BIN)/python examples/quickstart.py

test: lint types check-generated unit  ## everything that must pass

unit: $(VENV)/installed  ## the tests alone
	$(BIN)/python -m pytest

test-all: $(VENV)/installed  ## the unit tests on every supported Python that is installed
	$(BIN)/python tests/every_python.py

generate: $(VENV)/installed  ## write generated/: queen_api from openapi/queen.yaml, queen_sync from queen/
	$(BIN)/python -m generator generate

check-generated: $(VENV)/installed  ## fail if generated/ is not what the spec and the async client say
	$(BIN)/python -m generator check

diff: $(VENV)/installed  ## what changed in the spec since a commit (OLD), and whom that breaks
	@git show $(OLD):openapi/queen.yaml | $(BIN)/python -m generator diff /dev/stdin openapi/queen.yaml

lint: $(VENV)/installed  ## style and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/installed  ## mypy --strict and pyright
	$(BIN)/mypy
	$(BIN)/pyright

docs: $(VENV)/installed  ## build the documentation into site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "the site is in site/; make docs-serve shows it on http://127.0.0.1:8000"

docs-serve: $(VENV)/installed  ## the documentation on http://127.0.0.1:8000, built anew at each change
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

contract: $(VENV)/installed  ## hold the server to the spec; QUEEN_URL=http://... for a live one, with recordings and behaviour
	QUEEN_CONTRACT_EXAMPLES=$(EXAMPLES) QUEEN_URL=$(QUEEN_URL) $(BIN)/python -m pytest tests/contract $(if $(QUEEN_URL),tests/unit/client --server $(QUEEN_URL))

broker: $(VENV)/installed  ## serve the embedded broker (PORT, DB, DIALECT)
	$(BIN)/python -m queen.broker --port $(PORT) --dialect $(DIALECT) $(if $(DB),--db $(DB))

soak: $(VENV)/installed  ## every kind of fault for SECONDS, drawn from SEED (DIALECT, ENGINE); prints the ledger, fails when something is lost
	$(BIN)/python -m tests.faults.soak --seconds $(SECONDS) --seed $(SEED) --dialect $(DIALECT) $(if $(ENGINE),--engine $(ENGINE))

$(VENV)/bench: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

bench: $(VENV)/bench  ## measure this client and its peers side by side; writes benchmarks/results.md
	$(BIN)/python -m benchmarks

scale: $(VENV)/bench  ## measure the client with many buffers, partitions and consumers; writes benchmarks/scale.md
	$(BIN)/python -m benchmarks.scale

$(AUDIT)/installed: pyproject.toml
	$(PYTHON) -m venv $(AUDIT)/runtime
	$(PYTHON) -m venv $(AUDIT)/tool
	$(AUDIT)/runtime/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[broker,speed]'
	$(AUDIT)/tool/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	@touch $@

# What is installed at run time, and nothing of what develops it. Strict, since a package that the vulnerability service
# does not know would otherwise count as one without vulnerabilities.
audit: $(AUDIT)/installed  ## known vulnerabilities of what is installed with the library; asks pypi.org
	$(AUDIT)/runtime/bin/python -m pip freeze --disable-pip-version-check --exclude-editable > $(AUDIT)/runtime.txt
	$(AUDIT)/tool/bin/pip-audit --strict --no-deps --disable-pip --requirement $(AUDIT)/runtime.txt

build: $(VENV)/installed  ## the wheel
	$(BIN)/python -m hatchling build --target wheel

clean:  ## remove what the other targets made
	rm -rf $(VENV) .venvs $(AUDIT) .bench site dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# Product Issue Miner. `make` lists the targets; everything happens in .venv, nothing outside the checkout is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --progress-bar off
OLD := Python 3.11 or newer is needed: name one with `make PYTHON=python3.12 ...`

.DEFAULT_GOAL := help
.PHONY: help install demo up test check format bench soak build clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

install: $(VENV)/.runtime  ## make .venv with the miner command in it

demo: $(VENV)/.runtime  ## run everything on 1,076 real user reports (EXIT=1: stop after the pipeline)
	@exec $(BIN)/miner demo $(if $(EXIT),--exit)

up: $(VENV)/.runtime  ## run everything on this machine
	@exec $(BIN)/miner up

test: $(VENV)/.dev  ## the tests, on real Postgres
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(VENV)/.dev  ## lint, format, types and known insecure patterns
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive miner actors dashboard migrations

format: $(VENV)/.dev  ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## print the measurements of tests/benchmarks
	$(BIN)/python -m pytest -s -m benchmark tests/benchmarks/bench_*.py

soak: $(VENV)/.dev  ## the exhaustive forms of the tests; takes long
	$(BIN)/python -m pytest -m soak

build: $(VENV)/.dev  ## the wheel and the source archive, into dist/
	$(BIN)/python -m build --no-isolation

clean:  ## remove what was built, not the data
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo '$(OLD)' >&2; exit 4; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt requirements-build.txt pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements.txt -r requirements-build.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

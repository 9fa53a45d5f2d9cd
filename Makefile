# Two commands do everything from an empty clone: `make demo` and `make test`.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORPUS ?= ../shared/corpus

.PHONY: demo test lint types tests system lock clean pictures man calibrate fuzz

# A stamp for each lock file, so that a changed lock installs anew and an unchanged one costs nothing.
$(VENV)/.run: requirements.lock pyproject.toml
	@echo "Installing into $(VENV); the first time takes a minute or two."
	@sh tools/venv.sh "$(PYTHON)" "$(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml $(VENV)/.run
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# SERVE=0 stops before serving.
demo: $(VENV)/.run
	@$(BIN)/dmarcwatch demo $(if $(filter 0,$(SERVE)),--no-serve)

system:
	@sh tools/system.sh

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .

types: $(VENV)/.dev
	@$(BIN)/mypy

# The samples are read where they lie; without them the tests that need them are not collected.
tests: $(VENV)/.dev system
	@DMARCWATCH_CORPUS="$$( [ -d "$(CORPUS)" ] && cd "$(CORPUS)" && pwd )" $(BIN)/python -m pytest -q $(PYTEST)

test: lint types tests

# The README's pictures, from the demo's days.
pictures: $(VENV)/.dev
	@$(BIN)/python tools/pictures.py

lock: $(VENV)/.dev
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header -q -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock

man: $(VENV)/.run
	@$(BIN)/python tools/man.py build/man

calibrate: $(VENV)/.dev
	@$(BIN)/python -m bench.calibrate --worlds 2000 --days 120 --seed 1

# Each target for so many minutes, two at a time, at the lowest priority.
MINUTES ?= 10
fuzz: $(VENV)/.dev
	@nice -n 19 $(BIN)/python -m fuzz.run --minutes $(MINUTES)

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

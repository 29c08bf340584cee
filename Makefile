# `make` alone lists what there is. Everything runs in .venv, which is made here and kept up to date with pyproject.toml.

VENV ?= .venv
BIN := $(VENV)/bin
TESTS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help demo notebook test tests soak prove lint types format bench docs docs-diagrams clean

help: ## what you can do here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.has-embedded ## load, change, refuse and heal 100 000 generated entities
	@$(BIN)/incrsim demo

# JupyterLab does not start as root unless it is told that this is meant. The address that it prints leads to the first
# notebook: it is all that somebody has whose browser is on another machine.
notebook: $(VENV)/.has-lab ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --ServerApp.root_dir=notebooks \
		--LabApp.default_url=/lab/tree/01_first_provider.ipynb

test: lint types tests ## lint, types and all tests

lint: $(VENV)/.has-dev ## style, and what usually is a mistake
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . && echo "lint: fine" \
	|| { echo "lint: 'make format' mends what can be mended without thinking"; exit 1; }

types: $(VENV)/.has-dev ## strict types
	@$(BIN)/mypy

# Tests that wait for a database, a browser or a mutant leave a core idle, hence three workers for two cores; `worksteal`
# keeps all of them busy to the end.
tests: $(VENV)/.has-dev ## all tests, or some: make tests TESTS=tests/unit
	@$(BIN)/pytest -n 3 --dist worksteal $(TESTS)

format: $(VENV)/.has-dev ## mend the style, and clear what notebooks show
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .
	@$(BIN)/jupyter nbconvert --log-level=ERROR --clear-output --inplace notebooks/*.ipynb

soak: $(VENV)/.has-dev ## a minute of workers that are killed all the time
	@$(BIN)/python -m tests.soak

# What was run is kept under build/: after an interruption it goes on where it was.
PROVE := incrsim simulate --faults hostile --replicas 2
prove: $(VENV)/.has-dev ## a long campaign: 10 000 scenarios in memory, 300 on Postgres; and all mutants
	@$(BIN)/$(PROVE) --seeds 10000 --results build/prove-memory.jsonl
	@$(BIN)/$(PROVE) --seeds 300 --database embedded --results build/prove-postgres.jsonl
	@$(BIN)/incrsim mutants

bench: $(VENV)/.has-dev ## how fast, and how much memory
	@$(BIN)/python benchmarks/bench_ingestion.py
	@$(BIN)/python benchmarks/bench_memory.py
	@$(BIN)/python benchmarks/bench_takeover.py

docs: $(VENV)/.has-dev ## run the notebooks, and keep what they show as pages and pictures
	@$(BIN)/python -m docs.draw_notebooks
	@$(BIN)/python -m docs.render_notebooks

docs-diagrams: $(VENV)/.has-dev ## draw the pictures in docs/ anew, from the transition table
	@$(BIN)/python docs/draw_states.py

clean: ## remove .venv and what tools left behind
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One stamp per set of extras: installed again when pyproject.toml is newer.
$(VENV)/.has-%: pyproject.toml | $(BIN)/python
	@echo "installing incrsim[$*] into $(VENV) ..."
	@if command -v uv >/dev/null; \
	then uv pip install --quiet --python $(BIN)/python --editable '.[$*]'; \
	else $(BIN)/python -m pip install --quiet --editable '.[$*]'; \
	fi
	@touch $@

# uv brings its own Python when the machine has none. Debian and its kin ship Python without what makes a virtual
# environment, and a failed attempt leaves half of one behind: so ask before.
$(BIN)/python:
	@python='$(PYTHON)'; \
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	    [ -z "$$python" ] || break; \
	    "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python="$$candidate"; \
	done; \
	if command -v uv >/dev/null; then \
	    echo "making $(VENV) with uv ..."; \
	    uv venv --quiet --clear --seed --python "$${python:->=3.11}" $(VENV); \
	elif [ -z "$$python" ]; then \
	    echo "incrsim needs Python 3.11 or newer; on the PATH is $$(python3 --version 2>/dev/null || echo none)." >&2; \
	    echo "Install one (apt install python3, dnf install python3.12, brew install python) or uv (https://docs.astral.sh/uv)," >&2; \
	    echo "or name one: make PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	elif ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    echo "$$python ($$version) comes without the modules 'venv' and 'ensurepip', which make $(VENV). Install them:" >&2; \
	    echo "  Debian, Ubuntu: apt install python$$version-venv    Fedora: dnf install python3    Alpine: apk add python3" >&2; \
	    echo "or install uv (https://docs.astral.sh/uv), or name another Python: make PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	else \
	    echo "making $(VENV) with $$python ..."; \
	    "$$python" -m venv --clear $(VENV); \
	fi

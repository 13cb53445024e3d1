# `make demo` and `make test` need nothing but Python 3.11+; they set up .venv on the first call.
PYTHON ?= python3
VENV := .venv
LLAMA := .venv-llama
BIN := $(VENV)/bin
DEMO := demo-out
# Set when a hashed install is wanted: every version and file is then the locked one.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo demo-production demo-router test lint types bench lock clean
help:  ## Show the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/core.stamp: pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/dev.stamp: pyproject.toml requirements-dev.lock $(VENV)/core.stamp
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	ldconfig -p | grep -q libmagic.so || { apt-get update -qq && apt-get install -y -qq libmagic1 > /dev/null; }
	touch $@

# llama.cpp's server, which some tests run against: compiled once, for any processor, in an environment of its own.
$(LLAMA)/.stamp: requirements-llama.lock
	command -v c++ > /dev/null || { apt-get update -qq && apt-get install -y -qq g++ > /dev/null; }
	test -x $(LLAMA)/bin/python || $(PYTHON) -m venv $(LLAMA)
	CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF" $(LLAMA)/bin/python -m pip install --quiet --require-hashes -r requirements-llama.lock
	touch $@

# Servers and parsers that some tests run against.
node_modules/.stamp: package-lock.json
	npm ci --no-audit --no-fund --silent
	touch $@

demo: $(VENV)/core.stamp  ## Generate telemetry, export it in test mode, verify it.
	rm -rf $(DEMO)
	$(BIN)/turnsmith synth --conversations 2000 --out $(DEMO)/events.jsonl
	$(BIN)/turnsmith export --events $(DEMO)/events.jsonl --out $(DEMO)/sets --as-of 2026-01-16T00:00:00Z --mode test
	$(BIN)/turnsmith verify $(DEMO)/sets/*/
	@echo "The data set lies in $$(ls -d $(DEMO)/sets/*/)"

demo-production: $(VENV)/dev.stamp node_modules/.stamp  ## Rehearse the production run: Kusto in, Azure Blob out, on loopback.
	$(BIN)/python benchmarks/demo_production.py

demo-router: $(VENV)/dev.stamp $(LLAMA)/.stamp  ## Make router training files, by rules and by a small local model.
	$(BIN)/python benchmarks/demo_router.py

test: $(VENV)/dev.stamp node_modules/.stamp $(LLAMA)/.stamp  ## Run all tests.
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/dev.stamp  ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp  ## Check types.
	$(BIN)/mypy

bench: $(VENV)/dev.stamp  ## Run the export benchmark and print its table.
	$(BIN)/python benchmarks/export.py

lock: $(VENV)/dev.stamp  ## Write the lock files anew from pyproject.toml.
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras \
		--no-header --allow-unsafe --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras \
		--no-header --allow-unsafe --extra azure --extra code --extra judge --extra kusto --extra scancode --extra semantic --extra tokens --extra dev --output-file requirements-dev.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras \
		--no-header --allow-unsafe --output-file requirements-llama.lock requirements-llama.in

clean:  ## Remove what the targets made.
	rm -rf $(VENV) $(LLAMA) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Every target sets up .venv by itself; uv resolves both frameworks together in seconds, which pip 23 cannot.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# nltk, which llama-index-core uses, refuses to read hard-linked files, and uv links by default
export UV_LINK_MODE := copy
# the tests start many processes: what is compiled is kept, also where the environment turns that off, inside .venv
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/bytecode

.DEFAULT_GOAL := help
.PHONY: help demo quick test slow faults load check audit mutants same-bytes record bench docs clean

help:  ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

$(VENV)/bin/uv:
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.examples: pyproject.toml | $(VENV)/bin/uv
	@echo "Installing this package with LangChain and LlamaIndex into $(VENV); the first time takes about a minute …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[all]' --group demo
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[all]' --group dev
	@touch $@ $(VENV)/.examples

demo: $(VENV)/.examples  ## an agent whose reasoning is passed back, RAG with sources, a cut stream, and the cost
	@$(BIN)/python examples/demo.py

# The three lanes of tests; docs/testing.md describes them.
ROOMS := catalog integration observe protocols providers recovery request tokens values
QUICK := $(ROOMS:%=tests/unit/%) tests/unit/test_*.py tests/same_bytes

quick: $(VENV)/.dev  ## the tests without servers, under 40 seconds
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not slow and not hypothesis" --no-servers --disable-socket --allow-unix-socket $(QUICK)

test: $(VENV)/.dev  ## all tests but the long forms; no network, no key; three processes, because many tests wait
	$(BIN)/python -m pytest -n 3 --dist worksteal -q -m "not slow"

slow: $(VENV)/.dev  ## the long forms and the mutants; MINUTES=15 ends them then
	PYTHON=$(BIN)/python .ci/slow $(MINUTES)

mutants: $(VENV)/.dev  ## break 200 single lines and count how many the tests notice
	$(BIN)/python -m tests.mutants

faults: $(VENV)/.dev  ## a server that fails everywhere, in every way to call; WRITE=1 writes the table in the docs
	$(BIN)/python -m tests.faults $(if $(WRITE),--write)

load: $(VENV)/.dev  ## 1,000 streams at a time, 200 threads, 20,000 calls, storms of cancelled calls, forks
	$(BIN)/python -m tests.load $(if $(PICTURE),--picture $(PICTURE))

same-bytes: $(VENV)/.dev  ## show which requests and replies changed; ACCEPT=1 WHY="…" keeps them
	$(BIN)/python -m tests.same_bytes $(if $(ACCEPT),--accept --why "$(WHY)")

check: $(VENV)/.dev  ## ruff, mypy strict, the walls between the packages, pyright over the code of the docs, pip-audit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.typing
	$(BIN)/python .ci/audit

audit: $(VENV)/.dev  ## look for known vulnerabilities in the versions of uv.lock; an error without PyPI's advisories
	$(BIN)/python .ci/audit --required

record: $(VENV)/.dev  ## record the cassettes anew: live where a provider's key is set, else from the local server
	$(BIN)/python -m tests.replay.record

bench: $(VENV)/bin/uv  ## measure side by side with other integrations; writes docs/performance.md
	@test -d .venv-bench || $(BIN)/uv venv --quiet --python $(BIN)/python .venv-bench
	@$(BIN)/uv pip install --quiet --python .venv-bench/bin/python --editable '.[langchain,llama-index]' --group bench
	.venv-bench/bin/python -m benchmarks.run

docs: $(VENV)/.dev  ## build the site into .site/; a broken link is an error
	$(BIN)/zensical build --strict

clean:  ## remove what the targets made
	rm -rf $(VENV) .venv-bench .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .site .cache

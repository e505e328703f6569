# `make demo` and `make test` do everything on a fresh machine; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo test check format graphs bench conformance parity node-tools constraints clean

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## */\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)   ## a small dryland world: search to map, result against truth
	$(BIN)/drylands demo

test: $(STAMP)   ## every test
	$(BIN)/python -m pytest

check: $(STAMP)  ## ruff, mypy strict, import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases --config-file pyproject.toml $(filter-out udf/__init__.py,$(wildcard udf/*.py))
	$(BIN)/lint-imports

format: $(STAMP) ## ruff, in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

node-tools:      ## the official graph validator and the Web Editor's client, under .node (needs node and npm)
	mkdir -p .node
	npm install --prefix .node --no-package-lock --no-save --no-audit --no-fund --loglevel=error \
	    @openeo/js-processgraphs@1.4.2 @openeo/js-client@2.12.0

graphs: $(STAMP) ## process_graphs/ from the products
	$(BIN)/python -m drylands_openeo.catalogue process_graphs

conformance: $(STAMP) ## official openEO process cases: passed/total
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.conformance

parity: $(STAMP) ## every product on engine, HTTP and independent code: docs/parity.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]' 'titiler-openeo==0.19.0'
	$(BIN)/python -m benchmarks.parity

bench: $(STAMP)  ## ours beside each peer, as ratios
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks

constraints:     ## pins of a fresh resolution, no index named
	rm -rf .venv-pins && $(PYTHON) -m venv .venv-pins
	.venv-pins/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,bench]'
	.venv-pins/bin/python -m pip freeze --exclude-editable | grep -v ' @ ' > constraints.txt
	rm -rf .venv-pins

clean:           ## what was built
	rm -rf .venv .node build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis drylands-demo

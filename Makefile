# Needs Python >= 3.10 with venv, git and make; everything else goes into .venv.
PYTHON ?= python3
ARGS ?=

BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | awk '{ n = $$1; $$1 = ""; printf "  make %-12s%s\n", n, $$0 }'

serve: .venv/.serve ## start the fake; ARGS="--port 0" and the like go to fakeviam serve
	@exec $(BIN)/fakeviam serve $(ARGS)

check: lint types imports test ## before a commit: lint, types, import rules, tests

test: .venv/.dev ## the tests for every change, in about four minutes; ARGS="tests/unit -k tags" runs some
	$(BIN)/python -m pytest -q -n 2 -m "not slow" $(ARGS)

test-all: .venv/.dev ## all tests: also releases of viam-sdk, docs pages, wheels, whole suites
	$(BIN)/python -m pytest -q -n 2 $(ARGS)

lint: .venv/.dev ## check style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

coverage: .venv/.dev ## run the tests of `make test` and show which lines they miss; fails below the floor
	$(BIN)/python -m pytest -q -n 2 -m "not slow" --cov --cov-report=term:skip-covered --cov-report=html $(ARGS)

types: .venv/.dev ## check types, as mypy and as editors do
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

imports: .venv/.dev ## check who imports whom
	$(BIN)/lint-imports

format: .venv/.dev ## put the code into shape
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

demo: .venv/.demo ## a tour with the official SDK, photographs and sensor series
	$(BIN)/python examples/demo.py

protos: .venv/.dev ## compile fakeviam/wire/protos
	$(BIN)/python scripts/compile_protos.py

clauses: .venv/.dev ## write the tables of clauses: what proves them
	$(BIN)/python scripts/clause_table.py
	$(BIN)/python -m fakeviam_contracts.catalogue page
	$(BIN)/python scripts/rpc_table.py

client-report: .venv/.dev ## write docs/client-report.md: what viam-sdk and our client do
	$(BIN)/python -m scripts.client_report $(ARGS)

test-matrix: .venv/.dev ## unit tests on every Python here with every supported protobuf
	$(BIN)/python scripts/test_matrix.py $(ARGS)

interop-ts: .venv/.dev ## Viam's TypeScript SDK in Node and Chromium against the fake; installs it from npm
	$(BIN)/python -m pytest -q tests/interop/test_typescript.py $(ARGS)

interop-go: .venv/.dev ## grpc-go, connect-go, grpcurl and grpc-health-probe against the fake; builds them with Go
	$(BIN)/python -m pytest -q tests/interop/test_go.py tests/interop/test_viam_cli.py $(ARGS)

query-oracles: .venv/.dev ## random pipelines, against SecantusDB and mongoeco
	$(BIN)/python scripts/query_oracles.py $(ARGS)

test-ui: .venv/.dev ## the page in headless Chromium, by packages of npm; PICTURES=DIR keeps screenshots
	FAKEVIAM_PAGE_PICTURES="$(PICTURES)" $(BIN)/python -m pytest -q tests/interop/test_page.py $(ARGS)

test-mongo: .venv/.dev ## tests of databases against FAKEVIAM_MONGO_URL, or a SecantusDB of its own
	$(BIN)/python scripts/test_mongo.py $(ARGS)

contract: .venv/.dev ## the contract kit on the fake, in full, under every policy
	$(BIN)/fakeviam contract run --self --profile full --policy documented --policy observed --policy strict $(ARGS)
	$(BIN)/fakeviam contract mutants
	FAKEVIAM_WHOLE_PARK=1 $(BIN)/python -m pytest -q -n 2 tests/quality/test_scripts_of_mutants.py

quality: .venv/.dev ## how soon each wrong server is found; writes tests/quality/campaign.tsv, in some minutes
	$(BIN)/python -m scripts.campaign $(ARGS)

false-alarms: .venv/.dev ## the kit on the right fake in every way; writes tests/quality/false_alarms.tsv, in an hour
	$(BIN)/python -m scripts.false_alarms $(ARGS)

docs: .venv/.docs ## build the documentation as a site, build/site/index.html; fails on a broken link
	$(BIN)/python -m sphinx -q -E -W --keep-going -c docs/site . build/site $(ARGS)
	@echo "build/site/index.html"

bench: .venv/.dev ## measure everything; writes benchmarks/RESULTS.md, in some minutes
	$(BIN)/python -m benchmarks $(ARGS)

fuzz: .venv/.dev ## a million hostile inputs; ARGS="--seed 2 --inputs 5000", "--only control --round 7"
	$(BIN)/python -m campaigns fuzz $(ARGS)

soak: .venv/.dev ## the same mixed work again and again: memory and descriptors stay; ARGS="--rounds 20"
	$(BIN)/python -m campaigns soak $(ARGS)

crash: .venv/.dev ## kill -9, full disks, damaged files; ARGS="--seed 2 --only kills"
	$(BIN)/python -m campaigns crash $(ARGS)

mutation: .venv/.mutation ## mutants of the core, in an hour; writes tests/quality/mutation.md
	$(BIN)/mutmut run --max-children 2 $(ARGS)
	$(BIN)/python -m scripts.mutation_report

clean: ## remove environments, caches and builds
	rm -rf .venv .envs build dist mutants .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps, so that serving does not wait for the tools of development.
.venv/.python:
	@echo "making .venv (only this once)" >&2
	@$(PYTHON) -c 'import sys; sys.exit("fakeviam needs Python 3.10 or newer: make PYTHON=python3.12" if sys.version_info < (3, 10) else 0)'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.serve: .venv/.python pyproject.toml
	@echo "installing what fakeviam needs" >&2
	@$(PIP) --editable '.[tls]' >&2
	@touch $@

.venv/.dev: .venv/.python pyproject.toml
	@echo "installing what development needs" >&2
	@$(PIP) --editable '.[dev]' >&2
	@touch $@ .venv/.serve

.venv/.docs: .venv/.dev
	@echo "installing what the documentation needs" >&2
	@$(PIP) --editable '.[docs]' >&2
	@touch $@

.venv/.mutation: .venv/.dev
	@$(PIP) 'mutmut>=3.8' >&2
	@touch $@

# The demo opens photographs and a series inside these wheels; none of their code is run.
.venv/.demo: .venv/.dev
	@$(PIP) --no-deps scikit-image vega-datasets >&2
	@touch $@

.PHONY: bench check clauses clean client-report contract coverage crash demo docs false-alarms format fuzz help imports interop-go interop-ts lint mutation protos quality query-oracles serve soak test test-all test-matrix test-mongo test-ui types

# Needs Python >= 3.10 with venv, git and make; everything else goes into .venv.
PYTHON ?= python3
ARGS ?=

BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | awk '{ n = $$1; $$1 = ""; printf "  make %-14s%s\n", n, $$0 }'

serve: .venv/.serve ## start the fake; ARGS are passed to `fakeviam serve`, as in ARGS="--port 0"
	@exec $(BIN)/fakeviam serve $(ARGS)

check: lint types imports test ## run before a commit: lint, types, imports, test

test: .venv/.dev ## run the tests that are not slow, in about three minutes; ARGS="tests/unit -k tags" selects
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow" $(ARGS)

test-all: .venv/.dev ## run all tests, including viam-sdk releases, docs pages, wheels and whole suites
	$(BIN)/python -m pytest -q -n 2 --dist worksteal $(ARGS)

lint: .venv/.dev ## check style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

coverage: .venv/.dev ## run the tests of `make test` and show which lines they miss; fails below the floor
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow" --cov --cov-report=term:skip-covered --cov-report=html $(ARGS)

types: mypy pyright ## check types, as mypy and as editors do

mypy: .venv/.dev
	$(BIN)/mypy

pyright: .venv/.dev
	$(BIN)/pyright --pythonpath $(BIN)/python

imports: .venv/.dev ## check the import rules between packages
	$(BIN)/lint-imports

format: .venv/.dev ## format the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

demo: .venv/.demo ## run a tour with the official SDK, photographs and sensor series
	$(BIN)/python examples/demo.py

protos: .venv/.dev ## compile fakeviam/wire/protos
	$(BIN)/python scripts/compile_protos.py

clauses: .venv/.dev ## regenerate docs/clauses.md, docs/contract.md and docs/rpcs.md
	$(BIN)/python scripts/clause_table.py
	$(BIN)/python -m fakeviam_contracts.catalogue page
	$(BIN)/python scripts/rpc_table.py

client-report: .venv/.dev ## regenerate docs/client-report.md: how viam-sdk and our client behave
	$(BIN)/python -m scripts.client_report $(ARGS)

test-matrix: .venv/.dev ## run the unit tests on each installed Python with each supported protobuf
	$(BIN)/python scripts/test_matrix.py $(ARGS)

interop-ts: .venv/.dev ## test Viam's TypeScript SDK in Node and Chromium; installs it from npm
	$(BIN)/python -m pytest -q tests/interop/test_typescript.py $(ARGS)

interop-go: .venv/.dev ## test grpc-go, connect-go, grpcurl and grpc-health-probe; builds them with Go
	$(BIN)/python -m pytest -q tests/interop/test_go.py tests/interop/test_viam_cli.py $(ARGS)

query-oracles: .venv/.dev ## compare random pipelines with SecantusDB and mongoeco
	$(BIN)/python scripts/query_oracles.py $(ARGS)

test-ui: .venv/.dev ## test the page in headless Chromium, from npm; PICTURES=DIR keeps screenshots
	FAKEVIAM_PAGE_PICTURES="$(PICTURES)" $(BIN)/python -m pytest -q tests/interop/test_page.py $(ARGS)

test-mongo: .venv/.dev ## test databases against FAKEVIAM_MONGO_URL, or a private SecantusDB
	$(BIN)/python scripts/test_mongo.py $(ARGS)

contract: .venv/.dev ## run the full contract kit against the fake under every policy, and against its mutants
	$(BIN)/fakeviam contract run --self --profile full --policy documented --policy observed --policy strict $(ARGS)
	$(BIN)/fakeviam contract mutants
	FAKEVIAM_WHOLE_PARK=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal tests/quality/test_scripts_of_mutants.py tests/quality/test_legal_servers.py tests/quality/test_client_mutants.py

quality: .venv/.dev ## find each wrong server by checks and programs; takes hours, ARGS=--new goes on; writes tests/quality/campaign.tsv
	$(BIN)/python -m scripts.campaign $(ARGS)

false-alarms: .venv/.dev ## run the kit against the correct fake; takes half an hour, writes tests/quality/false_alarms.tsv
	$(BIN)/python -m scripts.false_alarms $(ARGS)

kit-figures: .venv/.dev ## measure what the contract kit finds with how many calls; takes half an hour, writes docs/kit-figures.md
	$(BIN)/python -m scripts.kit_figures $(ARGS)

docs: .venv/.docs ## build the documentation as a site, build/site/index.html; fails on a broken link
	$(BIN)/python -m sphinx -q -E -W --keep-going -c docs/site . build/site $(ARGS)
	@echo "build/site/index.html"

bench: .venv/.dev ## run the benchmarks; takes minutes, writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks $(ARGS)

fuzz: .venv/.dev ## send a million hostile inputs; ARGS="--seed 2 --inputs 5000", "--only control --round 7"
	$(BIN)/python -m campaigns fuzz $(ARGS)

soak: .venv/.dev ## repeat a mixed workload and watch memory and descriptors; ARGS="--rounds 20"
	$(BIN)/python -m campaigns soak $(ARGS)

crash: .venv/.dev ## kill servers, fill disks and damage files; ARGS="--seed 2 --only kills"
	$(BIN)/python -m campaigns crash $(ARGS)

mutation: .venv/.mutation ## mutate the core; takes an hour, writes tests/quality/mutation.md
	$(BIN)/mutmut run --max-children 2 $(ARGS)
	$(BIN)/python -m scripts.mutation_report

clean: ## remove environments, caches and builds
	rm -rf .venv .envs build dist mutants .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The pip that comes with Python may take minutes for what the newest does in one.
# Separate stamps, so that `make serve` does not install the development tools.
.venv/.python:
	@echo "creating .venv (first run only)" >&2
	@$(PYTHON) -c 'import sys; sys.exit("fakeviam needs Python 3.10 or newer: make PYTHON=python3.12" if sys.version_info < (3, 10) else 0)'
	@$(PYTHON) -m venv --upgrade-deps .venv
	@touch $@

.venv/.serve: .venv/.python pyproject.toml
	@echo "installing fakeviam" >&2
	@$(PIP) --editable '.[tls]' >&2
	@touch $@

.venv/.dev: .venv/.python pyproject.toml
	@echo "installing the development tools" >&2
	@$(PIP) --editable '.[dev]' >&2
	@touch $@ .venv/.serve

.venv/.docs: .venv/.dev
	@echo "installing the documentation tools" >&2
	@$(PIP) --editable '.[docs]' >&2
	@touch $@

.venv/.mutation: .venv/.dev
	@$(PIP) 'mutmut>=3.8' >&2
	@touch $@

# The demo opens photographs and a series inside these wheels; none of their code is run.
.venv/.demo: .venv/.dev
	@$(PIP) --no-deps scikit-image vega-datasets >&2
	@touch $@

.PHONY: bench check clauses clean client-report contract coverage crash demo docs false-alarms format fuzz help imports interop-go interop-ts kit-figures lint mutation mypy protos pyright quality query-oracles serve soak test test-all test-matrix test-mongo test-ui types

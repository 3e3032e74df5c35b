# Muster: `make` alone prints what there is.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
SYNCED := .venv/.synced
PORT ?= 8000
SECONDS ?= 60
PROCESSES ?= auto
PYTEST := $(BIN)/pytest -n $(PROCESSES) --dist loadgroup
# A test process that finds no bytecode of the product compiles 900 modules first; some environments turn it off.
export PYTHONDONTWRITEBYTECODE :=
QUICK := not benchmark and not slow and not again and not journey and not cluster and not storm

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv is brought into .uv/ when the machine has none; the environment is synced again only when a lock file changed.
$(SYNCED): .ci/uv pyproject.toml uv.lock plugins/sdk/pyproject.toml
	@uv=$$(sh .ci/uv) && env -u VIRTUAL_ENV UV_PROJECT_ENVIRONMENT=.venv "$$uv" sync --frozen --compile-bytecode
	@touch $@

.PHONY: demo
demo: $(SYNCED) ## Import customers, segment them, mail a list (DATA=folder of CSV files, ARGS=--exit)
	@$(BIN)/muster demo $(if $(DATA),--data "$(DATA)") $(ARGS)

.PHONY: serve
serve: $(SYNCED) ## Bring the database up to date and serve on PORT (8000)
	@$(BIN)/muster migrate
	@$(BIN)/muster serve --port $(PORT) $(ARGS)

.PHONY: lint
lint: $(SYNCED)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports

# Each of them uses one processor.
.PHONY: types
types: $(SYNCED)
	@$(MAKE) -j2 mypy pyright

.PHONY: mypy
mypy: $(SYNCED)
	$(BIN)/mypy

.PHONY: pyright
pyright: $(SYNCED)
	$(BIN)/pyright

.PHONY: test
test: lint types ## Everything that CI runs
	$(PYTEST) --hypothesis-profile=test $(ARGS)

.PHONY: check
check: lint mypy ## Of all that, what takes two minutes, for all day
	$(PYTEST) --hypothesis-profile=check -m "$(QUICK)" $(ARGS)

.PHONY: explore
explore: $(SYNCED) ## Search for counterexamples at random, ten times as long (ARGS=tests/domain)
	$(PYTEST) --hypothesis-profile=explore -m "hypothesis and not benchmark" $(ARGS)

.PHONY: simulate
simulate: $(SYNCED) ## Run histories full of faults for SECONDS (60), or replay one by its SEED
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seconds $(SECONDS)) $(ARGS)

.PHONY: simulate-bugs
simulate-bugs: $(SYNCED) ## Plant bugs, and show how long the simulation takes to find each
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation --bugs --seconds $(SECONDS) $(ARGS)

.PHONY: storm
storm: $(SYNCED) ## Send campaigns through random faults for an hour (MINUTES=60 SEED=1 ARGS=--help)
	@$(BIN)/python -m tests.storm $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: soak
soak: $(SYNCED) ## Have 200 clients at a server for MINUTES (10): nothing of it may grow (DATABASE_URL, ARGS=--help)
	@$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

.PHONY: fix
fix: $(SYNCED) ## Format, and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: $(SYNCED) ## Print the figures of tests/benchmarks
	@uv=$$(sh .ci/uv) && env -u VIRTUAL_ENV UV_PROJECT_ENVIRONMENT=.venv "$$uv" sync --quiet --frozen --inexact --group bench
	$(BIN)/pytest tests/benchmarks -m benchmark -s -p no:xdist $(ARGS)

.PHONY: schema
schema: $(SYNCED) ## Write schema.graphql
	$(BIN)/muster schema > schema.graphql.new
	@mv schema.graphql.new schema.graphql

.PHONY: docs
docs: $(SYNCED) ## Write docs/reference/cli.md and dimensions.md, and check the documentation
	$(BIN)/typer api.cli utils docs --name muster --title "Command line" --output docs/reference/cli.md
	$(BIN)/python -c "from domain.segments.catalogue.docs_page import page; print(page(), end='')" > docs/reference/dimensions.md
	$(BIN)/pytest -q -p no:xdist tests/test_docs.py

.PHONY: clean
clean: ## Remove what was built or cached (databases and keys stay)
	rm -rf .venv .uv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

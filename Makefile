# Each target sets up what it needs in .venv first, pinned by constraints.txt.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed

export DAGSTER_HOME ?= $(CURDIR)/.attribution/dagster
export GX_ANALYTICS_ENABLED = false

.PHONY: run test test-spark ui dashboard bench bench-scale verify lint clean

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv (a few minutes the first time) ..."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

run: $(STAMP)  ## the main job on the simulated marketplace
	@$(BIN)/attribution run --dataset marketplace

test: $(STAMP)  ## the whole test suite
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-spark: $(STAMP)  ## what `make test` skips without Spark: 500 MB more, and Java 17
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev,spark]"
	@$(BIN)/python -m pytest attribution_dagster_tests/warehouse -k spark

lint: $(STAMP)  ## style, types of core/, architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

ui: $(STAMP)  ## Dagster at http://127.0.0.1:3000
	@$(BIN)/attribution home
	@$(BIN)/dg dev --host 127.0.0.1 --port 3000

dashboard: $(STAMP)  ## what is published, at http://127.0.0.1:8501
	@$(BIN)/attribution dashboard

bench: $(STAMP)  ## speed and memory, as ratios against named baselines
	@$(BIN)/python -m attribution_dagster_tests.bench

bench-scale: $(STAMP)  ## 1, 10 and 50 million events on DuckDB, and attribution on Spark where `make test-spark` installed it (some 20 minutes on two idle cores, 10 GB of disk)
	@$(BIN)/python -m attribution_dagster_tests.bench.scale

verify: $(STAMP)  ## a schedule under a real daemon, windows in two orders, and Monte-Carlo evidence on simulated truth (some three hours)
	@$(BIN)/python -m attribution_dagster_tests.verify.schedule
	@$(BIN)/python -m attribution_dagster_tests.verify.order
	@$(BIN)/python -m attribution_dagster_tests.verify.leakage
	@$(BIN)/python -m attribution_dagster_tests.verify.retraining --seeds 4
	@$(BIN)/attribution run --dataset marketplace
	@$(BIN)/python -m attribution_dagster_tests.verify.trust
	@$(BIN)/attribution benchmark --seeds 3 --out docs
	@$(BIN)/python -m attribution_dagster_tests.verify.lift
	@$(BIN)/python -m attribution_dagster_tests.verify.journeys
	@$(BIN)/python -m attribution_dagster_tests.verify

clean:  ## removes what runs made; keeps .venv
	rm -rf .attribution exports

# Everything below works on a fresh machine with python3 (3.11 to 3.13) and nothing else.
PYTHON ?= python3
BIN := .venv/bin
LAKE ?= .local/lake

.PHONY: setup run test lint bench lock clean

run: setup  ## change records in, a Parquet lake out, and SQL over it
	@rm -rf $(LAKE)
	$(BIN)/dmd run tests/corpora/sample.jsonl.gz --lake $(LAKE)
	$(BIN)/dmd query "SELECT eventid, count(*) AS demand_count FROM demand WHERE partition_date >= '2025-01-01' AND coalesce(isdeleted, false) = false GROUP BY eventid ORDER BY demand_count DESC LIMIT 10" --lake $(LAKE)

test: setup  ## every specification
	$(BIN)/python -m pytest

lint: setup  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup  ## ratios against the floor, the idiom, the predecessor and DuckDB
	$(BIN)/python -m bench

setup: .venv/installed

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q glue transform firehose
	@touch $@

lock: setup  ## compile requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --all-extras pyproject.toml --output-file requirements.txt

clean:
	rm -rf .venv .local

# Everything below works on a fresh machine with python3 (3.11 to 3.13) and nothing else.
PYTHON ?= python3
BIN := .venv/bin
# Set on the command line only: an exported LAKE is somebody else's.
LAKE := .local/lake
# Marks a lake that `make run` made, and may make anew.
MADE := .made-by-make-run
WHEELS := .venv/wheels
DOWNLOAD := $(BIN)/pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: --dest $(WHEELS)

LIMIT ?= 600

# Each of the test workers would compile every file of specifications for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test test-long test-spark test-fast e2e lint bench lock package glue-package plan deploy rollback picture cost clean

run: setup  ## change records in, a Parquet lake out, and SQL over it
	@if [ -e "$(LAKE)/$(MADE)" ]; then rm -rf "$(LAKE)"; fi
	@if [ ! -e "$(LAKE)" ]; then umask 077 && mkdir -p "$(LAKE)" && touch "$(LAKE)/$(MADE)"; fi
	$(BIN)/dmd run tests/corpora/sample.jsonl.gz --lake $(LAKE)
	$(BIN)/dmd query "SELECT eventid, count(*) AS demand_count FROM demand WHERE partition_date >= '2025-01-01' AND coalesce(isdeleted, false) = false GROUP BY eventid ORDER BY demand_count DESC LIMIT 10" --lake $(LAKE)

test: setup  ## every specification but the long ones
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile -m "not long and not spark"

test-long: setup $(WHEELS)/ready  ## kills at every step, a failure of every call, packages, and roots of Terraform applied
	$(BIN)/python -m pytest --numprocesses auto --dist loadscope -m long

test-spark: .venv-spark/installed  ## jobs on Spark, in an environment of its own; needs Java
	.venv-spark/bin/python -m pytest -m spark

test-fast: setup  ## the quick ones, while working: no kills, Terraform, packaging, dmd up, long properties
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile -m "not slow and not long and not spark"

e2e: setup  ## an environment, end to end under its CI role: make e2e ENV=dev1 LIMIT=900
	@$(BIN)/python -m tests.e2e "$(ENV)" --seconds $(LIMIT)

lint: setup .venv-checkov/installed  ## format, lint, types, and what checkov thinks of terraform/
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	.venv-checkov/bin/checkov --directory terraform --skip-path environment --framework terraform --quiet --compact --skip-download

bench: setup  ## ratios against the floor, the idiom, the predecessor and DuckDB
	$(BIN)/python -m bench

package: setup $(WHEELS)/ready  ## the function's zip, for Lambda: the same source gives the same bytes
	$(BIN)/python -m firehose.pipeline.package build/function.zip

glue-package: setup $(WHEELS)/ready  ## the script and the wheels of the AWS Glue jobs: the same source gives the same bytes
	$(BIN)/python -m firehose.pipeline.glue_package build/glue

plan: package  ## what a deployment would change: make plan ENV=dev1
	@$(BIN)/python -m firehose.pipeline.deploy plan "$(ENV)"

deploy: package  ## plan, apply, wait, and test end to end: make deploy ENV=dev1
	@$(BIN)/python -m firehose.pipeline.deploy deploy "$(ENV)"
	@$(MAKE) --no-print-directory e2e ENV="$(ENV)"

rollback: setup  ## the functions of an earlier release: make rollback ENV=dev1 VERSION=12
	@$(BIN)/python -m firehose.pipeline.deploy rollback "$(ENV)" "$(VERSION)"

picture: run  ## docs/report.png, the head of the report on the lake of make run
	$(BIN)/dmd report --lake $(LAKE) -o .local/report.html
	$(BIN)/python -m tests.chromium .local/report.html docs/report.png

cost: setup  ## docs/cost.md from the price facts
	$(BIN)/python docs/cost.py

setup: .venv/installed

.venv/installed: requirements.txt pyproject.toml
	@echo "installing $$(grep -c '^[a-z].*==' requirements.txt) packages into .venv (takes about a minute, once)" >&2
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q glue transform firehose
	@touch $@

# What the function's zip is made of, for Lambda's processor and, as a test loads it, for this one; and that of the jobs.
$(WHEELS)/ready: .venv/installed requirements-lambda.txt requirements-glue.txt
	@echo "downloading the wheels of the function and of the jobs into $(WHEELS)" >&2
	$(DOWNLOAD) -r requirements-lambda.txt
	$(DOWNLOAD) -r requirements-lambda.txt --python-version 3.13 --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64
	$(DOWNLOAD) -r requirements-glue.txt --python-version 3.11 --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64
	@touch $@

# An environment of its own: it pins boto3 and others to versions that are not ours.
.venv-checkov/installed: requirements-checkov.txt
	@echo "installing checkov into .venv-checkov (takes about a minute, once)" >&2
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-checkov.txt
	@touch $@

# An environment of its own: PySpark takes 371 MB.
.venv-spark/installed: requirements-spark.txt pyproject.toml
	@echo "installing PySpark into .venv-spark (takes two minutes, once)" >&2
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.txt
	.venv-spark/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lock: setup  ## compile the requirements anew: all of it, what the zip holds, the jobs on Glue, with Spark, and checkov
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra tools --extra dev pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --constraint requirements.txt pyproject.toml --output-file requirements-lambda.txt
	$(BIN)/uv pip compile --quiet --python-platform x86_64-manylinux_2_28 --python-version 3.11 --generate-hashes --no-emit-index-url --constraint requirements.txt --extra jobs --extra iceberg pyproject.toml --output-file requirements-glue.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --constraint requirements.txt --extra tools --extra dev --extra spark pyproject.toml --output-file requirements-spark.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements-checkov.in --output-file requirements-checkov.txt

clean:
	rm -rf .venv .venv-checkov .venv-spark .local build

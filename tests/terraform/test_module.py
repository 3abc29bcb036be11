"""modules/pipeline by its own tests, with a mocked provider; and again with a further record type, a further mode."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from glue.build import build
from glue.schema import SCHEMAS
from tests.invented import gift
from tests.terraform import PIPELINE, Workspace, one_provider, workspace

pytestmark = pytest.mark.slow

# Where glue/ has a further record type.
GIFT_HAS_ALL_THAT_A_TYPE_HAS = """
run "gift" {
  command = plan

  assert {
    condition = alltrue([
      aws_kinesis_firehose_delivery_stream.this["gift"].name == "prd3292-dev1-dmnd-gift",
      aws_lambda_function.this["gift"].environment[0].variables.RECORD_TYPES == "gift",
      aws_glue_catalog_table.this["parquet/gift"].name == "gift",
      aws_glue_catalog_table.this["avro/gift"].name == "gift",
      aws_glue_catalog_table.view["parquet/gift"].name == "latest_gift",
      contains(keys(aws_cloudwatch_metric_alarm.this), "gift-lag"),
    ])
    error_message = "something is missing"
  }
}
"""

# A further mode is a row of the table in modes.tf.
ORC = """
    orc = {
      key             = "orc-%s"
      per_type        = true
      destination     = "extended_s3"
      converts        = false
      partitions      = true
      files           = "avro"
      database        = "_orc"
      prefix          = "data-pipeline/orc/"
      delivers_to     = "orc"
      writes_to       = []
      lambda_buffer   = { mib = 3, seconds = 30 }
      memory_mib      = 768
      timeout_seconds = 45
    }
"""

ORC_HAS_ALL_THAT_A_MODE_HAS = """
run "orc" {
  command = plan
  variables {
    modes    = ["orc"]
    function = { timeout_seconds = { orc = 50 } }
  }

  assert {
    condition = alltrue([
      jsonencode(keys(aws_lambda_function.this)) == jsonencode([for name in local.record_types : "orc-${name}"]),
      aws_kinesis_firehose_delivery_stream.this["orc-sale"].name == "prd3292-dev1-dmnd-orc-sale",
      alltrue([
        for s3 in aws_kinesis_firehose_delivery_stream.this["orc-sale"].extended_s3_configuration :
        s3.prefix == "data-pipeline/orc/" && length(s3.dynamic_partitioning_configuration) == 1
        && length(s3.data_format_conversion_configuration) == 0
      ]),
      aws_lambda_function.this["orc-sale"].environment[0].variables.FORMAT == "orc",
      aws_lambda_function.this["orc-sale"].memory_size == 768,
      aws_lambda_function.this["orc-sale"].timeout == 50,
      aws_glue_catalog_table.this["orc/sale"].database_name == "prd3292_dev1_dmnd_pipeline_orc",
      strcontains(aws_iam_role_policy.delivery["orc-sale"].policy, "data-pipeline/orc/sale/*"),
      strcontains(output.bucket_rules.policy, "prd3292-dev1-dmnd-orc-sale-delivery"),
      contains(keys(aws_cloudwatch_metric_alarm.this), "orc-sale-partitions"),
      !contains(keys(aws_cloudwatch_metric_alarm.this), "orc-sale-conversion"),
    ])
    error_message = "something is missing"
  }
}
"""


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy of the modules that can be tested."""
    where = workspace(tmp_path_factory.mktemp("module"))
    where.init(PIPELINE)
    where.init("modules/bucket_check")
    with one_provider(where, PIPELINE):
        yield where


def test_the_modules_own_tests_pass_with_a_mocked_provider(tested: Workspace) -> None:
    done = tested.run(PIPELINE, "test")

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "0 failed" in done.stdout
    files = {path.stem for path in (tested.folder / "terraform" / PIPELINE / "tests").glob("*.tftest.hcl")}
    assert set(re.findall(r"^tests/(\w+\.tftest)\.hcl\.\.\. pass$", done.stdout, re.MULTILINE)) == files


def test_a_new_record_type_is_no_hcl(tested: Workspace, tmp_path: Path) -> None:
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    (tmp_path / "schemas" / "gift.avsc").write_text(json.dumps(gift()))
    build(tmp_path / "schemas", tested.folder)

    _try(tested, GIFT_HAS_ALL_THAT_A_TYPE_HAS)


def test_a_new_mode_is_one_row(tested: Workspace) -> None:
    table = tested.folder / "terraform" / PIPELINE / "modes.tf"
    as_it_was = table.read_text()
    table.write_text(as_it_was.replace("\n  modes = {\n", f"\n  modes = {{\n{ORC}", 1))

    try:
        _try(tested, ORC_HAS_ALL_THAT_A_MODE_HAS)
    finally:
        table.write_text(as_it_was)


# A further job is a row of the table in jobs.tf.
TIDY = """
    tidy = {
      command  = "tidy"
      reads    = ["${local.root}/errors"]
      puts     = []
      deletes  = ["${local.root}/errors"]
      versions = true
      erasure  = false
      exports  = false
      scratch  = false
      catalog  = []
      graphs   = { "Objects" = ["objects"] }
    }
"""

TIDY_HAS_ALL_THAT_A_JOB_HAS = """
run "tidy" {
  command = plan
  variables {
    jobs         = { tidy = { schedule = "cron(0 4 * * ? *)" } }
    jobs_package = "tests/jobs"
  }

  assert {
    condition = alltrue([
      aws_glue_job.this["tidy"].name == "prd3292-dev1-dmnd-tidy",
      aws_glue_job.this["tidy"].non_overridable_arguments["--command"] == "tidy",
      aws_glue_trigger.job["tidy"].schedule == "cron(0 4 * * ? *)",
      length(aws_cloudwatch_log_group.job) == 2,
      contains(keys(aws_cloudwatch_metric_alarm.this), "tidy-failed"),
      contains(keys(aws_cloudwatch_metric_alarm.job_missing), "tidy"),
      strcontains(output.bucket_rules.policy, "role/prd3292-dev1-dmnd-tidy-job"),
      strcontains(aws_iam_role_policy.job["tidy"].policy, "s3:DeleteObjectVersion"),
      strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "Objects"),
    ])
    error_message = "something is missing"
  }
}
"""


def test_a_new_job_is_one_row(tested: Workspace) -> None:
    table = tested.folder / "terraform" / PIPELINE / "jobs.tf"
    as_it_was = table.read_text()
    table.write_text(as_it_was.replace("\n  job_rows = {\n", f"\n  job_rows = {{\n{TIDY}", 1))

    try:
        _try(tested, TIDY_HAS_ALL_THAT_A_JOB_HAS)
    finally:
        table.write_text(as_it_was)


# The role of the stream avro could write and read the error objects of a stream avro-sale.
AVRO_BY_TYPE = """
run "avro_by_type" {
  command = plan
  variables {
    modes = ["avro"]
  }
  expect_failures = [aws_kinesis_firehose_delivery_stream.this]
}
"""


def test_no_streams_name_begins_anothers(tested: Workspace) -> None:
    table = tested.folder / "terraform" / PIPELINE / "modes.tf"
    as_it_was = table.read_text()
    table.write_text(as_it_was.replace('"%s"', '"avro-%s"', 1))

    try:
        _try(tested, AVRO_BY_TYPE)
    finally:
        table.write_text(as_it_was)


def test_the_check_of_a_bucket_of_others_passes_its_own_tests(tested: Workspace) -> None:
    done = tested.run("modules/bucket_check", "test")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed, 0 failed" in done.stdout


def _try(where: Workspace, run: str) -> None:
    """Run one run of `terraform test`, with what contract.tftest.hcl sets."""
    tests = where.folder / "terraform" / PIPELINE / "tests"
    given = (tests / "contract.tftest.hcl").read_text().partition('run "')[0]
    (tests / "further.tftest.hcl").write_text(given + run)

    done = where.run(PIPELINE, "test", "-filter=tests/further.tftest.hcl")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 0 failed" in done.stdout

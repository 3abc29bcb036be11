"""docs/cost.md is what docs/cost.py makes of the prices and of what Terraform sets up."""

import re
import runpy
from typing import Any

import pytest

from glue.build import PROJECT

COST: dict[str, Any] = runpy.run_path(str(PROJECT / "docs" / "cost.py"))
MODES = (PROJECT / "terraform" / "modules" / "pipeline" / "modes.tf").read_text()


def test_the_page_is_the_scripts() -> None:
    assert (PROJECT / "docs" / "cost.md").read_text("utf-8") == COST["page"]()


@pytest.mark.parametrize("mode", ["parquet", "avro", "iceberg"])
def test_it_reckons_with_what_terraform_sets_up(mode: str) -> None:
    reckoned = COST[mode.upper()]

    row = MODES.partition(f"\n    {mode} = {{\n")[2].partition("\n    }\n")[0]
    assert re.findall(r"memory_mib += (\d+)", row) == [str(reckoned.memory_mib)]
    assert [int(mib) * COST["MIB"] for mib in re.findall(r"lambda_buffer += { mib = (\d+),", row)] == [
        reckoned.batch_bytes
    ]


def test_every_stream_of_parquet_mode_pays_for_every_record() -> None:
    changes = COST["sampled"]()

    bills = {mode: COST["bill"](COST[mode], changes)["Firehose ingestion"] for mode in ("PARQUET", "AVRO")}

    assert bills["PARQUET"] == pytest.approx(4 * bills["AVRO"])


def test_a_record_is_billed_in_steps_of_5_kb() -> None:
    changes = COST["sampled"]()

    assert changes.rounded_gigabytes >= 1_000_000 * 5120 / 1e9


def test_iceberg_mode_pays_once_for_the_bytes_as_they_are_and_for_the_files_of_each_commit() -> None:
    changes = COST["sampled"]()

    of_a_minute, of_five = (COST["bill"](COST["ICEBERG"], changes, seconds) for seconds in (60, 300))

    assert of_a_minute["Firehose ingestion"] == pytest.approx(changes.gigabytes * COST["ICEBERG_GB"])
    assert of_a_minute["S3 puts"] == pytest.approx(167 * 4 * 13 * 0.005 / 1000)
    assert of_five["S3 puts"] < of_a_minute["S3 puts"] / 4

"""One table of modes: Terraform's is the same, and a further mode is one row, one module and one name."""

import json
import re
import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from msgspec.structs import replace

from firehose.local.sources.files import number_lines
from firehose.pipeline.modes import MODES, Destination, ModeRow
from firehose.pipeline.names import Names
from firehose.pipeline.streams import local_pipeline, mode_streams
from glue.layout import Format, partition, type_prefix
from glue.schema import load
from glue.tables import parquet_table
from tests.fakes import MemorySink
from tests.given import change, payload, s
from tests.invented import gift, record_type
from transform import parquet_mode, settings

TERRAFORM = Path(__file__).parents[2] / "terraform" / "modules" / "pipeline" / "modes.tf"


def test_every_format_has_a_row_and_a_module() -> None:
    assert list(MODES) == list(Format)
    assert all(find_spec(f"transform.{name}_mode") for name in Format)


@pytest.mark.parametrize("name", Format)
def test_terraform_has_the_same_row(name: Format) -> None:
    mode = MODES[name]

    assert rows_of_terraform()[name] == {
        "key": mode.key,
        "per_type": mode.per_type,
        "destination": mode.destination,
        "converts": mode.converts,
        "partitions": mode.partitions,
        "files": mode.table and mode.table(record_type(gift()))["Parameters"]["classification"],
        "database": mode.database,
        "prefix": mode.prefix,
        "lambda_buffer": {"mib": mode.lambda_buffer_mib, "seconds": mode.lambda_buffer_seconds},
        "memory_mib": mode.memory_mib,
        "timeout_seconds": mode.timeout_seconds,
    }


def rows_of_terraform() -> dict[str, dict[str, Any]]:
    """The rows of modes.tf by mode, with the columns that Python has, too."""
    table = TERRAFORM.read_text().partition("  modes = {\n")[2].partition("\n  }\n")[0]
    rows = re.findall(r"^    (\w+) = \{\n(.*?)^    \}$", table, re.MULTILINE | re.DOTALL)
    return {name: _columns(text) for name, text in rows}


def _columns(text: str) -> dict[str, Any]:
    found = dict(re.findall(r"^      (\w+) *= (.+?)(?: *#.*)?$", text, re.MULTILINE))
    del found["delivers_to"], found["writes_to"]  # for policies, which are Terraform's alone
    as_json = {name: re.sub(r"(\w+) = ", r'"\1": ', value) for name, value in found.items()}
    return {name: json.loads(value.replace("${local.root}", "data-pipeline")) for name, value in as_json.items()}


@pytest.mark.parametrize("name", Format)
def test_in_each_mode_one_function_claims_what_has_no_readable_type_and_every_type_has_a_function(name: Format) -> None:
    types = load()

    streams = mode_streams(Names("dev1"), name, types)

    assert [stream.claims for stream in streams].count(True) == 1
    assert sorted(served for stream in streams for served in stream.types) == sorted(types)


def test_streams_and_databases_are_named_by_environment_and_mode() -> None:
    names, types = Names("qa1"), dict.fromkeys(["event", "sale"], record_type(gift()))

    named = {mode: [stream.name for stream in mode_streams(names, mode, types)] for mode in Format}

    assert named == {
        Format.PARQUET: ["prd3292-qa1-dmnd-event", "prd3292-qa1-dmnd-sale"],
        Format.AVRO: ["prd3292-qa1-dmnd-avro"],
        Format.ICEBERG: ["prd3292-qa1-dmnd-iceberg"],
    }
    assert [names.database(mode) for mode in Format] == [
        "prd3292_qa1_dmnd_pipeline_parquet",
        "prd3292_qa1_dmnd_pipeline",
        "prd3292_qa1_dmnd_pipeline_iceberg",
    ]


def test_no_delivery_streams_name_begins_another_name_so_that_a_role_reaches_its_own_error_objects_alone() -> None:
    names, types = Names("dev1"), load() | {"saleitem": record_type(gift()), "sale_item": record_type(gift())}

    streams = [f"{stream.name}-" for mode in Format for stream in mode_streams(names, mode, types)]

    assert len(streams) == 8
    assert [(one, other) for one in streams for other in streams if one is not other and other.startswith(one)] == []


class WithLines(StrEnum):
    """The names of glue/layout.Format, and one more."""

    PARQUET = "parquet"
    AVRO = "avro"
    ICEBERG = "iceberg"
    LINES = "lines"


# Rows as lines of JSON, as Firehose delivers them where it does not convert.
LINES = ModeRow(
    key="lines-%s",
    destination=Destination.S3,
    converts=False,
    partitions=True,
    table=parquet_table,
    database="_lines",
    prefix=partition(type_prefix("lines", "!{partitionKeyFromLambda:type}"), "!{partitionKeyFromLambda:date}"),
    lambda_buffer_mib=1,
    lambda_buffer_seconds=60,
    memory_mib=512,
    timeout_seconds=60,
)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An invented mode: its name, its row, and its module."""
    module = ModuleType("transform.lines_mode")
    module.mode = parquet_mode.mode  # type: ignore[attr-defined]
    monkeypatch.setattr(settings, "Format", WithLines)
    monkeypatch.setitem(sys.modules, "transform.lines_mode", module)
    monkeypatch.setitem(MODES, WithLines.LINES, LINES)  # type: ignore[misc]
    return WithLines.LINES


def test_records_run_through_a_mode_that_is_one_name_one_row_and_one_module(lines: Format) -> None:
    sink = MemorySink()
    records = [change("sale"), change("sale", id=s("s2")), change("demand"), b"not JSON"]

    report = local_pipeline(sink, file_format=lines).run(number_lines(map(payload, records)))

    assert (report.read, report.delivered, report.failed, report.adds_up) == (4, 3, 1, True)
    rows = {key.rpartition("/")[0]: body.splitlines() for key, body in sink.under("data-pipeline/lines/").items()}
    assert {prefix: len(found) for prefix, found in rows.items()} == {
        "data-pipeline/lines/sale/partition_date=2025-01-03": 2,
        "data-pipeline/lines/demand/partition_date=2025-01-01": 1,
    }
    assert {json.loads(line)["type"] for found in rows.values() for line in found} == {"sale", "demand"}
    assert {stream.name for stream in report.streams} == {f"prd3292-local-dmnd-lines-{name}" for name in load()}


def test_a_mode_with_one_stream_for_all_types_is_another_key(lines: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODES, lines, replace(LINES, key="lines"))
    sink = MemorySink()

    report = local_pipeline(sink, file_format=lines).run(number_lines(map(payload, [change("sale"), change("demand")])))

    assert [stream.name for stream in report.streams] == ["prd3292-local-dmnd-lines"]
    assert len(sink.under("data-pipeline/lines/")) == 2

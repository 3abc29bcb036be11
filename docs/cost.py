"""What a million changes cost in each mode: writes docs/cost.md. Change an assumption here and run `make cost`."""

import gzip
import math
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parent.parent
SAMPLE = PROJECT / "tests" / "corpora" / "sample.jsonl.gz"
TYPES = len(list((PROJECT / "glue" / "schemas").glob("*.avsc")))

MILLION = 1_000_000
GB = 1e9
MIB = 1024 * 1024

# List prices of us-east-1 in dollars; look them up again before deciding by them.
INGESTION_GB = 0.029  # Firehose from Kinesis, first tier; each record rounded up to 5 KB, those that are dropped too
CONVERSION_GB = 0.018  # of what was ingested, rounded as above
PARTITIONING_GB = 0.020  # of what is delivered
PARTITIONING_OBJECT = 0.005 / 1000
LAMBDA_GB_SECOND = 0.0000133334  # arm64
LAMBDA_CALL = 0.20 / MILLION
S3_PUT = 0.005 / 1000
ON_DEMAND_READ_GB = 0.040  # a Kinesis stream in on-demand mode; reads of provisioned shards cost nothing
SHARD_HOUR = 0.015
CAPTURE_KB = 0.10 / MILLION  # DynamoDB's change data capture, for each started KB

# How it runs.
CHANGES_A_SECOND = 100
DATES_IN_A_BUFFER = 10  # partition dates that the changes of a minute fall on, for each type
ROUNDING_BYTES = 5 * 1024


@dataclass(frozen=True)
class Mode:
    """One mode, as terraform/modules/pipeline sets it up; times of a call were measured (see docs/cost.md)."""

    name: str
    streams: int
    converts: bool
    batch_bytes: int
    memory_mib: int
    full_core_ms: int  # of one call with a full batch


PARQUET = Mode("Parquet", TYPES, converts=True, batch_bytes=MIB, memory_mib=512, full_core_ms=17)
AVRO = Mode("Avro", 1, converts=False, batch_bytes=2 * MIB, memory_mib=1024, full_core_ms=54)


@dataclass(frozen=True)
class Changes:
    """A million changes, by the sizes of those in the sample."""

    gigabytes: float
    rounded_gigabytes: float
    kilobytes: float


def sampled() -> Changes:
    """A million changes like those of the sample."""
    sizes = [len(line) for line in gzip.decompress(SAMPLE.read_bytes()).splitlines()]
    times = MILLION / len(sizes)
    return Changes(
        gigabytes=sum(sizes) * times / GB,
        rounded_gigabytes=sum(math.ceil(size / ROUNDING_BYTES) * ROUNDING_BYTES for size in sizes) * times / GB,
        kilobytes=sum(math.ceil(size / 1024) for size in sizes) * times,
    )


def bill(mode: Mode, changes: Changes, buffer_seconds: int = 60) -> dict[str, float]:
    """The lines of a million changes' bill: {"Firehose ingestion": 0.64, ...}."""
    calls = math.ceil(changes.gigabytes * GB / mode.batch_bytes) * mode.streams
    # Lambda gives a whole processor at 1,769 MiB and less in proportion.
    seconds = mode.full_core_ms / 1000 * max(1.0, 1769 / mode.memory_mib)
    flushes = math.ceil(MILLION / CHANGES_A_SECOND / buffer_seconds) if mode.converts else calls
    objects = flushes * TYPES * DATES_IN_A_BUFFER
    return {
        "Firehose ingestion": changes.rounded_gigabytes * INGESTION_GB * mode.streams,
        "Firehose conversion": changes.rounded_gigabytes * CONVERSION_GB * mode.streams * mode.converts,
        "Firehose partitioning": (changes.gigabytes * PARTITIONING_GB + objects * PARTITIONING_OBJECT) * mode.converts,
        "Lambda": calls * (LAMBDA_CALL + seconds * mode.memory_mib / 1024 * LAMBDA_GB_SECOND),
        "S3 puts": objects * S3_PUT,
        "DynamoDB to Kinesis": changes.kilobytes * CAPTURE_KB,
    }


def on_demand_reads(mode: Mode, changes: Changes) -> float:
    """What reading adds where the source stream is in on-demand mode."""
    return changes.gigabytes * ON_DEMAND_READ_GB * mode.streams


def table(changes: Changes) -> str:
    """The comparison as a table of Markdown."""
    columns = {
        "Parquet": bill(PARQUET, changes),
        "Parquet, 300 s buffer": bill(PARQUET, changes, 300),
        "Avro": bill(AVRO, changes),
    }
    lines = ["| dollars for a million changes | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    lines += [
        f"| {line} | " + " | ".join(f"{one[line]:.3f}" for one in columns.values()) + " |" for line in columns["Avro"]
    ]
    lines.append("| **together** | " + " | ".join(f"**{sum(one.values()):.3f}**" for one in columns.values()) + " |")
    return "\n".join(lines)


TEXT = """# What it costs

Made by `make cost` (docs/cost.py); prices are us-east-1's list prices as they were noted, to be looked up again.

{table}

A million changes like the sample's are {gigabytes:.2f} GB, which Firehose bills as {rounded:.2f} GB: it rounds every
record up to 5 KB. At {rate} changes a second they take {hours:.1f} hours. Each type's changes of a minute are taken to
fall on {dates} partition dates. Not in the table:

- the source: a provisioned shard is {shard:.2f} dollars a month, and reading it costs nothing. On-demand mode bills
  every reader: {parquet_reads:.2f} more in Parquet mode, {avro_reads:.2f} in Avro mode;
- alarms, 0.10 a month each: some 70 in Parquet mode; the functions' metrics, 0.30 a month each where the account is past
  its first ten; logs, a few lines an invocation; the key, 1.00 a month;
- Athena, 5.00 for each TB scanned; the views `latest_*` read a whole table.

## Why Parquet mode costs more

Firehose converts by one table, so each record type has a delivery stream, and each reads everything: {types} ingestion
bills of which {foreign} are for records that the function drops at once. Conversion is billed on the same rounded bytes.
What it buys: files of which Athena reads only the columns asked for, and nothing of ours between the rows and the files.

## What to turn

| turn | what it saves | what it costs |
| --- | --- | --- |
| `buffer_seconds` 60 to 300 | four in five objects: their puts and partitioning, and faster queries | data is five minutes old |
| `modes = ["avro"]` | three of four ingestion bills, all conversion and partitioning | larger scans; more and smaller objects |
| smaller images in DynamoDB | nothing below 5 KB a change | |
| `lambda_buffer.avro` to 3 MiB | calls and containers | a batch of very small changes may pass Lambda's 6 MB and be tried again |
| function memory | little: time falls as memory grows | too little memory makes a call too long |

## How the functions' size was chosen

One call on one core of an x86 machine, changes of the sample, the best of six: 17 ms for a batch of 1 MiB in Parquet mode
(640 records), 54 ms for 2 MiB in Avro mode (1,280 records); what was measured elsewhere since is 7 and 15 % less. The
process takes 44 MB, 52 in Avro mode, 86 with boto3 loaded and 3 MiB; a batch of nothing but the oddest lists of 380 KB
took 129 without boto3. So memory is chosen for the processor that comes with it: 512 MiB is 0.29 of one, some 60 ms a
call, and 0.7 s to start; 1,024 MiB, 0.58 of one, in Avro mode, which encodes and puts containers itself. Timeouts: 60 s
is far from what a call takes; Avro mode has Firehose's whole 300, to wait for S3. To be measured again on Lambda, in
dev1: metric `Duration` and `Max Memory Used` in the function's log.
"""


def page() -> str:
    """The whole of docs/cost.md."""
    changes = sampled()
    return TEXT.format(
        table=table(changes),
        gigabytes=changes.gigabytes,
        rounded=changes.rounded_gigabytes,
        rate=CHANGES_A_SECOND,
        hours=MILLION / CHANGES_A_SECOND / 3600,
        dates=DATES_IN_A_BUFFER,
        shard=SHARD_HOUR * 24 * 30,
        parquet_reads=on_demand_reads(PARQUET, changes),
        avro_reads=on_demand_reads(AVRO, changes),
        types=TYPES,
        foreign=TYPES - 1,
    )


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page(), "utf-8")

"""Write docs/cost.md: the cost of a million changes in each mode. Change an assumption here and run `make cost`."""

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

# List prices of us-east-1 in dollars. Look them up again before you decide by them.
INGESTION_GB = 0.029  # Firehose from Kinesis, first tier; each record is rounded up to 5 KB, dropped ones too
CONVERSION_GB = 0.018  # of the ingested bytes, rounded as above
# Firehose to Iceberg tables from Kinesis, without rounding: read in an estimate that AWS publishes with a sample (guidance
# for a game analytics pipeline), not on the price page. If records were rounded up to 5 KB here too, it would be three
# times as much.
ICEBERG_GB = 0.045
ICEBERG_COMMIT_FILES = 3  # puts of a commit beside its data files: a manifest, a manifest list, the table's metadata
OPTIMIZER_DPUS = 2  # AWS Glue's compaction of Iceberg tables
PARTITIONING_GB = 0.020  # of the delivered bytes
PARTITIONING_OBJECT = 0.005 / 1000
LAMBDA_GB_SECOND = 0.0000133334  # arm64
LAMBDA_CALL = 0.20 / MILLION
S3_PUT = 0.005 / 1000
ON_DEMAND_READ_GB = 0.040  # a Kinesis stream in on-demand mode; reads of provisioned shards cost nothing
SHARD_HOUR = 0.015
CAPTURE_KB = 0.10 / MILLION  # DynamoDB's change data capture, for each KB begun
DPU_HOUR = 0.44  # AWS Glue, a DPU is 4 processors; 0.29 with the execution class FLEX, which may wait

# A backfill on Spark, measured (docs/scale.md): 27 CPU seconds for 200,000 items.
ITEM_SECONDS = 27 / 200_000
DPU_CORES = 4

NIGHT_MINUTES, NIGHT_DPUS = 3, 2  # assumed; a run is billed by the second, after a first minute

# The load.
CHANGES_A_SECOND = 100
DATES_IN_A_BUFFER = 10  # partition dates in the changes of a minute, for each type
ROUNDING_BYTES = 5 * 1024


@dataclass(frozen=True)
class Mode:
    """A mode as terraform/modules/pipeline deploys it. The times of a call were measured, see docs/cost.md."""

    name: str
    streams: int
    converts: bool
    batch_bytes: int
    memory_mib: int
    full_core_ms: int  # of one call with a full batch
    ingestion_gb: float = INGESTION_GB
    is_rounded: bool = True  # Firehose bills each record as a multiple of 5 KB
    commit_files: int | None = 0  # puts of a flush beside its data files, for each type; None: it flushes no rows


PARQUET = Mode("Parquet", TYPES, converts=True, batch_bytes=MIB, memory_mib=512, full_core_ms=17)
AVRO = Mode("Avro", 1, converts=False, batch_bytes=2 * MIB, memory_mib=1024, full_core_ms=54, commit_files=None)
ICEBERG = Mode(
    "Iceberg",
    1,
    converts=False,
    batch_bytes=MIB,
    memory_mib=512,
    full_core_ms=19,
    ingestion_gb=ICEBERG_GB,
    is_rounded=False,
    commit_files=ICEBERG_COMMIT_FILES,
)


@dataclass(frozen=True)
class Changes:
    """The sizes of a million changes."""

    gigabytes: float
    rounded_gigabytes: float
    kilobytes: float


def sampled() -> Changes:
    """Return the sizes of a million changes like those of the sample."""
    sizes = [len(line) for line in gzip.decompress(SAMPLE.read_bytes()).splitlines()]
    times = MILLION / len(sizes)
    return Changes(
        gigabytes=sum(sizes) * times / GB,
        rounded_gigabytes=sum(math.ceil(size / ROUNDING_BYTES) * ROUNDING_BYTES for size in sizes) * times / GB,
        kilobytes=sum(math.ceil(size / 1024) for size in sizes) * times,
    )


def bill(mode: Mode, changes: Changes, buffer_seconds: int = 60) -> dict[str, float]:
    """Return the bill of a million changes: {"Firehose ingestion": 0.64, ...}."""
    calls = math.ceil(changes.gigabytes * GB / mode.batch_bytes) * mode.streams
    # Lambda gives a whole processor at 1,769 MiB, and less in proportion.
    seconds = mode.full_core_ms / 1000 * max(1.0, 1769 / mode.memory_mib)
    flushes = calls if mode.commit_files is None else math.ceil(MILLION / CHANGES_A_SECOND / buffer_seconds)
    objects = flushes * TYPES * (DATES_IN_A_BUFFER + (mode.commit_files or 0))
    ingested = changes.rounded_gigabytes if mode.is_rounded else changes.gigabytes
    return {
        "Firehose ingestion": ingested * mode.ingestion_gb * mode.streams,
        "Firehose conversion": changes.rounded_gigabytes * CONVERSION_GB * mode.streams * mode.converts,
        "Firehose partitioning": (changes.gigabytes * PARTITIONING_GB + objects * PARTITIONING_OBJECT) * mode.converts,
        "Lambda": calls * (LAMBDA_CALL + seconds * mode.memory_mib / 1024 * LAMBDA_GB_SECOND),
        "S3 puts": objects * S3_PUT,
        "DynamoDB to Kinesis": changes.kilobytes * CAPTURE_KB,
    }


def on_demand_reads(mode: Mode, changes: Changes) -> float:
    """Return what reading adds if the source stream is in on-demand mode."""
    return changes.gigabytes * ON_DEMAND_READ_GB * mode.streams


def table(changes: Changes) -> str:
    """Return the comparison as a Markdown table."""
    columns = {
        "Parquet": bill(PARQUET, changes),
        "Parquet, 300 s buffer": bill(PARQUET, changes, 300),
        "Avro": bill(AVRO, changes),
        "Iceberg": bill(ICEBERG, changes),
        "Iceberg, 300 s buffer": bill(ICEBERG, changes, 300),
    }
    lines = ["| dollars for a million changes | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    lines += [
        f"| {line} | " + " | ".join(f"{one[line]:.3f}" for one in columns.values()) + " |" for line in columns["Avro"]
    ]
    lines.append("| **together** | " + " | ".join(f"**{sum(one.values()):.3f}**" for one in columns.values()) + " |")
    return "\n".join(lines)


def dpu_hours(items: int) -> float:
    """Return the DPU-hours of a backfill, if Glue's processors are as fast as the one that was measured."""
    return items * ITEM_SECONDS / 3600 / DPU_CORES


TEXT = """# What it costs

Generated by `make cost` (docs/cost.py). Prices are us-east-1's list prices as noted there; look them up again.

{table}

A million changes like the sample's are {gigabytes:.2f} GB. Firehose bills them as {rounded:.2f} GB, because it rounds every
record up to 5 KB. At {rate} changes a second they take {hours:.1f} hours. We assume that each type's changes of a minute
fall on {dates} partition dates. The table leaves out:

- the source: a provisioned shard is {shard:.2f} dollars a month, and reading it costs nothing. On-demand mode bills
  every reader: {parquet_reads:.2f} more in Parquet mode, {avro_reads:.2f} in Avro mode;
- alarms, 0.10 a month each, some 70 in Parquet mode; the functions' metrics, 0.30 a month each beyond the account's first
  ten; logs, a few lines for each invocation; the key, 1.00 a month;
- Athena, 5.00 for each TB scanned; the `latest_*` views read a whole table.

## Why Parquet mode costs more

Firehose converts by one table, so each record type has a delivery stream, and each stream reads everything: {types}
ingestion bills, {foreign} of which are for records that the function drops at once. Conversion is billed on the same rounded
bytes. In return Athena reads only the columns that a query needs, and no code of ours stands between the rows and the files.

## What Iceberg mode's figures rest on

Iceberg mode is experimental until dev1 has passed its checklist (docs/deploy.md); nothing of it has been billed yet.

| figure | from | certainty |
| --- | --- | --- |
| {iceberg_gb:.3f} dollars a GB, records not rounded up | an estimate in a sample of AWS's, not the price page | middling: the line "billed bytes" of dev1's checklist settles it |
| with rounding it would be {iceberg_rounded:.2f} a million changes, {iceberg_rounded_all:.2f} in all | the same price | |
| {files} puts for each type and flush | one writer; Firehose may use several | low |
| compaction, not in the table: {dpus} DPUs at {dpu_hour:.2f} an hour | list price; the time is unknown | low |

Compaction decides at low volume: an hour of AWS Glue's optimizer a day, over all tables, is {compaction:.2f} dollars a day,
more than the {a_day:.1f} million changes of that day cost if they are fewer than {even:.1f} million. Athena's OPTIMIZE, at 5.00
for each TB that it reads, costs cents there. Without either, queries slow down within days: a flush a minute makes 1,440
commits a day and table. Not in the table either: reads of metadata by commits, old snapshots until they expire (5 days), and
the MERGE statements of current state, which read the window they cover and the target.

## Jobs

A nightly compaction on two workers of one DPU costs {night:.2f} dollars if it takes {night_minutes} minutes, {month:.2f} a month: an assumption,
as Glue's start was not measured. Compacting a day of 480 files takes 1,012 requests, 480 of them deletions, which cost
nothing: 0.0004 dollars.

A backfill of a billion items takes some {dpu_hours:.0f} DPU-hours of AWS Glue, {dpu_dollars:.0f} dollars at {dpu_hour:.2f} an hour. What that rests on:
the price is the list's; the time was measured on 200,000 items with Spark on two processors, not on Glue, and is taken to grow
with the items alone. The objects that it puts cost 5.00 a million, and may be more than the rest (docs/scale.md).

## Tuning

| setting | saves | costs |
| --- | --- | --- |
| `buffer_seconds` 60 to 300 | four in five objects: their puts and partitioning, and query time | data is five minutes old |
| `modes = ["iceberg"]` (experimental) | three of four ingestion bills, all conversion and partitioning, the rounding | upkeep of tables; commits to read at each query |
| `modes = ["avro"]` | three of four ingestion bills, all conversion and partitioning | larger scans; more and smaller objects |
| smaller images in DynamoDB | nothing below 5 KB a change | |
| `lambda_buffer.avro` to 3 MiB | calls and containers | a batch of very small changes may exceed Lambda's 6 MB and be tried again |
| function memory | little: time falls as memory grows | too little memory makes a call too slow |

## How Avro mode's buffer was chosen

A container holds the rows of one batch, one type and one date, and begins with its schema, 5 KB of a demand's. Measured by
`python -m bench.avro_buffers`: demands of the sample on ten dates in turns, dollars of a million changes.

| MiB | us a change | rows a container | bytes a row | puts, $ | a year of the bytes, $ | request of changes of 700 bytes |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| 0.5 | 37.5 | 35 | 309 | 0.143 | 0.085 | 1.06 MB |
| 1 | 33.6 | 70 | 234 | 0.072 | 0.065 | 2.12 MB |
| 2 | 32.0 | 140 | 196 | 0.036 | 0.054 | 4.24 MB |
| 3 | 31.7 | 210 | 183 | 0.024 | 0.051 | 6.37 MB |

So it stays at 2 MiB. From 1 to 2 saves 0.047 dollars a million changes. From 2 to 3, Firehose's maximum, would save 0.015, and
a batch of changes of 700 bytes would pass the 6.29 MB that Lambda takes. If a batch has four types on ten dates each, its
containers have a quarter of these rows, 35 at 2 MiB, and as many bytes a row as the line of 35 says.

Below 26 changes a second the buffer's 50 seconds end before it has 2 MiB. Terraform allows 60 at most, because a change is to
be processed within a minute. So with few changes containers are small whatever the megabytes, and `dmd compact` makes
large ones of them.

## How the functions' size was chosen

Measured on one core of an x86 machine with changes of the sample, the best of six calls: 17 ms for a batch of 1 MiB in Parquet
mode (640 records), 54 ms for 2 MiB in Avro mode (1,280 records). Later measurements elsewhere were 7 and 15 % lower. A batch of Iceberg mode
took 1.1 times as long as Parquet mode's, measured side by side. The
process takes 44 MB, in Avro mode 52, and 86 with boto3 loaded and a batch of 3 MiB; a batch of nothing but the oddest lists
of 380 KB took 129 without boto3. So memory is chosen for the share of a processor that comes with it: 512 MiB gives 0.29 of
one, some 60 ms a call and 0.7 s to start; Avro mode, which encodes and puts containers itself, has 1,024 MiB and 0.58 of one.
The timeout of 60 s is far above the time of a call; Avro mode has Firehose's whole 300 s, to wait for S3. Measure both again
on Lambda, in dev1: metric `Duration`, and `Max Memory Used` in the function's log.
"""


def page() -> str:
    """Return the text of docs/cost.md."""
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
        dpu_hours=dpu_hours(1000 * MILLION),
        dpu_dollars=dpu_hours(1000 * MILLION) * DPU_HOUR,
        dpu_hour=DPU_HOUR,
        iceberg_gb=ICEBERG_GB,
        iceberg_rounded=changes.rounded_gigabytes * ICEBERG_GB,
        iceberg_rounded_all=sum(bill(ICEBERG, changes).values())
        + (changes.rounded_gigabytes - changes.gigabytes) * ICEBERG_GB,
        files=DATES_IN_A_BUFFER + ICEBERG_COMMIT_FILES,
        dpus=OPTIMIZER_DPUS,
        compaction=OPTIMIZER_DPUS * DPU_HOUR,
        a_day=CHANGES_A_SECOND * 86_400 / MILLION,
        even=OPTIMIZER_DPUS * DPU_HOUR / sum(bill(ICEBERG, changes).values()),
        night=NIGHT_MINUTES / 60 * NIGHT_DPUS * DPU_HOUR,
        night_minutes=NIGHT_MINUTES,
        month=NIGHT_MINUTES / 60 * NIGHT_DPUS * DPU_HOUR * 30,
    )


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page(), "utf-8")

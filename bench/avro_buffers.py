"""Compare sizes of the Lambda buffer in Avro mode: a container holds the rows of one batch, one type and one date.

    python -m bench.avro_buffers [--records 20000] [--dates 10]

The changes are demands of the sample, on so many dates in turns, as in docs/cost.py. Dollars are of a million changes:
a put of each container, and a year of its bytes. `request of small changes` is that of a full batch of 700 bytes each,
of which Lambda takes 6.29 MB.
"""

import argparse
import json
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from bench.batches import event_of
from bench.function import ALL_TYPES, Context, environment, forget, silenced
from bench.made import dated, demands
from bench.processes import one_core
from bench.tables import table
from transform.function import build

MIB = 1024 * 1024
BUFFERS_MIB = (0.5, 1, 2, 3)
SMALL_BYTES = 700
MILLION = 1_000_000
S3_PUT, S3_GB_YEAR = 0.005 / 1000, 0.023 * 12  # us-east-1's list prices, as in docs/cost.py


class Containers:
    """A store that counts containers and their bytes."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def put(self, key: str, body: bytes, content_type: str) -> None:  # noqa: ARG002 - the store's signature
        """Count one."""
        self.sizes.append(len(body))


def batches(lines: list[bytes], buffer_bytes: float) -> Iterator[list[bytes]]:
    """Yield full batches, as Firehose cuts them by raw bytes; the rest at the end is left out."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if size + len(line) > buffer_bytes:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line)


def row(lines: list[bytes], mib: float) -> list[str]:
    """Return the figures of one size, the fastest of three runs over all batches."""
    events = list(map(event_of, batches(lines, mib * MIB)))
    records = sum(len(event["records"]) for event in events)
    seconds = []
    for _ in range(3):
        store = Containers()
        handler = build(environment(ALL_TYPES, mode="avro"), store)
        forget("avro")
        began = time.process_time()
        with silenced():
            for event in events:
                handler(event, Context())
        seconds.append(time.process_time() - began)
    millionth = MILLION / records
    puts, gigabytes = len(store.sizes) * millionth, sum(store.sizes) * millionth / 1e9
    return [
        f"{mib:g}",
        f"{min(seconds) / records * 1e6:.1f}",
        f"{records / len(store.sizes):.0f}",
        f"{sum(store.sizes) / records:.0f}",
        f"{puts * S3_PUT:.3f}",
        f"{gigabytes * S3_GB_YEAR:.3f}",
        f"{request_bytes(mib) / 1e6:.2f}",
    ]


def request_bytes(mib: float) -> int:
    """Return the bytes of the request of a full batch of small changes."""
    event: dict[str, Any] = event_of([b"x" * SMALL_BYTES] * int(mib * MIB / SMALL_BYTES))
    return len(json.dumps(event, separators=(",", ":")))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.avro_buffers")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--dates", type=int, default=10)
    options = parser.parse_args()
    lines = list(dated(islice(demands(), options.records), options.dates))
    names = ["MiB", "us a change", "rows", "bytes a row", "puts, $", "a year, $", "request of small changes, MB"]
    with one_core():
        print(table("Lambda buffers in Avro mode", names, [row(lines, mib) for mib in BUFFERS_MIB]))


if __name__ == "__main__":
    main()

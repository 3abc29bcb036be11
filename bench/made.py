"""Make what the bench measures on: files of changes, lakes of many files, lakes of many error objects.

python -m bench.made changes FILE RECORDS
python -m bench.made dates FILE RECORDS DATES
python -m bench.made files LAKE FILES
python -m bench.made errors LAKE OBJECTS
"""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import chain, count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from firehose.local.data_plane import DataPlane
from firehose.local.local_stream import LocalStream
from firehose.local.processors.invocation import InvocationError, LambdaCode
from firehose.local.sinks import FolderSink
from firehose.pipeline.change_records import number_changes
from firehose.pipeline.sample.records import changes
from firehose.pipeline.streams import local_pipeline, local_streams
from glue.layout import Format
from glue.model import pii_names
from glue.schema import load

FIRST_DAY = date(2015, 1, 1)
_DEMAND = b'"type":{"S":"demand"}'
_REQUESTED = re.compile(rb'("requested":\{"S":")\d{4}-\d\d-\d\d')
_FAN = b'"fanId":{"S":'


def demands() -> Iterator[bytes]:
    """Return sample changes of demands, without end."""
    every = chain.from_iterable(changes(10_000, seed) for seed in count(1))
    return (line for line in every if _DEMAND in line and _FAN in line and _REQUESTED.search(line))


def write_changes(file: Path, records: int) -> None:
    """Write so many sample changes of all types, broken ones included."""
    _write(file, changes(records, seed=1))


def dated(lines: Iterator[bytes], dates: int) -> Iterator[bytes]:
    """Return changes of demands as if requested on so many days, in turns."""
    days = [rb"\g<1>" + str(FIRST_DAY + timedelta(days=each)).encode() for each in range(dates)]
    return (_REQUESTED.sub(days[place % dates], line) for place, line in enumerate(lines))


def write_dates(file: Path, records: int, dates: int) -> None:
    """Write changes of demands of so many partition dates."""
    _write(file, dated(islice(demands(), records), dates))


def write_files(lake: Path, files: int, rows: int = 25) -> None:
    """Make a lake of so many Parquet files of demands, of so many rows each, 25 files a day: copies of one file."""
    with TemporaryDirectory() as scratch:
        local_pipeline(FolderSink(Path(scratch))).run(_numbered(dated(islice(demands(), rows), 1)))
        (original,) = Path(scratch).glob("data-pipeline/parquet/demand/*/*.parquet")
        for place in range(files):
            day = FIRST_DAY + timedelta(days=place // 25)
            folder = lake / "data-pipeline" / "parquet" / "demand" / f"partition_date={day}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, folder / f"{place}.parquet")


def write_errors(lake: Path, objects: int) -> None:
    """Make a lake of so many error objects of one record each.

    Half of the records are invalid, and each has an error document; the others failed because the function was
    throttled, so that a replay delivers them.
    """
    sink = FolderSink(lake)
    invalid = (line.replace(_FAN, b'"fanId":{"N":', 1) for line in demands())
    _each_alone(local_pipeline(sink), islice(invalid, objects // 2))
    _each_alone(_throttled(sink), islice(demands(), objects - objects // 2))


def _throttled(sink: FolderSink) -> DataPlane:
    (stream,) = [one for one in local_streams(load(), Format.PARQUET) if one.variables["RECORD_TYPES"] == "demand"]
    return DataPlane([LocalStream(stream.request, stream.table_input, _throttle, keeps_event=True)], sink)


def _throttle(_event: Any, _context: Any) -> NoReturn:
    raise InvocationError(LambdaCode.THROTTLED, "injected")


def _each_alone(plane: DataPlane, lines: Iterator[bytes]) -> None:
    for record in _numbered(lines):
        plane.accept(record, None)
        plane.finish()


def _numbered(lines: Iterator[bytes]) -> Iterator[Any]:
    return number_changes(lines, pii_names(load()))


def _write(file: Path, lines: Iterator[bytes]) -> None:
    with file.open("wb") as out:
        for line in lines:
            out.write(line + b"\n")


MAKERS: dict[str, Callable[..., None]] = {
    "changes": write_changes,
    "dates": write_dates,
    "files": write_files,
    "errors": write_errors,
}

if __name__ == "__main__":
    _, kind, path, *numbers = sys.argv
    MAKERS[kind](Path(path), *map(int, numbers))

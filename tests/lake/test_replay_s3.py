"""In S3: whatever goes wrong in whichever call is one sentence, and the next replay completes the work once."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from firehose.cli.app import app
from firehose.lake.errors.report import Basis, report
from firehose.local.user_error import UserError
from tests.failed import document_of, failed, fans
from tests.given import change, payload, s
from tests.s3_calls import BROKEN, REFUSED, Calls, Trouble, denied, s3_calls, slow_down

pytestmark = pytest.mark.slow

FIREHOSE = "data-pipeline/errors/firehose/processing-failed/dmnd-demand-1-2025-01-01-10-00-00-"
DOCUMENTS = "data-pipeline/errors/records/partition_date=2025-01-01/dmnd-demand-0.jsonl"
BAD = change(fanId={"N": "1"})

OPERATIONS = ["ListObjectsV2", "HeadBucket", "GetObject", "PutObject"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    with s3_calls(monkeypatch, "lake") as made:
        yield made


def fill() -> None:
    """A lake with two error objects and a document."""
    client = boto3.client("s3")
    for one in boto3.resource("s3").Bucket("lake").objects.all():
        one.delete()
    objects = {
        f"{FIREHOSE}0": [failed(change(fanId=s("a"))), failed(BAD)],
        f"{FIREHOSE}1": [failed(change(fanId=s("b")))],
        DOCUMENTS: [document_of(BAD)],
    }
    for key, lines in objects.items():
        client.put_object(Bucket="lake", Key=key, Body=b"\n".join(map(payload, lines)))


def replay() -> int:
    result = CliRunner().invoke(app, ["replay", "--lake", "s3://lake"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code


def delivered(folder: Path) -> list[str]:
    """Return the fans whose rows lie in the bucket."""
    for one in boto3.resource("s3").Bucket("lake").objects.all():
        path = folder / one.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.get()["Body"].read())
    return fans(folder)


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_replay_completes_once_what_a_failing_call_interrupted(calls: Calls, tmp_path: Path, operation: str) -> None:
    fill()
    calls.begin()
    assert replay() == 0
    made = [name for name, _ in calls.made]
    assert set(made) == {*OPERATIONS, "DeleteObject"}  # of the note, which ends by itself if that fails

    for at in (at for at, name in enumerate(made) if name == operation):
        for trouble in (REFUSED[at % 2], BROKEN[at % 3]):  # every call sees both, and every trouble strikes
            fill()
            calls.begin(at, trouble)
            with pytest.raises(UserError, match=r"cannot be (read|written)|may not be read"):
                replay()
        calls.begin()
        assert replay() == 0
        calls.begin()
        assert delivered(tmp_path / f"{at}") == ["a", "b"], f"call {at}"


@pytest.mark.parametrize("trouble", REFUSED + BROKEN)
def test_a_failing_call_of_errors_is_one_sentence_or_reported(calls: Calls, trouble: Trouble) -> None:
    fill()
    calls.begin()
    assert report("s3://lake").basis is Basis.FIREHOSE

    for at, (operation, parameters) in enumerate(list(calls.made)):
        calls.begin(at, trouble)
        key = str(parameters.get("Key", parameters.get("Prefix")))
        if trouble is denied and "errors/firehose/" in key:
            found = report("s3://lake")
            assert (found.basis, [one.reason for one in found.failures]) == (Basis.DENIED, ["bug"]), operation
        else:
            with pytest.raises(UserError, match="cannot be read"):
                report("s3://lake")


def test_the_user_is_told_that_firehoses_objects_may_not_be_read(calls: Calls) -> None:
    fill()
    calls.begin()
    report("s3://lake")
    at = next(at for at, (_, named) in enumerate(calls.made) if "errors/firehose/" in named.get("Key", ""))

    calls.begin(at, denied)
    result = CliRunner().invoke(app, ["errors", "--lake", "s3://lake"])

    assert result.exit_code == 0
    assert result.stderr.startswith(
        "you may not read Firehose's error objects, so these are the function's error documents"
    )


def test_a_replay_reports_its_progress_before_an_error(calls: Calls) -> None:
    fill()
    calls.begin()
    replay()
    second = [named.get("Key", "") for _, named in calls.made].index(f"{FIREHOSE}1")
    fill()

    calls.begin(second, slow_down)
    result = CliRunner().invoke(app, ["replay", "--lake", "s3://lake"])

    assert isinstance(result.exception, UserError)
    assert "the next replay continues from there" in str(result.exception)
    assert result.stdout.splitlines()[2].split() == ["demand", "1"]

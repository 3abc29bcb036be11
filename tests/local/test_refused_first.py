"""What Firehose refuses of members that do not go together, and which of several it names."""

from typing import Any

import pytest

from firehose.local.config.delivery_stream import read_delivery_stream
from firehose.local.config.members import SettingError
from tests.firehose_streams import ROLE_ARN
from tests.stream_requests import CONVERSION, S3, backed_up, changed, converting

FOREIGN = ROLE_ARN.replace("123456789012", "210987654321")
SMALL = {"SizeInMBs": 5, "IntervalInSeconds": 60}


def refusal(request: dict[str, Any]) -> SettingError:
    with pytest.raises(SettingError) as refused:
        read_delivery_stream(request)
    return refused.value


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        pytest.param(changed(converting(), f"{CONVERSION}.SchemaConfiguration.RoleARN", FOREIGN),
                     f"{CONVERSION}.SchemaConfiguration.RoleARN", id="the schema's"),
        pytest.param(backed_up(RoleARN=FOREIGN), f"{S3}.S3BackupConfiguration.RoleARN", id="the backup's"),
    ],
)  # fmt: skip
def test_a_role_of_another_account_than_the_destinations_is_refused(request_: dict[str, Any], path: str) -> None:
    refused = refusal(request_)

    assert (refused.code, refused.path) == ("AccessDeniedException", path)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        pytest.param({"CompressionFormat": "GZIP", "BufferingHints": SMALL}, "CompressionFormat", id="the compression"),
        pytest.param({"BufferingHints": SMALL}, "BufferingHints.SizeInMBs", id="then the buffer"),
        pytest.param({}, "DataFormatConversionConfiguration.InputFormatConfiguration", id="then what it lacks"),
    ],
)
def test_what_a_conversion_asks_of_its_destination_is_named_before_what_it_lacks(
    members: dict[str, Any], path: str
) -> None:
    assert refusal(converting(DataFormatConversionConfiguration={}, **members)).path == f"{S3}.{path}"

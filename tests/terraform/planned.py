"""What `terraform plan` of dev1 says, on an endpoint that has what dev1 has already."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firehose.local.tested_endpoint import endpoint_process
from tests.terraform import ENVIRONMENTS, Workspace, jobs_package, what_dev1_has_already, workspace

DEV1 = ENVIRONMENTS[0]
ACCOUNT = "123456789012"
BUCKET = "arn:aws:s3:::prd3292.dev1.us-east-1.demand-capture.tmaws"
SOURCE = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/prd3292-dev1-dmnd-table-stream"
CENTRAL = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/central"
KEY, SOURCE_KEY, CENTRAL_KEY, EXPORTS_KEY, SCRATCH_KEY, ERASURE_KEY = (
    f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{digit * 8}-0000-4000-8000-000000000000" for digit in "123456"
)

# Every setting that adds a statement or an alarm.
EVERYTHING: Mapping[str, str] = {
    "modes": '["parquet", "avro"]',
    "kms_key_arn": KEY,
    "source_kms_key_arn": SOURCE_KEY,
    "log_forwarding": f'{{ stream_arn = "{CENTRAL}", kms_key_arn = "{CENTRAL_KEY}" }}',
    "ci_principals": f'["arn:aws:iam::{ACCOUNT}:role/ci"]',
    "error_readers": f'["arn:aws:iam::{ACCOUNT}:role/operations"]',
    "function": "{ traced = true }",
    "alarms": '{ emails = ["operations@example.com"], silent_hours = 6 }',
    "jobs": (
        "{ backfill = {}, reconcile = {}, erase = {}, "
        'compact = { schedule = "cron(0 3 * * ? *)", options = "--type sale" } }'
    ),
    "erasure_key_arn": ERASURE_KEY,
    "exports": f'{{ bucket = "exports", prefix = "tables/", kms_key_arn = "{EXPORTS_KEY}" }}',
    "scratch": f'{{ bucket = "scratch", kms_key_arn = "{SCRATCH_KEY}" }}',
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as JSON: Plan(document).of("aws_iam_role_policy") -> {"aws_iam_role_policy.ci[0]": {"name": ...}, ...}."""

    document: Mapping[str, Any]

    def of(self, *kinds: str) -> dict[str, dict[str, Any]]:
        """The values of the pipeline's planned resources of these types, by address within the module."""
        return {
            one["address"].removeprefix("module.pipeline."): one["change"]["after"]
            for one in self.document["resource_changes"]
            if one["type"] in kinds and one["address"].startswith("module.pipeline.")
        }

    def policy(self, address: str, attribute: str = "policy") -> list[Any]:
        """The statements of a policy, in order."""
        kind = address.partition(".")[0]
        return list(json.loads(self.of(kind)[address][attribute])["Statement"])


@contextmanager
def planning(folder: Path) -> Iterator[Workspace]:
    """The root of dev1, initialised, with credentials of an endpoint that has dev1's table, stream and buckets."""
    # A process of its own, since this lasts for the test run: what moto holds in this one, other specifications empty.
    with endpoint_process() as endpoint:
        what_dev1_has_already(endpoint.url)
        where = workspace(
            folder,
            AWS_ENDPOINT_URL=endpoint.url,
            AWS_ACCESS_KEY_ID="x",
            AWS_SECRET_ACCESS_KEY="x",
            TF_VAR_account_id=ACCOUNT,
            TF_VAR_local_endpoint="true",
            # The one setting of a backend that has no variable: over http, buckets with dots are found by path.
            TF_CLI_ARGS_init="-backend-config=use_path_style=true",
        )
        (folder / "build").mkdir()
        (folder / "build" / "function.zip").write_bytes(b"any")
        jobs_package(folder / "build" / "glue")
        where.init(DEV1, "-backend-config=backend.tfbackend")
        yield where


def plan(where: Workspace, variables: Mapping[str, str]) -> Plan:
    """The plan of dev1 with these variables beside those of its terraform.tfvars."""
    done = where.run(DEV1, "plan", "-out=plan", *(f"-var={name}={value}" for name, value in variables.items()))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return Plan(json.loads(where.run(DEV1, "show", "-json", "plan").stdout))

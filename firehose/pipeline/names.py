"""The names of an environment's resources. Terraform has the same rules: modules/pipeline/names.tf, environment/."""

import msgspec

from firehose.pipeline.modes import MODES
from glue.layout import Format

REGION = "us-east-1"


class Names(msgspec.Struct, frozen=True):
    """The names of one environment: Names("dev1").table -> "prd3292-dev1-us-east-1-demand-table"."""

    environment: str

    @property
    def prefix(self) -> str:
        """The prefix of most names: prd3292-dev1-dmnd."""
        return f"prd3292-{self.environment}-dmnd"

    @property
    def table(self) -> str:
        """The DynamoDB table."""
        return f"prd3292-{self.environment}-{REGION}-demand-table"

    @property
    def stream(self) -> str:
        """The Kinesis stream of the table's changes."""
        return f"{self.prefix}-table-stream"

    @property
    def bucket(self) -> str:
        """The bucket of the lake."""
        return f"prd3292.{self.environment}.{REGION}.demand-capture.tmaws"

    @classmethod
    def of_bucket(cls, bucket: str) -> "Names | None":
        """The names of the environment whose lake is in this bucket; None if it is not one of ours."""
        parts = bucket.split(".")
        names = cls(parts[1]) if len(parts) > 1 else None
        return names if names and names.bucket == bucket else None

    @property
    def ci_role(self) -> str:
        """The role that end-to-end tests assume."""
        return f"{self.prefix}-ci"

    @property
    def ci_workgroup(self) -> str:
        """The Athena workgroup that end-to-end tests query in."""
        return f"{self.prefix}-ci"

    def delivery_stream(self, key: str) -> str:
        """A delivery stream, and its function: "sale" -> "prd3292-dev1-dmnd-sale"."""
        return f"{self.prefix}-{key}"

    def database(self, mode: Format) -> str:
        """The Glue database of a mode: prd3292_dev1_dmnd_pipeline_parquet."""
        return f"prd3292_{self.environment}_dmnd_pipeline{MODES[mode].database}"

"""What an environment's things are called. Terraform has the same rules: modules/pipeline/names.tf, environment/."""

from dataclasses import dataclass

from glue.layout import Format

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one environment: Names("dev1").table -> "prd3292-dev1-us-east-1-demand-table"."""

    environment: str

    @property
    def prefix(self) -> str:
        """What most names begin with: prd3292-dev1-dmnd."""
        return f"prd3292-{self.environment}-dmnd"

    @property
    def table(self) -> str:
        """The DynamoDB table."""
        return f"prd3292-{self.environment}-{REGION}-demand-table"

    @property
    def stream(self) -> str:
        """The Kinesis stream of its changes."""
        return f"{self.prefix}-table-stream"

    @property
    def bucket(self) -> str:
        """The bucket of the lake."""
        return f"prd3292.{self.environment}.{REGION}.demand-capture.tmaws"

    @property
    def ci_role(self) -> str:
        """The role that end-to-end tests take."""
        return f"{self.prefix}-ci"

    @property
    def ci_workgroup(self) -> str:
        """The Athena workgroup that they query in."""
        return f"{self.prefix}-ci"

    def database(self, mode: Format) -> str:
        """The Glue database of a mode: prd3292_dev1_dmnd_pipeline_parquet."""
        name = f"prd3292_{self.environment}_dmnd_pipeline"
        return name if mode is Format.AVRO else f"{name}_{mode}"

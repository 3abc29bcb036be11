"""Deploys the pipeline to an endpoint, by terraform if that is installed, else by our own builders."""

from collections.abc import Callable, Sequence
from pathlib import Path

from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.iceberg_installed import check_iceberg_installed
from firehose.local.private_files import make_folder, write_file
from firehose.local.user_error import UserError
from firehose.pipeline.package import checkout_package
from firehose.pipeline.up.resources import ENVIRONMENT, make_iceberg_tables, make_resources
from firehose.pipeline.up.terraform import apply_test, terraform_command
from glue.layout import Format


def prepare(
    endpoint: Endpoint, modes: Sequence[Format], package: Path | None, state: Path, say: Callable[[str], None]
) -> None:
    """Deploy the pipeline. Without `package` the functions come from this checkout.

    Raises:
        UserError: the package cannot be read, or the pipeline cannot be deployed.
    """
    if Format.ICEBERG in modes:
        check_iceberg_installed()
    ours = _read(package) if package else checkout_package()
    terraform = terraform_command()
    if terraform:
        deployed = state / "function.zip"
        make_folder(deployed.parent)
        write_file(deployed, ours)
        say(f"applying terraform/test to {endpoint.url}; that takes about a minute")
        apply_test(terraform, endpoint, modes, deployed, state)
    else:
        say("terraform not found: our own builders make the same resources")
        make_resources(endpoint, modes, ours)
    if Format.ICEBERG in modes:
        say(f"making the Iceberg tables, as dmd iceberg tables --glue --environment {ENVIRONMENT} does")
        make_iceberg_tables(endpoint)


def _read(package: Path) -> bytes:
    try:
        return package.read_bytes()
    except OSError as error:
        raise UserError(f"{package} cannot be read: {error.strerror}") from None

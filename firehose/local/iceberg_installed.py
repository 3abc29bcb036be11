"""Checks that PyIceberg is installed, which is an extra."""

from firehose.local.user_error import UserError


def check_iceberg_installed() -> None:
    """Check it before anything is made.

    Raises:
        UserError: it, or something that it needs, is missing.
    """
    try:
        import pyiceberg.catalog.sql  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        raise UserError(
            f"Iceberg tables need PyIceberg ({error.name} is missing): install dmd-pipeline[iceberg]"
        ) from None

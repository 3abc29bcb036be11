"""A missing or wrong variable fails when the function is made, with a sentence that names it."""

import pytest

from tests.given import Bucket, environment
from transform.function import build
from transform.settings import ConfigurationError


@pytest.mark.parametrize("name", ["RECORD_TYPES", "CLAIMS_UNREADABLE", "BUCKET", "ERROR_PREFIX", "FORMAT"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    variables = environment("demand", claims=True)
    variables |= {name: value} if value is not None else {}
    if value is None:
        del variables[name]

    with pytest.raises(ConfigurationError, match=f"^{name} is not set: "):
        build(variables, Bucket())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECORD_TYPES", "demand,venue"),
        ("RECORD_TYPES", "demand,,sale"),
        ("CLAIMS_UNREADABLE", "True"),
        ("CLAIMS_UNREADABLE", "1"),
        ("RECORD_TYPES", "demand,demand"),
        ("ERROR_PREFIX", "errors"),
        ("ERROR_PREFIX", "s3://bucket/errors/"),
        ("ERROR_PREFIX", "/errors/"),
        ("BUCKET", " lake "),
        ("FORMAT", "orc"),
        ("AVRO_CODEC", "snappy"),
        ("AVRO_CODEC", ""),
        ("REPLY", "bytes"),
        ("REPLY", ""),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    variables = environment("demand", claims=True) | {name: value}

    with pytest.raises(ConfigurationError, match=f"^{name} is wrong: "):
        build(variables, Bucket())

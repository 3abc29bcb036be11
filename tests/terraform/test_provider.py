"""The AWS provider: led to a local endpoint, the versions that terraform/ accepts, the names of version 6 it uses."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.terraform import PROJECT
from tests.terraform.planned import Plan

pytestmark = pytest.mark.slow

TERRAFORM = PROJECT / "terraform"
PROVIDER_6 = json.loads((Path(__file__).parent / "provider_6.json").read_text())

# Deprecated or removed in 6, of the resources used here. Source: the provider's "Version 6 upgrade guide".
DEPRECATED = {
    "aws_iam_role": {"inline_policy", "managed_policy_arns"},
    "aws_s3_bucket": {
        *("acceleration_status", "acl", "cors_rule", "grant", "lifecycle_rule", "logging", "policy"),
        *("object_lock_configuration", "replication_configuration", "request_payer", "versioning", "website"),
        "server_side_encryption_configuration",
    },
    "aws_s3_bucket_lifecycle_configuration": {"rule.prefix"},
}


def written(module: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The arguments of all AWS resources and data sources of a module and its modules, without nested ones."""
    for resource in module.get("resources", []):
        if resource["type"].startswith("aws_"):
            kind = "data." * (resource["mode"] == "data") + resource["type"]
            yield from ((kind, name) for name in resource.get("expressions", {}))
    for call in module.get("module_calls", {}).values():
        yield from written(call["module"])


def nested(values: dict[str, Any], at: str = "") -> Iterator[str]:
    """The blocks of a planned resource and what is set in them: "rule", "rule.filter", "rule.filter.prefix"."""
    for name, value in values.items():
        is_block = isinstance(value, list) and value and isinstance(value[0], dict)
        if is_block or (at and value):
            yield f"{at}{name}"
        if is_block:
            for block in value:
                yield from nested(block, f"{at}{name}.")


# Its variables and its backend's are those of tests/terraform/planned.py.
def test_an_environments_root_goes_to_a_local_endpoint_by_variables_alone(everything: Plan) -> None:
    actions = [one["change"]["actions"] for one in everything.document["resource_changes"] if one["mode"] == "managed"]
    streams = everything.of("aws_kinesis_firehose_delivery_stream").values()

    assert {action for each in actions for action in each} == {"create"}
    assert "prd3292-dev1-dmnd-sale" in {one["name"] for one in streams}


def test_every_argument_is_one_of_version_6(everything: Plan) -> None:
    names = set(written(everything.document["configuration"]["root_module"]))
    for change in everything.document["resource_changes"]:
        if change["type"].startswith("aws_"):
            names |= {(change["type"], name) for name in nested(change["change"]["after"])}

    unknown = {
        f"{kind}.{name}"
        for kind, name in names
        if name.rpartition(".")[2] not in PROVIDER_6["arguments"].get(kind, "").split()
    }
    deprecated = {f"{kind}.{name}" for kind, name in names if name in DEPRECATED.get(kind, ())}

    assert ("aws_s3_bucket_lifecycle_configuration", "rule.expiration.days") in names
    assert unknown == set()
    assert deprecated == set()


def test_the_pipeline_and_every_root_accept_5_100_and_6() -> None:
    versions = {
        path.relative_to(TERRAFORM).as_posix(): set(
            re.findall(r'^ +version += "([^"]+)"', path.read_text(), re.MULTILINE)
        )
        for path in TERRAFORM.rglob("*.tf")
        if not path.is_symlink() and ".terraform" not in path.parts and "required_providers" in path.read_text()
    }

    assert len(versions) == 5
    assert set(map(frozenset, versions.values())) == {frozenset({">= 5.100, < 7"})}


@pytest.mark.parametrize("kind", ["aws_kinesis_firehose_delivery_stream", "data.aws_kinesis_stream"])
def test_the_list_of_names_has_nested_ones(kind: str) -> None:
    assert {"name"} <= set(PROVIDER_6["arguments"][kind].split())

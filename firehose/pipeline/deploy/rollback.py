"""Points the aliases that Firehose calls back to an earlier version of the functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.endpoint.endpoint import Services
from firehose.local.user_error import UserError
from firehose.pipeline.deploy.environments import Environment, confirm
from firehose.pipeline.names import Names

# The alias of every function (terraform/modules/pipeline/names.tf).
ALIAS = "live"

# Anything shorter is taken for a version's number.
_HASH_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Version:
    """A published version: Version("12", "k3J0...=")."""

    number: str
    code: str

    def __str__(self) -> str:
        return f"version {self.number} (code {self.code[:_HASH_CHARACTERS]})"


def rollback(
    environment: Environment,
    version: str,
    services: Services,
    *,
    say: Callable[[str], None],
    ask: Callable[[str], str] = input,
) -> None:
    """Point every function's alias to a version: its number or, if numbers differ, the start of its code's hash.

    Raises:
        UserError: a function has no such version, the versions are not of one release, or the user does not confirm.
    """
    names = Names(environment.name)
    with as_user_errors(f"the functions of {environment.name}", "read"):
        client = services.client("lambda")
        published = {name: _versions(client, name) for name in _functions(client, f"{names.prefix}-")}
    if not published:
        raise UserError(f"{environment.name} has no functions {names.prefix}-* with an alias {ALIAS}")
    chosen = {name: _choose(name, versions, version) for name, versions in published.items()}
    _check_one_release(chosen)
    for name, one in chosen.items():
        say(f"{name}: {one}")
    confirm(environment, f"Point {len(chosen)} functions of {environment.name} to these?", ask)
    with as_user_errors(f"the functions of {environment.name}", "changed"):
        for name, one in chosen.items():
            client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=one.number)
    say(f"{environment.name} runs {version} from now on; the next deployment undoes this, so revert the code as well")


def _functions(client: Any, prefix: str) -> list[str]:
    """Return the functions that have the alias, sorted."""
    pages = client.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    return sorted(name for name in names if name.startswith(prefix) and _has_alias(client, name))


def _has_alias(client: Any, name: str) -> bool:
    pages = client.get_paginator("list_aliases").paginate(FunctionName=name)
    return any(one["Name"] == ALIAS for page in pages for one in page["Aliases"])


def _versions(client: Any, name: str) -> list[Version]:
    """Return the published versions of a function, oldest first."""
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    found = [Version(one["Version"], one["CodeSha256"]) for page in pages for one in page["Versions"]]
    return sorted((one for one in found if one.number.isdigit()), key=lambda one: int(one.number))


def _choose(name: str, versions: list[Version], wanted: str) -> Version:
    by_code = len(wanted) >= _HASH_CHARACTERS
    found = [one for one in versions if one.number == wanted or (by_code and one.code.startswith(wanted))]
    if not found:
        last = ", ".join(str(one) for one in versions[-5:])
        raise UserError(f"{name} has no version {wanted or '(VERSION=... is missing)'}; its last ones are {last}")
    return found[-1]


def _check_one_release(chosen: Mapping[str, Version]) -> None:
    if len({one.code for one in chosen.values()}) > 1:
        of_each = "".join(f"  {name}: {one}\n" for name, one in chosen.items())
        raise UserError(
            f"these versions are not of one release:\n{of_each}Choose the release by its code instead: "
            "VERSION=<the first 8 characters or more of the code>"
        )

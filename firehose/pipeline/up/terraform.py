"""terraform/test applied to a local endpoint, with its state beside ours."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.endpoint.function_package import PROJECT
from firehose.local.user_error import UserError
from glue.layout import Format

ROOT = PROJECT / "terraform" / "test"

_PROVIDER = Path("registry.terraform.io") / "hashicorp" / "aws"

_UNATTENDED = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "CHECKPOINT_DISABLE": "1",
    # The provider's schemas are half a gigabyte that stays until it ends: to look through them for garbage again and
    # again is a fifth of what a plan takes.
    "GOGC": "off",
    "GOMEMLIMIT": "1GiB",
}


def terraform_command() -> str | None:
    """The terraform that DMD_TERRAFORM names, else that of the path; None where there is none, or no terraform/test."""
    if not (ROOT / "main.tf").is_file():
        return None
    return os.environ.get("DMD_TERRAFORM") or shutil.which("terraform")


def provider_mirror() -> Path | None:
    """A folder that holds the AWS provider: what DMD_TERRAFORM_PLUGINS says, or where people keep such folders."""
    told = os.environ.get("DMD_TERRAFORM_PLUGINS")
    usual = [Path.home() / ".terraform.d" / "plugins", Path("/usr/local/share/terraform/plugins")]
    usual += [Path("/usr/share/terraform/plugins"), *sorted(Path("/opt").glob("*"))]
    return next((place for place in ([Path(told)] if told else usual) if (place / _PROVIDER).is_dir()), None)


def surroundings(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment to run terraform in: with these variables, and none of the user's accounts and settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    return {**kept, **_UNATTENDED, **variables}


def apply_test(terraform: str, endpoint: Endpoint, modes: Iterable[Format], package: Path, state: Path) -> None:
    """Applies terraform/test to the endpoint, from a copy in `state`, where what terraform remembers stays as well.

    Raises:
        UserError: it cannot be applied; with what terraform says last.
    """
    root = _copied(state / "terraform")
    environment = surroundings(
        {
            **endpoint.variables,
            "TF_VAR_package": str(package.resolve()),
            "TF_VAR_modes": "[" + ",".join(f'"{mode}"' for mode in modes) + "]",
        }
    )
    mirror = provider_mirror()
    plugins = [f"-plugin-dir={mirror}"] if mirror else []
    for arguments in (["init", "-no-color", *plugins], ["apply", "-no-color", "-auto-approve"]):
        _run([terraform, *arguments], root, environment)


def _copied(folder: Path) -> Path:
    """terraform/test and all that it reads, copied; a state that is there stays."""
    without = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(ROOT.parent, folder / "terraform", symlinks=True, ignore=without, dirs_exist_ok=True)
    for part in ("tables", "athena"):
        shutil.copytree(PROJECT / "glue" / part, folder / "glue" / part, dirs_exist_ok=True)
    return folder / "terraform" / ROOT.name


def _run(command: Sequence[str], root: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - the user's terraform
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-20:])
        raise UserError(f"terraform {command[1]} failed in terraform/test:\n{last}")

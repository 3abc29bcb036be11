"""Applies terraform/test to a local endpoint, with terraform's state beside ours."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.processors.child_process import kill_session
from firehose.local.user_error import UserError
from firehose.pipeline.package import PROJECT
from glue.layout import Format

ROOT = PROJECT / "terraform" / "test"

_PROVIDER = Path("registry.terraform.io") / "hashicorp" / "aws"

_UNATTENDED = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "CHECKPOINT_DISABLE": "1",
    # The provider holds half a gigabyte of schemas until it ends; collecting garbage among them takes a fifth of a
    # plan's time.
    "GOGC": "off",
    "GOMEMLIMIT": "1GiB",
}


def terraform_command() -> str | None:
    """Return the terraform that DMD_TERRAFORM names, else that of PATH; None if it or terraform/test is missing."""
    if not (ROOT / "main.tf").is_file():
        return None
    return os.environ.get("DMD_TERRAFORM") or shutil.which("terraform")


def provider_mirror() -> Path | None:
    """Return a folder with the AWS provider: the one in DMD_TERRAFORM_PLUGINS, or the first of the usual places."""
    named = os.environ.get("DMD_TERRAFORM_PLUGINS")
    usual = [Path.home() / ".terraform.d" / "plugins", Path("/usr/local/share/terraform/plugins")]
    usual += [Path("/usr/share/terraform/plugins"), *sorted(Path("/opt").glob("*"))]
    return next((place for place in ([Path(named)] if named else usual) if (place / _PROVIDER).is_dir()), None)


def surroundings(variables: Mapping[str, str]) -> dict[str, str]:
    """Return terraform's environment: these variables, and none of the user's accounts and settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    return {**kept, **_UNATTENDED, **variables}


def apply_test(terraform: str, endpoint: Endpoint, modes: Iterable[Format], package: Path, state: Path) -> None:
    """Apply terraform/test to the endpoint, from a copy in the folder `state`, where terraform's own state stays.

    Raises:
        UserError: it cannot be applied; the message ends with terraform's last lines.
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
    """Copy terraform/test and all that it reads, and return its root there. An earlier state stays."""
    without = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(ROOT.parent, folder / "terraform", symlinks=True, ignore=without, dirs_exist_ok=True)
    for part in ("tables", "athena"):
        shutil.copytree(PROJECT / "glue" / part, folder / "glue" / part, dirs_exist_ok=True)
    return folder / "terraform" / ROOT.name


def _run(command: Sequence[str], root: Path, environment: dict[str, str]) -> None:
    # In a session of its own, so that its providers end with it if we are stopped.
    process = subprocess.Popen(  # noqa: S603 - the user's terraform
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        printed, errors = process.communicate()
    except BaseException:
        kill_session(process)
        raise
    if process.returncode:
        last = "\n".join((errors.strip() or printed.strip()).decode(errors="replace").splitlines()[-20:])
        raise UserError(f"terraform {command[1]} failed in terraform/test:\n{last}")

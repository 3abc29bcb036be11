"""Releases one environment by Terraform: plans, shows the plan, refuses dangerous changes, and applies in order."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firehose.local.aws_errors import as_user_errors
from firehose.local.endpoint.endpoint import Services
from firehose.local.user_error import UserError
from firehose.pipeline.deploy.environments import Environment, confirm, refuse_in_ci
from firehose.pipeline.deploy.planned import TABLE, PlannedChange, changes_of, check_same, check_streams

TABLES = f"module.pipeline.{TABLE}.this"

# Firehose picks up the newest version of a table by itself, but later; AWS does not say how much later.
TABLE_SECONDS = 60

# Functions and streams take some seconds to become ready.
READY_SECONDS, LOOK_SECONDS = 600, 5


@dataclass(frozen=True, slots=True)
class Terraform:
    """Runs terraform in the root of an environment, with the caller's own variables and credentials."""

    command: str
    root: Path

    def init(self) -> None:
        """Initialise the root with the environment's own backend."""
        self._run("init", "-input=false", "-backend-config=backend.tfbackend")

    def plan(self, file: str, *arguments: str) -> list[PlannedChange]:
        """Write a plan to a file and print it; return its changes."""
        self._run("plan", "-input=false", f"-out={file}", *arguments)
        return changes_of(self._json("show", "-json", file))

    def apply(self, file: str) -> None:
        """Apply a plan."""
        self._run("apply", "-input=false", file)

    def outputs(self) -> dict[str, Any]:
        """Return the values of the outputs: {"workgroup": "prd3292-dev1-dmnd", ...}."""
        return {name: one["value"] for name, one in self._json("output", "-json").items()}

    def _run(self, *arguments: str) -> None:
        done = subprocess.run([self.command, *arguments], cwd=self.root, env=_variables(), check=False)  # noqa: S603
        if done.returncode:
            raise UserError(f"terraform {arguments[0]} failed in {self.root}: its own message is above")

    def _json(self, *arguments: str) -> Any:
        done = subprocess.run(  # noqa: S603 - the user's terraform
            [self.command, *arguments], cwd=self.root, env=_variables(), check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise UserError(f"terraform {arguments[0]} failed in {self.root}:\n{done.stderr.strip()}")
        return json.loads(done.stdout)


def _variables() -> dict[str, str]:
    return {**os.environ, "TF_IN_AUTOMATION": "1"}


def open_terraform(environment: Environment) -> Terraform:
    """Return Terraform in an environment's root.

    Raises:
        UserError: terraform is not installed, or the account is not set.
    """
    command = os.environ.get("DMD_TERRAFORM") or shutil.which("terraform")
    if command is None:
        raise UserError("terraform not found: install Terraform 1.11 or later")
    if not os.environ.get("TF_VAR_account_id"):  # noqa: SIM112 - Terraform's name for it
        raise UserError(
            f"TF_VAR_account_id is not set: export the 12 digits of {environment.root.parent.name}'s account, so that "
            "a plan with another account's credentials fails"
        )
    return Terraform(command, environment.root)


def plan(environment: Environment, terraform: Terraform) -> list[PlannedChange]:
    """Show the plan of an environment; return its changes.

    Raises:
        UserError: it cannot be planned, or changes a delivery stream that exists.
    """
    terraform.init()
    return _plan_without_streams(environment, terraform)


def _plan_without_streams(environment: Environment, terraform: Terraform) -> list[PlannedChange]:
    changes = terraform.plan("plan")
    check_streams(changes, f"terraform/{environment.root.parent.name}/{environment.name}")
    return changes


def deploy(
    environment: Environment,
    terraform: Terraform,
    services: Services,
    *,
    say: Callable[[str], None],
    ask: Callable[[str], str] = input,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Plan, show and apply an environment, the tables first; then wait until all of it is ready.

    Raises:
        UserError: the deployment is not allowed or not confirmed, or terraform or AWS refuses it.
    """
    refuse_in_ci(environment, "deployed")
    changes = plan(environment, terraform)
    if not changes:
        say(f"{environment.name} is as planned: nothing to apply")
        return
    confirm(environment, f"Apply this plan to {environment.name}?", ask)
    if any(one.kind == TABLE for one in changes):
        # An older function fits a newer table, not the other way round.
        say("tables first")
        _apply_tables(terraform)
        sleep(TABLE_SECONDS)
        check_same(changes, _plan_without_streams(environment, terraform))
    terraform.apply("plan")
    wait_until_ready(services, terraform.outputs(), sleep)
    say(f"{environment.name} is deployed: delivery streams and functions are ready")


def _apply_tables(terraform: Terraform) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "tables")
        terraform.plan(file, f"-target={TABLES}")
        terraform.apply(file)


def wait_until_ready(services: Services, outputs: dict[str, Any], sleep: Callable[[float], None]) -> None:
    """Wait until every function is active and updated, and every delivery stream active.

    Raises:
        UserError: one is not ready in ten minutes.
    """
    with as_user_errors("what was deployed", "looked at"):
        functions, streams = services.client("lambda"), services.client("firehose")
        waiting: list[tuple[Callable[[Any, str], str], Any, str]]
        waiting = [(_function_state, functions, one) for one in outputs["functions"].values()]
        waiting += [(_stream_state, streams, one) for one in outputs["delivery_streams"].values()]
        for _ in range(READY_SECONDS // LOOK_SECONDS):
            waiting = [(state, client, one) for state, client, one in waiting if state(client, one) not in _READY]
            if not waiting:
                return
            sleep(LOOK_SECONDS)
    states = ", ".join(f"{one} is {state(client, one)}" for state, client, one in waiting)
    raise UserError(f"not ready after {READY_SECONDS} s: {states}. Look at it in AWS; make rollback goes back")


_READY = {"Active and Successful", "ACTIVE"}


def _function_state(client: Any, alias: str) -> str:
    found = client.get_function_configuration(FunctionName=alias)
    return f"{found['State']} and {found['LastUpdateStatus']}"


def _stream_state(client: Any, name: str) -> str:
    described = client.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    return str(described["DeliveryStreamStatus"])

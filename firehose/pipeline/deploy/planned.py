"""Reads the changes of a Terraform plan, and refuses plans that a deployment must not apply."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from firehose.local.user_error import UserError

DELIVERY_STREAM = "aws_kinesis_firehose_delivery_stream"
TABLE = "aws_glue_catalog_table"

# Terraform's names for actions that change nothing.
_NOTHING = (["no-op"], ["read"])


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A planned change: PlannedChange("module...live[0]", "aws_lambda_alias", ("update",), ("function_version",))."""

    address: str
    kind: str
    actions: tuple[str, ...]
    attributes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.address}: {' and '.join(self.actions)}{_of(self.attributes)}"


def _of(attributes: tuple[str, ...]) -> str:
    return f" ({', '.join(attributes)})" if attributes else ""


def changes_of(document: Mapping[str, Any]) -> list[PlannedChange]:
    """Return the changes in a plan as `terraform show -json` prints it."""
    return [
        PlannedChange(one["address"], one["type"], tuple(one["change"]["actions"]), _changed(one["change"]))
        for one in document.get("resource_changes", [])
        if one["change"]["actions"] not in _NOTHING
    ]


def _changed(change: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of the attributes that a change touches: ("s3_configuration.buffering_interval",)."""
    before, after = change.get("before"), change.get("after")
    return () if before is None or after is None else tuple(sorted(set(_different(before, after))))


def _different(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {*before, *after}:
            yield from _different(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for old, new in zip(before, after, strict=True):
            yield from _different(old, new, path)
    elif before != after:
        yield path


def check_streams(changes: Iterable[PlannedChange], root: str) -> None:
    """Check that no delivery stream that exists is changed.

    Raises:
        UserError: one is updated, replaced or removed.
    """
    touched = [one for one in changes if one.kind == DELIVERY_STREAM and one.actions != ("create",)]
    if touched:
        raise UserError(
            "this plan changes delivery streams, which a release must not do:\n"
            + "".join(f"  {one}\n" for one in touched)
            + "A stream that is replaced or removed loses the changes that it has not read yet. Find out why it is "
            f'planned (docs/deploy.md, "The three commands"). To apply it on purpose: cd {root} && terraform apply plan'
        )


def check_same(shown: Iterable[PlannedChange], now: Iterable[PlannedChange]) -> None:
    """Check that a second plan makes no change that the first one did not show.

    Raises:
        UserError: it makes one.
    """
    known = {(one.address, one.actions) for one in shown}
    new = [one for one in now if (one.address, one.actions) not in known]
    if new:
        raise UserError(
            "the plan has changed since it was shown, and is not applied:\n"
            + "".join(f"  {one}\n" for one in new)
            + "The tables are applied. Run the same command again to see the rest."
        )

"""What a deployment asks, and what it refuses before anything is changed. tests/terraform/test_deploy.py deploys."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firehose.local.user_error import UserError
from firehose.pipeline.deploy.__main__ import main
from firehose.pipeline.deploy.environments import Environment, confirm, find_environment, in_ci
from firehose.pipeline.deploy.planned import PlannedChange, changes_of, check_same, check_streams
from firehose.pipeline.deploy.release import Terraform, deploy, open_terraform, wait_until_ready
from firehose.pipeline.deploy.rollback import rollback

DEV1, PROD1 = Environment("dev1", Path("tm-nonprod/dev1")), Environment("prod1", Path("tm-prod/prod1"))
STREAM = 'module.pipeline.aws_kinesis_firehose_delivery_stream.this["sale"]'


@pytest.fixture(autouse=True)
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "DMD_TERRAFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TF_VAR_account_id", "123456789012")


def answering(answer: str, asked: list[str] | None = None) -> Callable[[str], str]:
    def answered(question: str) -> str:
        if asked is not None:
            asked.append(question)
        return answer

    return answered


def refuse_to_answer(question: str) -> str:
    raise AssertionError(question)


@pytest.mark.parametrize(("environment", "answer"), [(DEV1, "yes"), (PROD1, "prod1")])
def test_at_a_terminal_yes_goes_on_and_production_wants_its_name(environment: Environment, answer: str) -> None:
    asked: list[str] = []

    confirm(environment, "Go on?", answering(answer, asked))

    assert asked == [f"Go on? Type {answer} to go on: "]


@pytest.mark.parametrize(
    ("environment", "answer"), [(DEV1, ""), (DEV1, "no"), (PROD1, "yes"), (PROD1, "preprod1"), (PROD1, "")]
)
def test_any_other_answer_stops(environment: Environment, answer: str) -> None:
    with pytest.raises(UserError, match="stopped: nothing was changed"):
        confirm(environment, "Go on?", answering(answer))


def test_in_ci_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    asked: list[str] = []

    confirm(DEV1, "Go on?", answering("no", asked))

    assert asked == []


def test_in_ci_production_is_not_even_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(UserError, match="prod1 is not deployed in CI"):
        deploy(PROD1, Terraform("/nowhere", PROD1.root), Fake([]), say=print, ask=refuse_to_answer)


def test_in_ci_production_is_not_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    functions = Fake([("prd3292-prod1-dmnd-sale", {"1": "aaaaaaaaaa"})])

    with pytest.raises(UserError, match="prod1 is not changed in CI"):
        rollback(PROD1, "1", functions, say=print, ask=refuse_to_answer)

    assert functions.pointed == {}


def test_without_a_terminal_and_without_ci_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    with pytest.raises(UserError, match="no terminal to ask at: set CI=true"):
        confirm(DEV1, "Go on?")


def test_an_unknown_environment_is_told_the_known_ones(tmp_path: Path) -> None:
    for root in ("tm-nonprod/dev1", "tm-prod/prod1"):
        (tmp_path / "terraform" / root).mkdir(parents=True)
        (tmp_path / "terraform" / root / "terraform.tfvars").touch()

    assert find_environment("prod1", tmp_path).root == tmp_path / "terraform" / "tm-prod" / "prod1"
    with pytest.raises(UserError, match=r"unknown environment 'dev2' \(choose from dev1, prod1\)"):
        find_environment("dev2", tmp_path)


def test_the_account_must_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_VAR_account_id")
    monkeypatch.setenv("DMD_TERRAFORM", "/bin/terraform")

    with pytest.raises(UserError, match="TF_VAR_account_id is not set: export the 12 digits of tm-nonprod"):
        open_terraform(DEV1)


def test_the_command_says_what_is_wrong_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "nosuch"]) == 2

    assert "deploy: unknown environment 'nosuch'" in capsys.readouterr().err


@pytest.mark.parametrize("actions", [["update"], ["delete"], ["delete", "create"], ["create", "delete"]])
def test_a_delivery_stream_that_exists_is_not_changed(actions: list[str]) -> None:
    before, after = ({"name": "sale", "s3": [{"prefix": "a/", "seconds": seconds}]} for seconds in (60, 120))
    change = {"actions": actions, "before": before, "after": after}
    changes = changes_of({"resource_changes": [planned_change(STREAM, change)]})

    with pytest.raises(UserError, match=r"(?sm)changes delivery streams.*this\[\"sale\"\]: [a-z ]+ \(s3.seconds\)$"):
        check_streams(changes, "terraform/tm-nonprod/dev1")


@pytest.mark.parametrize(("actions", "counted"), [(["create"], 1), (["no-op"], 0), (["read"], 0)])
def test_a_new_delivery_stream_is_made(actions: list[str], counted: int) -> None:
    change = {"actions": actions, "before": None, "after": {"name": "sale"}}

    changes = changes_of({"resource_changes": [planned_change(STREAM, change)]})

    check_streams(changes, "terraform/tm-nonprod/dev1")
    assert [str(one) for one in changes] == [f"{STREAM}: create"] * counted


def planned_change(address: str, change: dict[str, Any]) -> dict[str, Any]:
    return {"address": address, "type": address.split(".")[-2], "change": change}


def test_what_was_not_shown_is_not_applied() -> None:
    shown = [PlannedChange("a", "x", ("update",), ()), PlannedChange("b", "x", ("create",), ())]

    check_same(shown, shown[:1])
    with pytest.raises(UserError, match=r"(?s)changed since it was shown.*a: delete"):
        check_same(shown, [PlannedChange("a", "x", ("delete",), ())])


def test_terraform_is_planned_shown_confirmed_and_applied_in_this_order(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    terraform = fake_terraform(tmp_path, [planned_change("module.a.aws_lambda_alias.live", {"actions": ["update"]})])
    asked: list[list[str]] = []

    def ask(_question: str) -> str:
        asked.append(calls(tmp_path))
        return "yes"

    deploy(DEV1, terraform, Fake([]), say=print, ask=ask, sleep=refuse_to_sleep)

    assert asked == [["init", "plan", "show"]]
    assert calls(tmp_path) == ["init", "plan", "show", "apply", "output"]
    assert "the plan, for people" in capfd.readouterr().out


def test_tables_are_applied_and_waited_for_before_the_rest(tmp_path: Path) -> None:
    terraform = fake_terraform(
        tmp_path, [planned_change('module.pipeline.aws_glue_catalog_table.this["x"]', {"actions": ["update"]})]
    )
    slept: list[tuple[float, list[str]]] = []

    deploy(
        DEV1, terraform, Fake([]), say=print, ask=answering("yes"), sleep=lambda s: slept.append((s, calls(tmp_path)))
    )

    tables = ["init", "plan", "show", "plan", "show", "apply"]
    assert slept == [(60, tables)]
    assert calls(tmp_path) == [*tables, "plan", "show", "apply", "output"]
    lines = (tmp_path / "calls").read_text().splitlines()
    assert [line for line in lines if "-target" in line] == [
        next(line for line in lines if "-target=module.pipeline.aws_glue_catalog_table.this" in line)
    ]


def test_a_no_changes_nothing(tmp_path: Path) -> None:
    terraform = fake_terraform(tmp_path, [planned_change("module.a.aws_lambda_alias.live", {"actions": ["update"]})])

    with pytest.raises(UserError, match="stopped: nothing was changed"):
        deploy(DEV1, terraform, Fake([]), say=print, ask=answering("no"), sleep=refuse_to_sleep)

    assert "apply" not in calls(tmp_path)


def test_terraform_that_fails_is_told(tmp_path: Path) -> None:
    terraform = Terraform("/bin/false", tmp_path)

    with pytest.raises(UserError, match="terraform init failed in"):
        deploy(DEV1, terraform, Fake([]), say=print, ask=refuse_to_answer)


def refuse_to_sleep(seconds: float) -> None:
    raise AssertionError(seconds)


def fake_terraform(folder: Path, changes: list[dict[str, Any]]) -> Terraform:
    """A terraform that notes how it is called, and plans these changes."""
    (folder / "plan.json").write_text(json.dumps({"resource_changes": changes}))
    script = folder / "terraform"
    script.write_text(
        f"""#!{sys.executable}
import sys
folder = {str(folder)!r}
print(*sys.argv[1:], file=open(folder + "/calls", "a"))
if sys.argv[1] == "show":
    print(open(folder + "/plan.json").read())
elif sys.argv[1] == "output":
    print('{{"functions": {{"value": {{}}}}, "delivery_streams": {{"value": {{}}}}}}')
else:
    print("the plan, for people")
"""
    )
    script.chmod(0o755)
    return Terraform(str(script), folder)


def calls(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "calls").read_text().splitlines()]


class Fake:
    """Lambda and Firehose: Fake([("function", {"1": "code of version 1"})])."""

    url = "fake"

    def __init__(self, functions: list[tuple[str, dict[str, str]]], states: list[str] | None = None) -> None:
        self.functions = dict(functions)
        self.states = iter(states or [])
        self.pointed: dict[str, str] = {}

    def client(self, _service: str) -> "Fake":
        return self

    def get_paginator(self, operation: str) -> Any:
        return type("Paginator", (), {"paginate": lambda _self, **arguments: [self.page(operation, **arguments)]})()

    def page(self, operation: str, FunctionName: str = "") -> dict[str, Any]:  # noqa: N803 - boto3's
        if operation == "list_functions":
            return {"Functions": [{"FunctionName": name} for name in self.functions]}
        if operation == "list_aliases":
            return {"Aliases": [{"Name": "live"}] if "other" not in FunctionName else []}
        versions = {"$LATEST": "latest", **self.functions[FunctionName]}
        return {"Versions": [{"Version": number, "CodeSha256": code} for number, code in versions.items()]}

    def update_alias(self, FunctionName: str, Name: str, FunctionVersion: str) -> None:  # noqa: N803 - boto3's
        assert Name == "live"
        self.pointed[FunctionName] = FunctionVersion

    def describe_delivery_stream(self, DeliveryStreamName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        return {"DeliveryStreamDescription": {"DeliveryStreamStatus": next(self.states)}}


SALE, EVENT = "prd3292-dev1-dmnd-sale", "prd3292-dev1-dmnd-event"


def test_a_rollback_by_number_takes_the_version_of_each_function() -> None:
    functions = Fake(
        [
            (SALE, {"1": "aaaaaaaaaa", "2": "bbbbbbbbbb"}),
            (EVENT, {"1": "aaaaaaaaaa", "2": "bbbbbbbbbb"}),
            ("prd3292-dev1-dmnd-other", {"1": "x"}),
            ("prd3292-dev10-dmnd-sale", {"1": "x"}),
        ]
    )

    rollback(DEV1, "1", functions, say=print, ask=answering("yes"))

    assert functions.pointed == {SALE: "1", EVENT: "1"}


def test_a_number_of_two_releases_is_refused_and_the_code_names_one() -> None:
    functions = Fake([(SALE, {"2": "aaaaaaaaaa", "3": "bbbbbbbbbb"}), (EVENT, {"1": "aaaaaaaaaa", "2": "bbbbbbbbbb"})])

    with pytest.raises(UserError, match=r"(?s)not of one release.*event: version 2 \(code bbbbbbbb\).*VERSION=<"):
        rollback(DEV1, "2", functions, say=print, ask=refuse_to_answer)
    rollback(DEV1, "aaaaaaaa", functions, say=print, ask=answering("yes"))

    assert functions.pointed == {SALE: "2", EVENT: "1"}


@pytest.mark.parametrize("version", ["", "9", "$LATEST", "zzzzzzzz"])
def test_a_version_that_one_function_lacks_changes_none(version: str) -> None:
    functions = Fake([(SALE, {"1": "aaaaaaaaaa"}), (EVENT, {"1": "aaaaaaaaaa"})])

    with pytest.raises(UserError, match=r"event has no version .*; its last ones are version 1 \(code aaaaaaaa\)"):
        rollback(DEV1, version, functions, say=print, ask=refuse_to_answer)

    assert functions.pointed == {}


def test_an_environment_without_functions_has_nothing_to_roll_back() -> None:
    with pytest.raises(UserError, match=r"dev1 has no functions prd3292-dev1-dmnd-\* with an alias live"):
        rollback(DEV1, "1", Fake([]), say=print, ask=refuse_to_answer)


def test_a_stream_that_is_being_made_is_waited_for() -> None:
    slept: list[float] = []
    outputs = {"functions": {}, "delivery_streams": {"sale": "prd3292-dev1-dmnd-sale"}}

    wait_until_ready(Fake([], ["CREATING", "CREATING", "ACTIVE"]), outputs, slept.append)

    assert slept == [5, 5]


def test_a_stream_that_is_never_ready_is_named() -> None:
    outputs = {"functions": {}, "delivery_streams": {"sale": "prd3292-dev1-dmnd-sale"}}

    with pytest.raises(UserError, match="not ready after 600 s: prd3292-dev1-dmnd-sale is CREATING_FAILED"):
        wait_until_ready(Fake([], ["CREATING_FAILED"] * 121), outputs, lambda _: None)


def test_ci_is_said_by_its_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_ci()
    monkeypatch.setenv("CI", "true")
    assert in_ci()

"""A deployed function runs in a process of its own, as Lambda would run it."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from firehose.commands import Mistake
from firehose.function_process import FunctionConfiguration, FunctionError, FunctionProcess
from firehose.processor import FunctionContext
from firehose.up.code import checkout_package, code_sha256, package_of, unpack

CONTEXT = FunctionContext("request-1", "arn:f", "f")


@pytest.fixture
def function(tmp_path: Path) -> Iterator[Callable[..., FunctionProcess]]:
    """Starts a function of this code."""
    started: list[FunctionProcess] = []

    def start(code: str, timeout_seconds: int = 30, **variables: str) -> FunctionProcess:
        (tmp_path / "mine.py").write_text(code)
        configuration = FunctionConfiguration("f", "arn:f:live", "mine.handler", timeout_seconds, 512, variables, "")
        started.append(FunctionProcess(configuration, tmp_path, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}))
        started[-1].start()
        started[-1].wait_until_loaded()
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_it_gets_the_event_and_lambdas_context(function: Callable[..., FunctionProcess]) -> None:
    run = function(
        "def handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [event, context.aws_request_id, context.invoked_function_arn, context.memory_limit_in_mb, left]\n"
    )

    *reply, left = run({"records": []}, CONTEXT)

    assert reply == [{"records": []}, "request-1", "arn:f:live", 512]
    assert 20_000 < left <= 30_000


def test_it_has_its_own_variables_and_the_endpoint_and_none_of_the_users_account(
    function: Callable[..., FunctionProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "prod")
    run = function(
        "import os\n"
        "def handler(event, context):\n"
        "    return [os.environ.get(name) for name in ('BUCKET', 'AWS_ENDPOINT_URL', 'AWS_PROFILE')]\n",
        BUCKET="lake",
    )

    assert run({}, CONTEXT) == ["lake", "http://127.0.0.1:9", None]


def test_what_it_prints_is_printed_and_no_part_of_its_answer(function: Callable[..., FunctionProcess]) -> None:
    run = function(
        "import os\n"
        "def handler(event, context):\n"
        "    print('metrics')\n"
        "    os.write(1, b'past sys.stdout')\n"
        "    return 1\n"
    )

    with redirect_stdout(io.StringIO()) as printed:
        assert run({}, CONTEXT) == 1
    assert printed.getvalue() == "metrics\n"


def test_what_it_raises_is_told_by_its_class_alone(function: Callable[..., FunctionProcess]) -> None:
    run = function("def handler(event, context):\n    raise KeyError('+15550100')\n")

    with pytest.raises(FunctionError, match=r"^the function raised KeyError$"):
        run({}, CONTEXT)


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        pytest.param("import os; os._exit(1)", "process ended", id="dies"),
        pytest.param("import time; time.sleep(60)", "timed out", id="takes too long"),
    ],
)
def test_a_process_that_ended_is_started_anew(function: Callable[..., FunctionProcess], ending: str, told: str) -> None:
    run = function(f"def handler(event, context):\n    if event: {ending}\n    return 1\n", timeout_seconds=1)

    with pytest.raises(FunctionError, match=told):
        run({"bad": 1}, CONTEXT)
    assert run({}, CONTEXT) == 1


def test_a_handler_that_cannot_be_loaded_is_the_users_mistake(function: Callable[..., FunctionProcess]) -> None:
    with pytest.raises(Mistake, match="the function f cannot be loaded: ValueError BUCKET is not set"):
        function("raise ValueError('BUCKET is not set')")


def test_the_deployed_package_is_known_by_its_hash() -> None:
    package = checkout_package()

    assert package == checkout_package()
    assert package_of(code_sha256(package), [b"another", package]) == package
    assert package_of("no such hash", [package]) is None


def test_only_our_own_code_is_unpacked(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("transform/handler.py", "glue/schema.py", "msgspec/_core.so"):
            archive.writestr(name, "")

    unpack(packed.getvalue(), tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["glue", "transform"]


@pytest.mark.parametrize(("package", "told"), [(b"PK?", "is no zip"), (b"PK\x05\x06" + b"\0" * 18, "no code of ours")])
def test_a_package_that_is_none_is_the_users_mistake(tmp_path: Path, package: bytes, told: str) -> None:
    with pytest.raises(Mistake, match=told):
        unpack(package, tmp_path)

"""A function runs in a process of its own as Lambda would run it, and cannot do more to us than fail."""

import io
import math
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path

import pytest

from firehose.local.processors.function_process import FunctionConfiguration, FunctionError, FunctionProcess
from firehose.local.processors.functions import start_function
from firehose.local.processors.invocation import FunctionContext, InvocationError, LambdaCode, Problem
from firehose.local.processors.lambda_json import UNSERIALISABLE
from firehose.local.user_error import UserError
from tests.firehose_streams import records
from tests.processors import processor

pytestmark = pytest.mark.slow

CONTEXT = FunctionContext("request-1", "arn:f", "f")


@pytest.fixture
def function(tmp_path: Path) -> Iterator[Callable[..., FunctionProcess]]:
    """Starts a function of this code."""
    started: list[FunctionProcess] = []

    def start(code: str, timeout_seconds: float = 30, limit_memory: bool = False, **variables: str) -> FunctionProcess:
        (tmp_path / "mine.py").write_text(code)
        configuration = FunctionConfiguration(
            "f", "arn:f:live", "mine.handler", timeout_seconds, 512, variables, limit_memory=limit_memory
        )
        started.append(start_function(configuration, tmp_path, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}))
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


def test_its_reply_may_be_ready_json(function: Callable[..., FunctionProcess]) -> None:
    run = function('def handler(event, context):\n    return b\'{\\n"records": ["\\xc3\\xa9"]}\\n\'\n')

    assert run({"records": []}, CONTEXT) == {"records": ["\u00e9"]}


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


def test_an_exception_is_reported_by_its_class_and_place_beside_the_lines_that_lambda_logs(
    function: Callable[..., FunctionProcess],
) -> None:
    run = function("def handler(event, context):\n    raise KeyError('+15550100')\n")

    with pytest.raises(FunctionError, match=r"^the function raised KeyError at mine.py:2$") as raised:
        run({}, CONTEXT)
    assert raised.value.problem.log.startswith("[ERROR] KeyError: '+15550100'\nTraceback (most recent call last):\n")
    assert "mine.py" in raised.value.problem.log
    assert "function_runtime" not in raised.value.problem.log


@pytest.mark.parametrize(
    ("ending", "problem"),
    [
        pytest.param(
            "import os; os._exit(1)",
            Problem(LambdaCode.FUNCTION_ERROR, "the function's process ended"),
            id="dies",
        ),
        pytest.param(
            "import time; time.sleep(60)",
            Problem(LambdaCode.TIMED_OUT, "the function timed out after 0.5 s"),
            id="takes too long",
        ),
    ],
)
def test_a_process_that_ended_is_started_anew(
    function: Callable[..., FunctionProcess], ending: str, problem: Problem
) -> None:
    run = function(f"def handler(event, context):\n    if event: {ending}\n    return 1\n", timeout_seconds=0.5)

    with pytest.raises(InvocationError) as raised:
        run({"bad": 1}, CONTEXT)
    assert raised.value.problem == problem
    assert run({}, CONTEXT) == 1


def test_a_timeout_cuts_each_attempt_off_and_fails_the_batch(function: Callable[..., FunctionProcess]) -> None:
    run = function("import time\ndef handler(event, context):\n    time.sleep(60)\n", timeout_seconds=0.2)

    done = processor(run, 1, keeps_event=True).process(records(b"a"))

    assert [(failure.code, failure.attempts) for failure in done.failed] == [("Lambda.FunctionTimedOut", 2)]


def test_a_request_that_nobody_reads_is_cut_off_too(function: Callable[..., FunctionProcess]) -> None:
    run = function(
        "import os, signal, threading\n"
        "def handler(event, context):\n"
        "    threading.Timer(0, os.kill, (os.getpid(), signal.SIGSTOP)).start()\n"
        "    return 1\n",
        timeout_seconds=0.5,
    )

    with suppress(InvocationError):  # it may stop itself before it has answered
        run({}, CONTEXT)
    with pytest.raises(InvocationError, match="timed out"):
        run({"records": ["x" * 6_000_000]}, CONTEXT)


def test_after_ctrl_c_a_late_answer_is_nobodys(function: Callable[..., FunctionProcess]) -> None:
    run = function(
        "import os, signal\n"
        "def handler(event, context):\n"
        "    if event: os.kill(os.getppid(), signal.SIGINT)\n"
        "    return 'late' if event else 'own'\n"
    )

    with pytest.raises(KeyboardInterrupt):
        run({"interrupt": 1}, CONTEXT)

    assert run({}, CONTEXT) == "own"


def state(process_id: int) -> str:
    """A process's state; empty where there is none, Z where nobody has asked how it ended."""
    asked = ["ps", "-o", "stat=", "-p", str(process_id)]
    return subprocess.run(asked, check=False, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("end", ["close", "timeout"])
def test_what_a_function_started_ends_with_it(function: Callable[..., FunctionProcess], end: str) -> None:
    run = function(
        "import subprocess, time\n"
        "def handler(event, context):\n"
        "    if event: time.sleep(60)\n"
        "    return subprocess.Popen(['sleep', '60']).pid\n",
        timeout_seconds=2,
    )
    started = run({}, CONTEXT)
    assert state(started)[0] in "SRD"

    if end == "close":
        run.close()
    else:
        with pytest.raises(InvocationError, match="timed out"):
            run({"wait": 1}, CONTEXT)

    assert any(state(started)[:1] in {"", "Z"} for _ in range(200))


def raised(name: str) -> str:
    return f"the function raised {name} at mine.py:2"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param("import sys; sys.exit()", raised("SystemExit"), id="sys.exit"),
        pytest.param("raise KeyboardInterrupt", raised("KeyboardInterrupt"), id="KeyboardInterrupt"),
        pytest.param("raise type('Odd', (BaseException,), {})", raised("Odd"), id="BaseException"),
        pytest.param("yield 1", UNSERIALISABLE, id="a generator"),
        pytest.param("return {1}", UNSERIALISABLE, id="no JSON"),
        pytest.param("return b'\\xff'", UNSERIALISABLE, id="bytes that are no text"),
        pytest.param("return handler(event, context)", raised("RecursionError"), id="recursion"),
        pytest.param(
            "import sys; sys.stdout.close(); sys.stdin.readline(); raise EOFError", raised("EOFError"), id="its files"
        ),
    ],
)
def test_whatever_it_does_it_stays_usable(function: Callable[..., FunctionProcess], body: str, told: str) -> None:
    run = function(f"def handler(event, context):\n    {body}\ndef other(event, context): return 1\n")

    for _ in range(2):
        with pytest.raises(InvocationError, match=f"^{re.escape(told)}$"):
            run({}, CONTEXT)


def test_nan_and_half_a_surrogate_pair_come_out_as_python_writes_them(
    function: Callable[..., FunctionProcess],
) -> None:
    run = function("def handler(event, context):\n    return [float('nan'), '\\ud800']\n")

    nan, half = run({}, CONTEXT)

    assert (math.isnan(nan), half) == (True, "\ud800")


def test_a_number_of_dynamodb_is_a_number(function: Callable[..., FunctionProcess]) -> None:
    run = function("from decimal import Decimal\ndef handler(event, context):\n    return Decimal('1.5')\n")

    assert run({}, CONTEXT) == 1.5


def test_what_it_logs_by_a_handler_made_when_it_was_loaded_is_printed(function: Callable[..., FunctionProcess]) -> None:
    run = function(
        "import logging, sys\n"
        "logging.basicConfig(stream=sys.stdout)\n"
        "def handler(event, context):\n"
        "    logging.error('seen')\n"
    )

    with redirect_stdout(io.StringIO()) as printed:
        run({}, CONTEXT)
    assert printed.getvalue() == "ERROR:root:seen\n"


def test_a_function_may_have_modules_of_the_names_of_ours(
    function: Callable[..., FunctionProcess], tmp_path: Path
) -> None:
    (tmp_path / "metrics.py").write_text("mine = True\n")
    (tmp_path / "printed.py").write_text("mine = True\n")
    run = function(
        "import metrics, printed, importlib.util as u\n"
        "def handler(event, context):\n"
        "    return [metrics.mine, printed.mine, u.find_spec('function_runtime') is None]\n"
    )

    assert run({}, CONTEXT) == [True, True, True]


def test_a_function_has_its_memory_and_no_more(function: Callable[..., FunctionProcess]) -> None:
    code = "def handler(event, context):\n    return len(bytearray(event['mib'] << 20)) >> 20\n"
    run = function(code, limit_memory=True)

    assert run({"mib": 100}, CONTEXT) == 100
    with pytest.raises(FunctionError, match="raised MemoryError"):
        run({"mib": 600}, CONTEXT)
    assert run({"mib": 100}, CONTEXT) == 100


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param("raise ValueError('BUCKET is not set')", "ValueError BUCKET is not set", id="raises"),
        pytest.param("import sys; sys.exit(3)", "SystemExit 3", id="exits"),
        pytest.param("import os; os._exit(3)", "its process ended", id="dies"),
        pytest.param("handler = 1", "TypeError handler is not callable", id="not callable"),
        pytest.param("", "AttributeError module 'mine' has no attribute 'handler'", id="not there"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_the_users_mistake(
    function: Callable[..., FunctionProcess], code: str, told: str
) -> None:
    with pytest.raises(UserError, match=f"^the function f cannot be loaded: {told}$"):
        function(code)


def test_a_handler_that_cannot_be_loaded_again_fails_its_batch_alone(
    function: Callable[..., FunctionProcess], tmp_path: Path
) -> None:
    run = function("import os\ndef handler(event, context):\n    os._exit(1)\n")
    (tmp_path / "mine.py").write_text("raise ValueError")

    for told in ("process ended", "could not be loaded again"):
        with pytest.raises(InvocationError, match=told):
            run({}, CONTEXT)

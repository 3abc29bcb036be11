"""Who may use the endpoint: programs on this machine, by its address; no web page in a browser on it."""

from typing import Any

import pytest

from firehose.local.endpoint.guard import LocalPrograms, refusal
from tests.endpoints import LocalAws

PORT = "4566"


def environ(host: str = f"127.0.0.1:{PORT}", **headers: str) -> dict[str, Any]:
    return {"SERVER_PORT": PORT, "HTTP_HOST": host, **{f"HTTP_{name}": value for name, value in headers.items()}}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "lake.localhost", "a.b.LOCALHOST"])
def test_a_program_on_this_machine_is_answered(host: str) -> None:
    assert refusal(environ(f"{host}:{PORT}")) == ""


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(f"evil.example:{PORT}", id="a name that resolves to this machine"),
        pytest.param("127.0.0.1", id="no port"),
        pytest.param("127.0.0.1:80", id="another port"),
        pytest.param(f"localhost.evil.example:{PORT}", id="a name that begins as ours"),
        pytest.param(f"notlocalhost:{PORT}", id="a name that ends as ours"),
        pytest.param(f"0.0.0.0:{PORT}", id="any address"),
        pytest.param("", id="no host"),
    ],
)
def test_another_host_is_refused(host: str) -> None:
    assert "The Host header must be 127.0.0.1:4566" in refusal(environ(host))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"ORIGIN": "https://evil.example"}, id="a page"),
        pytest.param({"ORIGIN": "null"}, id="a page in a sandbox"),
        pytest.param({"ORIGIN": f"http://127.0.0.1:{PORT}"}, id="a page from here"),
        pytest.param({"ORIGIN": ""}, id="an empty origin"),
        pytest.param({"SEC_FETCH_SITE": "cross-site"}, id="an image on another page"),
        pytest.param({"SEC_FETCH_SITE": "same-site"}, id="an image on a page of another port"),
    ],
)
def test_a_web_page_is_refused(headers: dict[str, str]) -> None:
    assert "not web pages" in refusal(environ(**headers))


def test_what_is_refused_reaches_nothing_behind() -> None:
    statuses: list[str] = []

    def behind(_environ: Any, _start: Any) -> list[bytes]:
        raise AssertionError

    body = LocalPrograms(behind)(
        environ(ORIGIN="https://evil.example"), lambda status, _headers: statuses.append(status)
    )

    assert statuses == ["403 Forbidden"]
    assert b"".join(body).endswith(b"not web pages.\n")


# What a page at https://evil.example can have the developer's browser send.
BROWSER = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["/2015-03-31/functions", "/moto-api/reset", "/_firehose/reset", "/lake?list-type=2", "/"]
)
def test_a_page_in_the_developers_browser_does_nothing(aws: LocalAws, path: str) -> None:
    simple = {**BROWSER, "Content-Type": "text/plain"}
    rebound = {"Host": "evil.example"}

    answers = [aws.http(path, {"FunctionName": "theirs"}, headers) for headers in (simple, rebound)]

    assert [status for status, _ in answers] == [403, 403]
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert [one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]] == ["lake"]


@pytest.mark.slow
def test_no_page_may_read_an_answer(aws: LocalAws) -> None:
    answer = aws.client("s3").list_buckets()

    names = {name.lower() for name in answer["ResponseMetadata"]["HTTPHeaders"]}
    assert not {name for name in names if name.startswith("access-control-")}

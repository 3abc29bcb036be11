"""Queries answer as jq 1.6 does, which Firehose runs: a table of its answers, and the program itself if it is here."""

import json
import shutil
import subprocess
import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.processors.jq_1_6 import QueryError
from firehose.local.processors.jq_query import NOT_ONE_DOCUMENT, KeyQuery, QueryFailedError, compiled

pytestmark = pytest.mark.slow

CASES = json.loads(Path(__file__).with_name("jq-1.6.json").read_text())


def key(query: str, record: str) -> str | None:
    """The key `k` that a query gives for a record; None if it gives none."""
    try:
        return KeyQuery(query).keys(record.encode()).get("k")
    except QueryFailedError:
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['query']} of {case['record']}")
def test_a_query_gives_what_jq_1_6_gives(case: dict[str, str]) -> None:
    began = time.process_time()

    assert key(case["query"], case["record"]) == case.get("key")
    assert time.process_time() - began < 1  # even if jq 1.6 never ends; a busy machine takes no time of ours


@pytest.mark.parametrize(
    "query",
    [
        '{k: .a // "none"}',
        "{k: .a + .b}",
        "{k: -1 - .a}",
        "{k: .a == 1}",
        "{k: .a and .b}",
        "{k: if .a then 1 else 2 end}",
        "{k: try .a catch .b}",
        "{k: reduce .[] as $x (0; . + $x)}",
        "{k: .a as $x | $x}",
        "{a: {k: .a // 1}}",
        "{$__loc__}",
        "{k: (if .a then 1 end)}",
        '{k: "\\(if .a then 1 end)"}',
        "{k: (.a | if . then 1 elif 2 then 3 end)}",
        "{k: .a.[0]}",
        "{k: .[0].[1]}",
        '{k: .["a"].[0]}',
        "{k: (.a | trim)}",
        '{k: "\\(.a | ltrim)"}',
        "{k: (.a | abs)}",
        "{k: ([.a] | pick(.[0]))}",
        '{k: (.a | scan("b"; "g"))}',
        "{k: add(.a)}",
    ],
)
def test_a_query_that_only_a_later_jq_compiles_does_not_compile(query: str) -> None:
    with pytest.raises(QueryError, match=r"jq 1\.6 does not compile it: "):
        compiled(query)


@pytest.mark.parametrize(
    ("query", "record", "expected"),
    [
        ('{k: (.a // "none")}', "{}", "none"),
        ("{k: -1}", "{}", "-1"),
        ("{k: .a | -.}", '{"a": 1}', "-1"),
        ("{k: .a.b?}", '{"a": {"b": "x"}}', "x"),
        ("def trim: ascii_upcase; {k: (.a | trim)}", '{"a": "x"}', "X"),
        ("{k: .trim}", '{"trim": "x"}', "x"),
        ("{trim, k: .a}", '{"a": "x", "trim": "y"}', "x"),
        ("{trim: 1, k: .a}", '{"a": "x"}', "x"),
        (". as $trim | {k: $trim.a}", '{"a": "x"}', "x"),
        ('{k: "if trim // end"} # trim', "{}", "if trim // end"),
        ('{k: "a\\(.a + "b\\(.c)")"}', '{"a": "x", "c": "y"}', "axby"),
        ('{k: (.a | sub("[(]"; ")"))}', '{"a": "x("}', "x)"),
        ("{k: (.a | add)}", '{"a": [1, 2.50]}', "3.5"),
        ('{k: ([.a | scan("[0-9]")] | join("-"))}', '{"a": "1a2"}', "1-2"),
        ("{k: (.a | [leaf_paths] | length)}", '{"a": [1, [2]]}', "2"),
        ("{k: 1.10}", "{}", "1.1"),
        ("{k: (input_filename | tostring)}", "{}", "null"),
        ('{k: "\\(1e3)"}', "{}", "1000"),
        ('{k: (.a[0:2] | join("."))}', '{"a": [1.0, 2]}', "1.2"),
        ("{k: (.a == 100000000000000000001)}", '{"a": 100000000000000000000}', "true"),
        ("{k: (.a | tostring)}", '{"a": {"b": [1e2, 540672452885980638]}}', '{"b":[100,540672452885980600]}'),
        ("{k: (.a | fromjson | tostring)}", '{"a": "[1.10]"}', "[1.1]"),
        ("{k: (.a | tonumber)}", '{"a": " 5 "}', "5"),
        ('{k: (.a | gsub("a"; "x", "y"))}', '{"a": "b"}', "b"),
        ('{k: (.a | gsub("^a"; "x"))}', '{"a": "aab"}', "xxb"),
        ('{k: (.a | indices("aa") | length)}', '{"a": "aaa"}', "1"),
        ("{k: ([limit(-1; 1, 2)] | length)}", "{}", "2"),
        ('{k: (.t | strftime("%Y %Z %%Z"))}', '{"t": 1425599621}', "2015 UTC %Z"),
        # A number beyond 64 bits, and NaN, are -2^63 to %.
        ("{k: (.t % 10)}", '{"t": 1e19}', "-8"),
        ("{k: (nan % 5)}", "{}", "-3"),
        ('{k: @uri "a!\\(.t)/"}', '{"t": "é!\'(*)%/"}', "a!%C3%A9!'(*)%25%2F/"),
        ("{k: (5 % .t)}", '{"t": 1e300}', "5"),
        ("{k: (.t % 7)}", '{"t": -15.9}', "-1"),
        ("{k: (.t * 0.5)}", '{"t": "abc"}', "abc"),
        ("{k: (2.5 * .t)}", '{"t": "abc"}', "abcabc"),
        ("{k: (.t[.i + 1])}", '{"t": [1, 2], "i": 0}', "2"),
        ("{k: (.t[.i:.j] | tojson)}", '{"t": [1, 2, 3], "i": 0.5, "j": 1.5}', "[1,2]"),
        ("{k: (.[.i].b)}", '{"i": "i", "a": {"b": 3}}', None),
        ("{k: (.[.i]?.b)}", '{"i": "a", "a": {"b": 3}}', "3"),
        ('{k: ({a: 4} | .[{b: "a"}.b])}', "{}", "4"),
    ],
)
def test_what_jq_1_6_compiles_gives_its_keys(query: str, record: str, expected: str | None) -> None:
    assert key(query, record) == expected


@pytest.mark.parametrize("query", ["{k: ([1] | todate)}", "{k: ([2024, 1, 10] | mktime)}", "{k: (10 | pow10)}"])
def test_what_fails_in_jq_1_6_fails_though_a_later_one_goes_on(query: str) -> None:
    assert key(query, "{}") is None


@pytest.mark.parametrize(
    "query", ["{k: .t[0.9]}", "{k: .t[.i]}", "{k: (.t | .[.[0] / 2])}", '{k: ("abc" * .z)}', "{k: (.t[-0.5])}"]
)
def test_an_index_with_a_fraction_and_a_text_times_nothing_give_no_key(query: str) -> None:
    assert key(query, '{"t": [1, 2], "i": 0.5, "z": 0}') is None


@pytest.mark.parametrize("query", ['{k: (.k | gsub("(?=b)"; "x"))}', '{k: (.k | indices("") | tostring)}'])
def test_a_query_that_never_ends_in_jq_1_6_fails(query: str) -> None:
    assert key(query, '{"k": "ab"}') is None


@pytest.mark.parametrize("record", ["nope", "", '{"a": 1}{"a": 2}', '{"a": 1}' * 501, "\xff", '{"a":'])
def test_a_record_that_is_not_one_document_is_no_json_record(record: str) -> None:
    with pytest.raises(QueryFailedError, match=f"^{NOT_ONE_DOCUMENT}$"):
        KeyQuery("{a: .a}").keys(record.encode("latin-1"))


def test_a_query_that_does_not_compile_fails_every_record() -> None:
    with pytest.raises(QueryFailedError, match=r"^the query does not compile$"):
        KeyQuery("{k: (.t | strftime(%Y))}").keys(b"{}")


@pytest.mark.parametrize("query", ["{k: 1}) | ({k: 2}", "{k: 1} #)", ".a)"])
def test_a_query_cannot_leave_its_parentheses(query: str) -> None:
    if query.endswith("#)"):
        assert key(query, "{}") == "1"
    else:
        with pytest.raises(QueryError):
            compiled(query)


@cache
def jq_1_6() -> str:
    """The program jq, if it is here in the version 1.6."""
    program = shutil.which("jq") or ""
    found = subprocess.run([program, "--version"], capture_output=True, text=True, check=True) if program else None
    return program if found and found.stdout.strip() == "jq-1.6" else ""


def by_the_program(query: str, record: str) -> str | None:
    """The key that jq 1.6 itself gives, as `key` does."""
    try:
        ran = subprocess.run(
            [jq_1_6(), "-c", query], input=record, capture_output=True, text=True, timeout=5, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    lines = ran.stdout.splitlines()
    if ran.returncode or len(lines) != 1 or not lines[0].startswith("{"):
        return None
    shown = subprocess.run([jq_1_6(), "-r", ".k | tojson"], input=lines[0], capture_output=True, text=True, check=True)
    text = shown.stdout.removesuffix("\n")
    if text.startswith('"'):
        return str(json.loads(text))
    return None if text.startswith(("null", "[", "{")) else text


RECORDS = st.fixed_dictionaries(
    {
        "a": st.one_of(
            st.text("abé,/. 015-", max_size=6),
            st.integers(-(10**19), 10**19),
            st.floats(allow_nan=False, allow_infinity=False),
            st.sampled_from([None, True, [], ["x", 1.5], {"b": "c"}]),
        ),
        "b": st.sampled_from(["a", ",", "", 1, 1.0, None]),
    }
)
STEPS = st.sampled_from(
    [
        ".", "tostring", "tojson", "tonumber", "length", "ascii_upcase", "ltrimstr(\"a\")", "rtrimstr(\"a\")",
        "split(\",\") | .[0]", "index(\"a\")", "rindex(\",\")", "indices(\"a\") | tojson", "[limit(0; ., 1)] | tojson",
        "gsub(\"a\"; \"x\")", "gsub(\"a*\"; \"x\")", "sub(\"^a\"; \"\")", "gsub(\"(?<n>[0-9])\"; \"<\\(.n)>\")",
        "test(\"a\")", "if . then 1 else 2 end", "if . then 1 end", "[.] | @csv", "@text", "@uri", "\"<\\(.)>\"",
        "floor", ". + 0", ". * 1.10", "-.", "not", "keys | tojson", "first", "last", "join(\"-\")", "trim",
        "ascii_downcase", "explode | implode", ".[0:2]", ".[-1:]", "fromjson | tojson", "strftime(\"%Y-%m-%d\")",
        "todate", "fromdate", "splits(\",\")", "[splits(\",\")] | length", "abs", "type", "has(\"b\")", ".b",
        "try error(\"x\") catch .", "contains(\"a\")", "startswith(\"a\")", "[.[]?] | length", ". % 7", "7 % .",
        ". * 0.5", "[1, 2][.]", "explode[1.5 - 1]", ".[0.5]?", "[[3]][0][.]?", "@base64", "@sh",
    ]
)  # fmt: skip


@pytest.mark.skipif(not jq_1_6(), reason="the program jq 1.6 is not installed")
@given(RECORDS, st.lists(STEPS, min_size=1, max_size=3), st.sampled_from(["{k: (%s)}", "{k: %s}", "{k: (.a | %s)}"]))
def test_any_query_gives_what_the_program_gives(record: dict[str, object], steps: list[str], form: str) -> None:
    query = form % " | ".join([".a", *steps])
    text = json.dumps(record)

    assert key(query, text) == by_the_program(query, text)

"""`--schemas`: every command that takes a lake works with the record types of any folder of schemas."""

import json
from pathlib import Path

import pytest
import typer

from firehose.cli.app import COMMANDS, app
from firehose.local.user_error import UserError
from tests.commands import dmd, result_of, write
from tests.exports import full_export, incremental_export, item, written
from tests.failed import everything, failed
from tests.given import change, s
from tests.invented import gift, member, optional
from tests.lake.report_pages import report_of

GIFT = {"id": s("g1"), "madeAt": s("2025-02-03T04:05:06Z")}


@pytest.fixture
def schemas(tmp_path: Path) -> str:
    """A folder with one type of which the project knows nothing."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "gift.avsc").write_text(json.dumps(gift(member("amount", optional("long")))))
    return str(folder)


@pytest.fixture
def lake(tmp_path: Path, schemas: str) -> str:
    """A lake with a gift, and one that failed: its amount is text."""
    source = write(tmp_path / "in.jsonl", change("gift", **GIFT), change("gift", **GIFT, amount=s("many")))
    assert dmd("run", source, "--lake", str(tmp_path / "lake"), "--schemas", schemas)[0] == 0
    return str(tmp_path / "lake")


def counted(lake: str, schemas: str, table: str = "gift") -> int:
    _, printed = dmd("query", f"SELECT count(*) AS n FROM {table}", "--lake", lake, "--schemas", schemas, "--json")  # noqa: S608 - ours
    return int(json.loads(printed)[0]["n"])


def test_a_query_has_their_tables_and_views(lake: str, schemas: str) -> None:
    assert counted(lake, schemas) == 1
    assert counted(lake, schemas, "latest_gift") == 1


def test_errors_are_explained_by_them(lake: str, schemas: str) -> None:
    for document in Path(lake, "data-pipeline/errors/records").rglob("*.jsonl"):
        document.unlink()

    _, printed = dmd("errors", "--lake", lake, "--schemas", schemas, "--json")

    (failures,) = json.loads(printed)["failures"]
    assert failures["type"] == "gift"


def test_a_report_counts_them(lake: str, schemas: str, tmp_path: Path) -> None:
    shown = report_of(lake, tmp_path, "--schemas", schemas).table("Rows by type and change")

    assert [(row["type"], row["rows"]) for row in shown] == [("gift", 1)]


def test_a_replay_delivers_what_they_now_allow(lake: str, schemas: str) -> None:
    Path(schemas, "gift.avsc").write_text(json.dumps(gift(member("amount", optional("string")))))

    _, printed = dmd("replay", "--lake", lake, "--schemas", schemas, "--type", "gift", "--json")

    assert json.loads(printed)["delivered"] == {"gift": 1}
    assert counted(lake, schemas) == 2


def test_a_backfill_delivers_them(tmp_path: Path, schemas: str) -> None:
    lake = str(tmp_path / "lake")
    keys = {"pk": s("PK"), "sk": s("SK")}
    full_export(tmp_path / "export", [{"type": s("gift"), **GIFT, **keys}])
    where = ("--export", str(tmp_path / "export"), "--lake", lake, "--state", str(tmp_path / "state"))

    _, printed = dmd("backfill", *where, "--schemas", schemas, "--type", "gift", "--from", "2025-02-03", "--json")

    assert json.loads(printed)["delivered"] == {"gift": 1}
    assert counted(lake, schemas) == 1


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["run", "changes.jsonl"], id="run"),
        pytest.param(["replay", "--errors", "errors"], id="replay"),
        pytest.param(["backfill", "--export", "export"], id="backfill"),
    ],
)
def test_personal_data_is_what_they_say_and_no_digest_gives_it_back(
    tmp_path: Path, schemas: str, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """A deletion leaves the same objects whatever the name, which our own schemas do not call personal data."""
    Path(schemas, "gift.avsc").write_text(json.dumps(gift(member("nickname", optional("string"), pii=True))))
    for nickname in ("Ann", "Ben"):
        (tmp_path / nickname / "errors").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / nickname)
        attributes = GIFT | {"nickname": s(nickname)}
        deletion = change("gift", "REMOVE", **attributes)
        write(Path("changes.jsonl"), deletion | {"eventID": 7})
        Path("errors", "a.json").write_text(json.dumps(failed(deletion)))
        incremental_export(Path("export"), [written(None, item("gift", "g1", **attributes))])

        result_of(*command, "--lake", "lake", "--schemas", schemas)

    # Firehose's own copy of a failed record lies under a tighter policy, with the bytes as they were.
    ann, ben = (
        {key: digest for key, digest in everything(tmp_path / name / "lake").items() if "errors/firehose" not in key}
        for name in ("Ann", "Ben")
    )
    assert ann == ben != {}


def test_a_reconciliation_compares_them(tmp_path: Path, lake: str, schemas: str) -> None:
    keys = change("gift", **GIFT)["dynamodb"]["Keys"]
    full_export(tmp_path / "export", [{"type": s("gift"), **GIFT, **keys}])

    _, printed = dmd("reconcile", "--export", str(tmp_path / "export"), "--lake", lake, "--schemas", schemas, "--json")

    assert json.loads(printed)["types"]["gift"]["same"] == 1


def test_a_compaction_merges_their_files_and_leaves_those_of_no_schema(lake: str, schemas: str) -> None:
    for number in range(2):
        path = Path(lake, f"data-pipeline/parquet/gift/partition_date=2025-02-03/{number}.parquet")
        one = next(Path(lake, "data-pipeline/parquet/gift/partition_date=2025-02-03").iterdir())
        path.write_bytes(one.read_bytes())
    rows = counted(lake, schemas)

    _, printed = dmd(
        "compact", "--lake", lake, "--schemas", schemas, "--older-than", "0s", "--min-files", "2", "--json"
    )

    assert json.loads(printed)["files_after"] == 1
    assert counted(lake, schemas) == rows == 3


def test_an_erasure_redacts_what_they_call_personal_data_of_whom_they_call_its_subject(tmp_path: Path) -> None:
    fields = member("fan", subject=True), member("nickname", optional("string"), pii=True)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/gift.avsc").write_text(json.dumps(gift(*fields)))
    given = ("--lake", str(tmp_path / "lake"), "--schemas", str(tmp_path / "schemas"))
    gifts = [change("gift", **GIFT, fan=s(fan), nickname=s(f"Nick of {fan}")) for fan in ("f1", "f2")]
    dmd("run", write(tmp_path / "in.jsonl", *gifts), *given)
    (tmp_path / "subjects").write_text("f1\n")

    dmd("erase", "--subjects", str(tmp_path / "subjects"), *given)

    _, printed = dmd("query", "SELECT fan, nickname FROM gift ORDER BY fan", *given, "--json")
    assert json.loads(printed) == [
        {"fan": "f1", "nickname": "[redacted]"},
        {"fan": "f2", "nickname": "Nick of f2"},
    ]


def test_a_console_has_them(lake: str, schemas: str) -> None:
    code = 'print(list(types), list(functions), sql("SELECT id FROM gift"))'

    assert dmd("console", "-c", code, "--lake", lake, "--schemas", schemas)[1] == "['gift'] ['gift'] [{'id': 'g1'}]\n"


WITH_A_LAKE = [
    name
    for name in COMMANDS
    if any("--lake" in parameter.opts for parameter in typer.main.get_command(app).commands[name].params)  # type: ignore[attr-defined]
]


def test_all_commands_that_take_a_lake_are_specified_here() -> None:
    assert WITH_A_LAKE == [
        "run",
        "query",
        "errors",
        "report",
        "replay",
        "backfill",
        "reconcile",
        "compact",
        "erase",
        "console",
    ]


@pytest.mark.parametrize("command", WITH_A_LAKE)
def test_a_folder_without_schemas_is_the_users_mistake(tmp_path: Path, command: str) -> None:
    (tmp_path / "lake/data-pipeline").mkdir(parents=True)
    arguments = {
        "run": [write(tmp_path / "in.jsonl", change())],
        "query": ["SELECT count(*) FROM demand"],
        "report": ["-o", str(tmp_path / "report.html")],
        "backfill": ["--export", str(tmp_path / "export")],
        "reconcile": ["--export", str(tmp_path / "export")],
        "erase": ["--subjects", write(tmp_path / "subjects.jsonl", change())],
        "console": ["-c", "types"],
    }
    full_export(tmp_path / "export", [])

    with pytest.raises(UserError, match=r"no \.avsc file here"):
        result_of(command, *arguments.get(command, []), "--lake", str(tmp_path / "lake"), "--schemas", str(tmp_path))

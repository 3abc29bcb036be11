"""A FIFO, a socket, a link, a damaged file in a lake: each is named, and nothing hangs."""

import faulthandler
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.query.sql import Dialect, query
from firehose.local.user_error import UserError
from tests.commands import result_of, write
from tests.exports import demand as demand_item
from tests.exports import full_export
from tests.failed import documents, error_object, everything, failed
from tests.given import change
from tests.lakes import demand, write_parquet

DAY = "2025-01-01"
PARTITION = f"data-pipeline/parquet/demand/partition_date={DAY}"


@pytest.fixture(autouse=True)
def nothing_hangs() -> Iterator[None]:
    """End this process after a minute: Arrow waits for a FIFO outside of Python, where no exception reaches it."""
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lake, an export, and a folder of somebody else; the path of a socket has 108 bytes at most."""
    monkeypatch.chdir(tmp_path)
    Path("elsewhere").mkdir()
    Path("elsewhere", "theirs.parquet").write_bytes(b"theirs")
    write_parquet(Path("lake"), "demand", DAY, [demand(DAY)])
    full_export(Path("export"), [demand_item("f1")])
    return tmp_path


def socket_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


STRANGE = {
    "a FIFO": os.mkfifo,
    "a socket": socket_at,
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a link to a file": lambda path: path.symlink_to(Path("elsewhere", "theirs.parquet").resolve()),
    "a link to a folder that leaves the lake": lambda path: path.symlink_to(Path("elsewhere").resolve()),
    "a link to a folder above": lambda path: path.symlink_to(".."),
}


@pytest.fixture(params=STRANGE, ids=str)
def strange(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    made: Callable[[Path], None] = STRANGE[request.param]
    return made


COMMANDS = [
    pytest.param(f"lake/{PARTITION}", ["query", "SELECT * FROM demand", "--lake", "lake"], id="query"),
    pytest.param(f"lake/{PARTITION}", ["backfill", "--export", "export", "--lake", "lake"], id="backfill's comparison"),
    pytest.param("lake/data-pipeline/errors/records", ["errors", "--lake", "lake"], id="errors, of the function"),
    pytest.param(
        "lake/data-pipeline/errors/records", ["query", "SELECT * FROM errors", "--lake", "lake"], id="query errors"
    ),
    pytest.param("lake/data-pipeline/errors/firehose", ["errors", "--lake", "lake"], id="errors, of Firehose"),
    pytest.param("lake/data-pipeline/errors/firehose", ["replay", "--lake", "lake"], id="replay"),
    pytest.param("elsewhere", ["replay", "--lake", "lake", "--errors", "elsewhere"], id="replay of other errors"),
]


@pytest.mark.parametrize(("place", "command"), COMMANDS)
def test_what_is_neither_a_file_nor_a_folder_is_named(
    here: Path, strange: Callable[[Path], None], place: str, command: list[str]
) -> None:
    error_object(Path("lake"), failed(b"{"))
    documents(Path("lake"))
    path = Path(place, "x.parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    strange(path)
    before = everything(here)

    with pytest.raises(UserError, match=rf"{path} is a link, a FIFO or the like, neither a file nor a folder"):
        result_of(*command)

    assert {key: digest for key, digest in everything(here).items() if not key.endswith("/.lock")} == before


@pytest.mark.parametrize("place", ["data-pipeline", "data-pipeline/parquet", "data-pipeline/parquet/demand"])
def test_such_a_thing_in_the_place_of_a_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strange: Callable[[Path], None], place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("elsewhere").mkdir()
    Path("lake", place).parent.mkdir(parents=True)
    strange(Path("lake", place))

    with pytest.raises(UserError, match=r"^lake"):
        result_of("query", "SELECT * FROM demand", "--lake", "lake")
    with pytest.raises(UserError, match=r"^lake"):
        result_of("run", write(Path("changes.jsonl"), change()), "--lake", "lake")

    assert list(Path("elsewhere").iterdir()) == []


def test_what_hive_ignores_may_be_anything(here: Path, strange: Callable[[Path], None]) -> None:
    strange(Path("lake", PARTITION, ".x"))

    assert query("SELECT count(*) AS n FROM demand", "lake").rows == [(1,)]


def test_a_replay_does_not_wait_for_a_fifo_in_the_place_of_its_lock(here: Path) -> None:
    error_object(Path("lake"), failed(b"{", code="Lambda.FunctionError"))
    result_of("replay", "--lake", "lake")
    lock = Path("lake/dmd-replay/.lock")
    lock.unlink()
    os.mkfifo(lock)
    error_object(Path("lake"), failed(b"[", code="Lambda.FunctionError"), name="2")

    with pytest.raises(OSError, match=r"No such device"):
        result_of("replay", "--lake", "lake")


def cut(body: bytes) -> bytes:
    return body[: len(body) // 2]


def other_page(body: bytes) -> bytes:
    return body[:4] + bytes(one ^ 0xFF for one in body[4:200]) + body[200:]


def other_footer(body: bytes) -> bytes:
    return body[:-200] + bytes(one ^ 0x55 for one in body[-200:-100]) + body[-100:]


COUNT = "SELECT count(*) FROM demand"


@pytest.mark.parametrize("damage", [cut, other_page, other_footer, lambda _: b"", lambda _: b"no Parquet at all"])
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("sql", [COUNT, "SELECT * FROM demand ORDER BY fanid LIMIT 1"])
def test_a_damaged_parquet_file_is_named(here: Path, damage: Any, dialect: Dialect, sql: str) -> None:
    path = write_parquet(Path("lake"), "demand", DAY, [demand(DAY, phonenumber="SECRET")])
    path.write_bytes(damage(path.read_bytes()))
    if damage in (other_page, other_footer) and sql == COUNT:
        # Of a footer that begins as the one before, the number of rows is read, and no page.
        assert query(sql, "lake", dialect=dialect).rows == [(2,)]
        return

    with pytest.raises(UserError) as raised:
        query(sql, "lake", dialect=dialect)

    assert str(raised.value) == f"{path} is not a Parquet file that its table can read, or it is damaged"


def test_a_damaged_parquet_file_is_named_by_the_comparison_of_a_backfill(here: Path) -> None:
    (path,) = Path("lake", PARTITION).iterdir()
    path.write_bytes(cut(path.read_bytes()))

    with pytest.raises(UserError, match=f"^{path} is not a Parquet file"):
        result_of("backfill", "--export", "export", "--lake", "lake")

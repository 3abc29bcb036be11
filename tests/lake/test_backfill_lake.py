"""Into a lake: the rows of a backfill are those that the pipeline would have made of the items as they were written."""

from pathlib import Path
from typing import Any

import pytest

from firehose.local.user_error import UserError
from tests.commands import result_of as dmd
from tests.exports import (
    EXPORTED_MICROS,
    KEYS,
    SMALL,
    TABLE,
    WRITTEN_MICROS,
    backfilled,
    demand,
    export,
    full,
    full_export,
    incremental_export,
    item,
    lines_of,
    written,
)
from tests.failed import everything, fans, rows
from tests.given import change_of, m, s
from tests.lakes import at
from transform.times import LAST_MICROS

pytestmark = pytest.mark.slow

TYPES = ("demand", "event", "notification", "sale")
ITEMS = [
    demand("a", phoneNumber=s("+15550100"), isDeleted={"BOOL": True}),
    demand("b", "2025-01-02"),
    item("sale", "1"),
    item("event", "2"),
    item("notification", "3"),
]


def of(lake: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of all types, without what tells one change of an item from another."""
    return {name: [{**row, "change": None} for row in rows(lake, name)] for name in TYPES}


def changes(lake: Path, record_type: str = "demand") -> list[dict[str, Any]]:
    return [row["change"] for row in rows(lake, record_type)]


def live(folder: Path, micros: int) -> Path:
    """The lake of the same items, had they been inserted at a time."""
    changes = [change_of(one) for one in ITEMS]
    for one in changes:
        one["dynamodb"] |= {
            "ApproximateCreationDateTime": micros,
            "ApproximateCreationDateTimePrecision": "MICROSECOND",
        }
    (folder / "changes.jsonl").write_bytes(lines_of(changes))
    dmd("run", str(folder / "changes.jsonl"), "--lake", str(folder / "live"))
    return folder / "live"


def test_the_rows_of_a_full_export_are_those_of_its_items_inserted_at_its_time(tmp_path: Path) -> None:
    full_export(tmp_path / "export", ITEMS[:3], [], ITEMS[3:])

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", **SMALL).counts

    assert of(tmp_path / "lake") == of(live(tmp_path, EXPORTED_MICROS))
    assert (counts.read, counts.settled) == (5, 5)
    assert counts.delivered == {"demand": 2, "event": 1, "notification": 1, "sale": 1}


def test_the_rows_of_an_incremental_export_are_those_of_its_new_images_inserted_when_written(tmp_path: Path) -> None:
    incremental_export(tmp_path / "export", [written(one) for one in ITEMS[:2]], [written(one) for one in ITEMS[2:]])

    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", **SMALL)

    assert of(tmp_path / "lake") == of(live(tmp_path, WRITTEN_MICROS))


def test_a_row_of_a_full_export_is_an_insert_at_the_time_of_the_export_below_all_of_the_stream(tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("a")])

    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state")

    (change,) = changes(tmp_path / "lake")
    assert (change["name"], change["expired"]) == ("INSERT", False)
    assert (change["at"], change["atmicros"]) == (at("2025-03-01T10:00:00.500"), EXPORTED_MICROS)
    # Views take the highest of (atmicros, sequence); a sequence is compared as text.
    lowest_of_kinesis = f"{'49':0<56}"
    assert change["sequence"] < f"{lowest_of_kinesis:0>128}"
    assert len(change["id"]) == len("backfill-") + 64


def test_a_row_of_an_incremental_export_has_the_time_at_which_it_was_written(tmp_path: Path) -> None:
    lines = [written(demand("a")), written(demand("b"), micros={"N": "1740000000000001"})]
    bare = written(demand("c")) | {"Metadata": {"WriteTimestampMicros": WRITTEN_MICROS}}
    incremental_export(tmp_path / "export", [*lines, bare])

    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state")

    found = [(row["fanid"], row["change"]["atmicros"]) for row in rows(tmp_path / "lake")]
    assert sorted(found) == [("a", WRITTEN_MICROS), ("b", 1_740_000_000_000_001), ("c", WRITTEN_MICROS)]


def test_a_delete_of_an_incremental_export_becomes_a_remove_or_is_reported(tmp_path: Path) -> None:
    kept, lost = written(None, demand("gone")), written(None)
    incremental_export(tmp_path / "export", [written(demand("a"), demand("b")), lost, kept])

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state").counts

    names = {row["fanid"]: row["change"]["name"] for row in rows(tmp_path / "lake")}
    assert names == {"a": "INSERT", "gone": "REMOVE"}
    assert (counts.without_image, counts.unfinished, counts.settled) == (1, 1, 3)
    (place,) = counts.places
    assert place.endswith(".json.gz:2: a delete without the old image")


def test_the_same_item_has_the_same_id_in_every_export_and_every_run(tmp_path: Path) -> None:
    full_export(tmp_path / "one", [demand("a"), demand("b")])
    turned = dict(reversed(demand("a").items()))
    export(tmp_path / "two", [full(turned)], exportArn="another", exportTime="2025-03-02T00:00:00Z")

    for name in ("one", "two"):
        backfilled(tmp_path / name, tmp_path / f"lake-{name}", tmp_path / "state")

    ids = {row["fanid"]: row["change"]["id"] for row in rows(tmp_path / "lake-one")}
    assert ids["a"] == changes(tmp_path / "lake-two")[0]["id"]
    assert ids["a"] != ids["b"]


def test_an_item_that_changes_back_is_another_change(tmp_path: Path) -> None:
    lines = [written(demand("a")), written(demand("a"), micros=WRITTEN_MICROS + 1), written(None, demand("a"))]
    incremental_export(tmp_path / "export", lines)

    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state")

    assert len({change["id"] for change in changes(tmp_path / "lake")}) == 3


@pytest.mark.parametrize("file_format", ["parquet", "avro"])
def test_a_second_run_leaves_the_same_objects_with_the_same_bytes(tmp_path: Path, file_format: Any) -> None:
    full_export(tmp_path / "export", ITEMS, [demand(str(number)) for number in range(5)])
    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", file_format=file_format, **SMALL)
    before = everything(tmp_path / "lake")

    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", file_format=file_format, **SMALL)

    assert everything(tmp_path / "lake") == before
    assert sum(name.startswith(f"data-pipeline/{file_format}/") for name in before) >= 5


def test_a_copy_of_an_export_is_the_same_export(tmp_path: Path) -> None:
    home = full_export(tmp_path / "export", ITEMS)
    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state")
    before = everything(tmp_path / "lake")
    copy = home.rename(tmp_path / "copied")

    backfilled(copy, tmp_path / "lake", tmp_path / "state")

    assert everything(tmp_path / "lake") == before


def test_equal_items_in_two_files_are_two_rows(tmp_path: Path) -> None:
    """No table has them; a file that lists an item twice is not for a backfill to correct."""
    full_export(tmp_path / "export", [demand("a"), demand("a")], [demand("a")])

    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state")

    assert fans(tmp_path / "lake") == ["a", "a", "a"]


def test_only_selected_types_are_backfilled(tmp_path: Path) -> None:
    odd: list[Any] = [{"type": {"N": "1"}}, {"type": "demand"}, {}, {"type": s("demand") | s("x") | {"N": "1"}}]
    full_export(tmp_path / "export", [*ITEMS, *(KEYS | one for one in odd)])

    outcome = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", types=("event", "sale"))

    assert outcome.counts.delivered == {"event": 1, "sale": 1}
    assert outcome.counts.skipped == {"other type": 7}
    assert outcome.counts.settled == 9


@pytest.mark.parametrize(
    ("bounds", "there"),
    [
        pytest.param({"first": "2025-01-02"}, ["2", "3", "4"], id="from, inclusive"),
        pytest.param({"last": "2025-01-02"}, ["1", "2"], id="to, inclusive"),
        pytest.param({"first": "2025-01-02", "last": "2025-01-03"}, ["2", "3"], id="both"),
        pytest.param({"first": "2025-01-02", "types": ("sale",)}, [], id="and no sale"),
    ],
)
def test_only_items_within_the_dates_are_backfilled(tmp_path: Path, bounds: dict[str, Any], there: list[str]) -> None:
    full_export(tmp_path / "export", [demand(day, f"2025-01-0{day}") for day in "4321"])

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", **bounds).counts

    assert fans(tmp_path / "lake") == there
    assert sum(counts.skipped.values()) == 4 - len(there)


def test_an_item_without_a_date_is_left_out_of_a_selection_by_date(tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("a"), demand("b", date=None), KEYS | {"type": s("nobody")}])

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", first="2025-01-01").counts

    assert fans(tmp_path / "lake") == ["a"]
    assert (counts.undated, counts.failed, counts.other) == ({"invalid": 1}, {}, 1)
    assert not (tmp_path / "lake/data-pipeline/errors").exists()
    assert counts.settled == 3


def test_without_a_selection_by_date_an_item_without_a_date_fails_in_the_pipeline(tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("a"), demand("b", date=None), KEYS | {"type": s("nobody")}])

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state").counts

    assert (counts.undated, counts.failed, counts.other) == ({}, {"invalid": 1}, 1)
    found = dmd("errors", "--lake", str(tmp_path / "lake"), "--json").stdout
    assert '"invalid"' in found
    assert counts.settled == 3


def test_a_line_that_is_not_an_item_is_reported_by_its_place_and_the_rest_is_backfilled(tmp_path: Path) -> None:
    secret: Any = b'{"Item": {"phoneNumber": {"S": "+15550100"'
    export(tmp_path / "export", [full(demand("a")), secret, b"", b"[]", b'{"Item": 1}', full(demand("b"))])

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state").counts

    assert fans(tmp_path / "lake") == ["a", "b"]
    assert (counts.not_lines, counts.unfinished, counts.settled) == (4, 4, 6)
    assert [place.split(".json.gz:")[1][:1] for place in counts.places] == ["2", "3", "4", "5"]
    assert "5550100" not in str(counts.places)


def test_a_file_with_another_count_than_its_manifest_is_reported_and_backfilled(tmp_path: Path) -> None:
    export(tmp_path / "export", [full(demand("a")), full(demand("b"))], listed={"itemCount": 3})

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state").counts

    assert fans(tmp_path / "lake") == ["a", "b"]
    assert (counts.miscounted, counts.unfinished, counts.settled) == (1, 1, 2)
    assert counts.places[0].endswith("2 items, but the manifest says 3")


def test_key_options_name_the_keys_of_the_change(tmp_path: Path) -> None:
    """They are in the digest that is its id."""
    full_export(tmp_path / "export", [demand("a")])
    ids = []

    for keys in ((), ("pk", "sk"), ("pk",), ("fanId",)):
        lake = tmp_path / f"lake{keys}"
        backfilled(tmp_path / "export", lake, tmp_path / "state", keys=keys)
        ids.append(changes(lake)[0]["id"])

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_an_item_without_a_named_key_is_reported(tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("a"), demand("b")])

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", keys=("id",)).counts

    assert counts.not_lines == 2
    assert counts.places[0].endswith(":1: not an item: it lacks a key of its table, id")


def test_two_processes_make_the_same_lake_as_one(tmp_path: Path) -> None:
    files = [[demand(f"{file}-{number}") for number in range(5)] for file in range(4)]
    full_export(tmp_path / "export", *files)
    one = backfilled(tmp_path / "export", tmp_path / "one", tmp_path / "state", **SMALL).counts

    two = backfilled(tmp_path / "export", tmp_path / "two", tmp_path / "state", processes=2, **SMALL).counts

    assert everything(tmp_path / "two") == everything(tmp_path / "one")
    assert two == one
    assert len(fans(tmp_path / "one")) == 20


def test_two_processes_leave_nothing_in_a_lake_but_its_data_and_the_place_of_notes(tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("1")], [demand("2")])

    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", processes=2, **SMALL)

    assert {path.name for path in (tmp_path / "lake").iterdir()} == {"data-pipeline", "dmd-jobs"}
    assert list((tmp_path / "lake/dmd-jobs/open").iterdir()) == []


def test_an_error_in_one_process_ends_all_and_the_next_run_resumes(tmp_path: Path) -> None:
    home = full_export(tmp_path / "export", *([demand(f"{file}")] for file in range(4)))
    data = sorted((home / "data").iterdir())
    whole = data[2].read_bytes()
    data[2].write_bytes(b"")

    with pytest.raises(UserError, match="is damaged: its MD5"):
        backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", processes=2, **SMALL)

    data[2].write_bytes(whole)
    outcome = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", processes=1, **SMALL)
    assert fans(tmp_path / "lake") == ["0", "1", "2", "3"]
    assert outcome.resumed
    assert outcome.counts.delivered == {"demand": 4}
    assert {path.name for path in (tmp_path / "lake").iterdir()} == {"data-pipeline", "dmd-jobs"}


def test_the_change_that_a_backfill_makes_names_the_table_and_its_region(tmp_path: Path) -> None:
    arn = "arn:aws:dynamodb:eu-west-3:123456789012:table/"
    ids = []
    for table in (TABLE, "other"):
        full_export(tmp_path / table, [demand("a")], tableArn=arn + table)
        backfilled(tmp_path / table, tmp_path / f"lake-{table}", tmp_path / "state")
        ids.append(changes(tmp_path / f"lake-{table}")[0]["id"])

    assert ids[0] != ids[1]


def test_a_write_time_in_other_units_is_refused(tmp_path: Path) -> None:
    wrong: list[Any] = [0, -1, 1_740_000_000, LAST_MICROS + 1, {"S": "1740000000123456"}, {}, {"N": "1e15"}, "x", None]
    lines = [written(demand("a"), micros=micros) for micros in wrong]
    incremental_export(tmp_path / "export", [*lines, written(demand("b"), micros=LAST_MICROS)])

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state").counts

    assert counts.not_lines == len(wrong)
    assert sum(counts.delivered.values()) + sum(counts.failed.values()) == 1


def test_a_map_of_keys_in_an_incremental_export_is_taken_as_it_is(tmp_path: Path) -> None:
    incremental_export(
        tmp_path / "export", [written(demand("a"), Keys={"id": m(x=s("y"))}), written(demand("b"), Keys=None)]
    )

    counts = backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state").counts

    assert fans(tmp_path / "lake") == ["a"]
    assert counts.not_lines == 1

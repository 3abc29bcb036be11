"""`dmd iceberg tables`: makes and evolves the tables of a folder's catalog or of Glue, by name."""

import json
import shutil
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from firehose.lake.iceberg.catalogs import folder_tables, glue_tables
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.user_error import UserError
from firehose.pipeline.iceberg_tables import TablePlace, make_tables
from firehose.pipeline.names import Names
from glue.layout import Format
from glue.schema import load
from tests.commands import dmd
from tests.invented import gift, group, member, optional
from tests.local_aws import local_aws

pytestmark = pytest.mark.slow

TYPES = load()
BOTH = [*TYPES, *(f"{name}_current" for name in TYPES)]


def tables(lake: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and by table what `dmd iceberg tables --lake` did."""
    code, printed = dmd("iceberg", "tables", "--lake", str(lake), "--json", *options)
    return code, {one["table"]: one for one in json.loads(printed)}


def states(lake: Path, *options: str) -> set[str]:
    return {one["state"] for one in tables(lake, *options)[1].values()}


def loaded(place: TablePlace, name: str) -> Table:
    found = place.load(name)
    assert found is not None
    return found


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A folder of schemas with one type, gift."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    write_gift(folder)
    return folder


def write_gift(folder: Path, *fields: dict[str, Any]) -> None:
    (folder / "gift.avsc").write_text(json.dumps(gift(*fields)))


@pytest.mark.parametrize("name", ["lake", "a lake #1 with 100% é", "what%20is?mode=memory&this"])
def test_a_history_and_a_current_table_are_made_for_each_type_where_the_design_has_them(
    tmp_path: Path, name: str
) -> None:
    lake = tmp_path / name

    code, made = tables(lake)

    assert (code, {name: one["state"] for name, one in made.items()}) == (0, dict.fromkeys(BOTH, "made"))
    assert (lake / "data-pipeline/iceberg/catalog.sqlite").is_file()
    place = folder_tables(str(lake))
    assert place.catalog.name == "lake"
    assert {name for _, name in place.catalog.list_tables("dmnd_pipeline")} == set(BOTH)
    assert loaded(place, "sale").location() == str(lake / "data-pipeline/iceberg/sale")


def test_an_address_of_a_folder_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UserError, match="should be the path of a folder"):
        folder_tables(f"file://{tmp_path}/lake", make=True)

    assert list(tmp_path.iterdir()) == []


def test_no_table_holds_a_property_that_changes_how_other_writers_commit(tmp_path: Path) -> None:
    tables(tmp_path)

    for name in BOTH:
        table = loaded(folder_tables(str(tmp_path)), name)
        assert [key for key in table.properties if key.startswith("commit.")] == []
        assert table.metadata.format_version == 2


def test_again_nothing_is_done(tmp_path: Path) -> None:
    tables(tmp_path)
    before = files(tmp_path)

    assert states(tmp_path) == {"unchanged"}
    assert files(tmp_path) == before


def test_a_dry_run_makes_and_changes_nothing(tmp_path: Path, schemas: Path) -> None:
    lake = tmp_path / "lake"
    own = ("--schemas", str(schemas))
    assert states(lake, *own, "--dry-run") == {"made"}
    assert states(lake, *own) == {"made"}
    before = files(lake)
    write_gift(schemas, member("note", optional("string")))

    _, planned = tables(lake, *own, "--dry-run")

    assert planned["gift"] == {"table": "gift", "state": "changed", "details": ["column note added: string"]}
    assert files(lake) == before


def files(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*") if path.is_file()}


def test_a_new_field_is_a_new_column_with_a_new_id_and_old_rows_have_none_there(tmp_path: Path, schemas: Path) -> None:
    lake, own = tmp_path / "lake", ("--schemas", str(schemas))
    tables(lake, *own)
    before = loaded(folder_tables(str(lake)), "gift")
    before.append(rows_of(before, [{"id": "g1", "partition_date": "2025-01-01"}]))
    write_gift(schemas, member("note", optional("string")))

    _, done = tables(lake, *own)

    after = loaded(folder_tables(str(lake)), "gift")
    assert done["gift"]["details"] == ["column note added: string"]
    kept = {name: after.schema().find_field(name).field_id for name in before.schema().column_names}
    assert kept == {name: before.schema().find_field(name).field_id for name in before.schema().column_names}
    assert after.schema().find_field("note").field_id == before.metadata.last_column_id + 1
    assert after.scan(selected_fields=("id", "note")).to_arrow().to_pylist() == [{"id": "g1", "note": None}]


def rows_of(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema_to_pyarrow(table.schema(), include_field_ids=False))


def test_members_of_a_current_table_are_in_the_order_of_its_history(tmp_path: Path, schemas: Path) -> None:
    """Athena assigns a struct member by member, whatever their names."""
    lake, own = tmp_path / "lake", ("--schemas", str(schemas))
    place = folder_tables(str(lake), make=True)
    write_gift(schemas, member("box", optional(group("Box", member("a"), member("c")))))
    make_tables(place, load(schemas))
    write_gift(schemas, member("box", optional(group("Box", member("a"), member("b"), member("c")))))

    tables(lake, *own)
    tables(lake, *own)

    for name in ("gift", "gift_current"):
        members = [one for one in loaded(place, name).schema().column_names if one.startswith("box.")]
        assert members == ["box.a", "box.c", "box.b"]


def test_a_current_table_with_members_in_another_order_than_its_history_is_refused(
    tmp_path: Path, schemas: Path
) -> None:
    lake, own = tmp_path / "lake", ("--schemas", str(schemas))
    write_gift(schemas, member("box", optional(group("Box", member("a"), member("b")))))
    tables(lake, *own)
    place = folder_tables(str(lake))
    place.catalog.drop_table(place.identifier("gift"))
    write_gift(schemas, member("box", optional(group("Box", member("b"), member("a")))))

    code, done = tables(lake, *own)

    assert (code, done["gift"]["state"], done["gift_current"]["state"]) == (1, "made", "refused")
    assert done["gift_current"]["details"][0].startswith("gift_current.box: its members are in another order")


def test_an_id_is_not_given_again_although_its_column_is_gone(tmp_path: Path, schemas: Path) -> None:
    """Somebody dropped a column by other means; the field comes back as another column."""
    lake, own = tmp_path / "lake", ("--schemas", str(schemas))
    write_gift(schemas, member("note", optional("string")))
    tables(lake, *own)
    table = loaded(folder_tables(str(lake)), "gift")
    first = table.schema().find_field("note").field_id
    with table.update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("note")

    tables(lake, *own)

    again = loaded(folder_tables(str(lake)), "gift").schema().find_field("note").field_id
    assert again > table.metadata.last_column_id - 1
    assert again != first


def test_what_breaks_readers_is_refused_by_its_column_and_the_other_tables_are_done(
    tmp_path: Path, schemas: Path
) -> None:
    lake, own = tmp_path / "lake", ("--schemas", str(schemas))
    write_gift(schemas, member("note", optional("string")))
    tables(lake, *own)
    write_gift(schemas)
    other = gift() | {"name": "parcel"}
    (schemas / "parcel.avsc").write_text(json.dumps(other))

    code, done = tables(lake, *own)

    assert code == 1
    assert done["gift"] == {
        "table": "gift", "state": "refused", "details": ["gift.note: removed: queries that name it would fail"],
    }  # fmt: skip
    assert done["parcel"]["state"] == "made"
    assert "note" in loaded(folder_tables(str(lake)), "gift").schema().column_names


def test_a_table_with_other_partitions_is_refused(tmp_path: Path, schemas: Path) -> None:
    lake, own = tmp_path / "lake", ("--schemas", str(schemas))
    tables(lake, *own)
    with loaded(folder_tables(str(lake)), "gift").update_spec() as update:
        update.add_identity("id")

    code, done = tables(lake, *own)

    assert (code, done["gift"]["state"]) == (1, "refused")
    assert "partitioned by identity(partition_date), identity(id)" in done["gift"]["details"][0]


def test_a_property_that_somebody_changed_is_set_again(tmp_path: Path) -> None:
    tables(tmp_path)
    changed = loaded(folder_tables(str(tmp_path)), "demand")
    with changed.transaction() as transaction:
        transaction.set_properties({"write.metadata.metrics.column.email": "full", "own": "kept"})

    _, done = tables(tmp_path)

    assert done["demand"]["details"] == ["property write.metadata.metrics.column.email = none"]
    assert done["sale"]["state"] == "unchanged"
    assert loaded(folder_tables(str(tmp_path)), "demand").properties["own"] == "kept"


def test_no_manifest_holds_a_bound_of_a_personal_column(tmp_path: Path) -> None:
    tables(tmp_path)
    table = loaded(folder_tables(str(tmp_path)), "demand")

    table.append(rows_of(table, [{"phonenumber": "+12005550125", "fanid": "f-4711", "partition_date": "2025-01-01"}]))

    manifests = list((tmp_path / "data-pipeline/iceberg/demand/metadata").glob("*.avro"))
    held = b"".join(map(Path.read_bytes, manifests))
    bounds = table.inspect.files().column("lower_bounds").to_pylist()
    fan, phone = (table.schema().find_field(name).field_id for name in ("fanid", "phonenumber"))
    (of_file,) = (dict(one) for one in bounds)
    assert (fan in of_file, phone in of_file) == (True, False)
    assert b"+12005550125" not in held


# Moved ---------------------------------------------------------------------------------------------------------------


def filled(lake: Path) -> list[dict[str, Any]]:
    """Rows in a lake's table of sales, by two commits."""
    tables(lake)
    table = loaded(folder_tables(str(lake)), "sale")
    for number in range(2):
        table.append(rows_of(table, [{"id": f"s{number}", "partition_date": f"2025-01-0{number + 1}"}]))
    return sorted_rows(table)


def sorted_rows(table: Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.scan().to_arrow().sort_by("id").to_pylist()
    return found


def test_a_moved_folder_says_what_to_run_and_then_reads_as_before_from_its_new_place_alone(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "a new place"
    rows = filled(old)
    first = loaded(folder_tables(str(old)), "sale").metadata.snapshots[0].snapshot_id
    shutil.move(old, new)

    with pytest.raises(UserError, match=r"were made in .*/old, .* run dmd iceberg tables --lake .* --moved"):
        dmd("iceberg", "tables", "--lake", str(new))
    assert dmd("iceberg", "tables", "--lake", str(new), "--moved")[0] == 0

    table = loaded(folder_tables(str(new)), "sale")
    assert sorted_rows(table) == rows
    assert table.scan(snapshot_id=first).to_arrow().column("id").to_pylist() == ["s0"]
    assert not [path for path in (new / "data-pipeline/iceberg").rglob("*") if path.is_file() and old_in(path, old)]
    table.append(rows_of(table, [{"id": "s2", "partition_date": "2025-01-03"}]))
    assert loaded(folder_tables(str(new)), "sale").scan().to_arrow().num_rows == 3


def old_in(path: Path, old: Path) -> bool:
    """True if a file names the old place. Data files do not; SQLite may keep replaced rows in free pages."""
    return path.suffix in {".avro", ".json"} and f"{old}/".encode() in path.read_bytes()


def test_a_move_that_was_killed_is_ended_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    rows = filled(old)
    shutil.move(old, new)
    before = Path.replace
    done: list[Path] = []

    def replace_three(self: Path, target: Path) -> Path:
        if len(done) == 3:
            raise InterruptedError("killed")
        done.append(target)
        return before(self, target)

    monkeypatch.setattr(Path, "replace", replace_three)
    with pytest.raises(InterruptedError):
        dmd("iceberg", "tables", "--lake", str(new), "--moved")
    monkeypatch.undo()

    assert dmd("iceberg", "tables", "--lake", str(new), "--moved")[0] == 0
    assert sorted_rows(loaded(folder_tables(str(new)), "sale")) == rows


def test_where_nothing_was_moved_nothing_is_rewritten(tmp_path: Path) -> None:
    filled(tmp_path)
    before = files(tmp_path)

    assert states(tmp_path, "--moved") == {"unchanged"}
    assert files(tmp_path) == before


# Glue ----------------------------------------------------------------------------------------------------------------


def test_in_glue_the_tables_lie_in_the_environments_database_and_bucket_and_are_merged_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names("test")
    with local_aws() as address:
        for name, value in Endpoint(address).variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UserError, match="apply Terraform for test first"):
            dmd("iceberg", "tables", "--glue", "--environment", "test")
        boto3.client("s3").create_bucket(Bucket=names.bucket)
        boto3.client("glue").create_database(DatabaseInput={"Name": names.database(Format.ICEBERG)})

        first = dmd("iceberg", "tables", "--glue", "--environment", "test", "--json")
        second = dmd("iceberg", "tables", "--glue", "--environment", "test", "--json")

        assert {one["state"] for one in json.loads(first[1])} == {"made"}
        assert {one["state"] for one in json.loads(second[1])} == {"unchanged"}
        sale = loaded(glue_tables("test"), "sale")
        assert sale.location() == f"s3://{names.bucket}/data-pipeline/iceberg/sale"
        found = boto3.client("glue").get_table(DatabaseName=names.database(Format.ICEBERG), Name="sale")["Table"]
        assert found["Parameters"]["table_type"] == "ICEBERG"
        change = {"item": "i", "atmicros": 1}
        sale.append(rows_of(sale, [{"id": "s1", "change": change, "partition_date": "2025-01-01"}]))
        for inserted in (1, 0):
            merged = dmd("iceberg", "merge", "--full", "--lake", f"s3://{names.bucket}", "--type", "sale", "--json")
            assert json.loads(merged[1]) == [{"table": "sale_current", "inserted": inserted, "replaced": 0}]


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ((), "specify either --lake or --glue"),
        (("--lake", "lake", "--glue"), "not both"),
        (("--glue",), "specify the environment"),
        (("--glue", "--environment", "dev1", "--moved"), "--moved is for a folder"),
        (("--lake", "s3://bucket"), "the tables of a bucket are in Glue"),
    ],
)
def test_a_mistake_of_the_callers_is_refused(options: tuple[str, ...], wrong: str) -> None:
    with pytest.raises(UserError, match=wrong):
        dmd("iceberg", "tables", *options)

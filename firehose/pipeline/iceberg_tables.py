"""Makes the Iceberg tables of the record types, and evolves those that are there. This file loads PyIceberg."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import TypeAlias

import msgspec
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from firehose.local.iceberg_catalogs import TO_TRY_AGAIN
from firehose.local.user_error import UserError
from glue import iceberg
from glue.evolution import BreakingChange
from glue.iceberg import FORMAT_VERSION, TableModel, breaking, in_order_of, other_order
from glue.model import RecordType

Kind: TypeAlias = Callable[[RecordType], TableModel]

_MOST_ATTEMPTS = 5


class TableState(StrEnum):
    """The change that was made to a table."""

    MADE = "made"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class TableOutcome(msgspec.Struct, frozen=True):
    """The change that was made to one table, or would be; `details` say which columns and properties, or why not."""

    table: str
    state: TableState
    details: list[str]


class TablePlace(msgspec.Struct, frozen=True):
    """The place of tables: a catalog of PyIceberg, the namespace in it, and the address of their folder."""

    catalog: Catalog
    namespace: str
    address: str

    def identifier(self, table: str) -> tuple[str, str]:
        """Return the name of a table in the catalog."""
        return (self.namespace, table)

    def load(self, table: str) -> Table | None:
        """Return a table, None if it does not exist."""
        try:
            return self.catalog.load_table(self.identifier(table))
        except NoSuchTableError:
            return None


def make_tables(
    place: TablePlace,
    types: Mapping[str, RecordType],
    kinds: Iterable[Kind] = (iceberg.history,),
    *,
    dry_run: bool = False,
) -> list[TableOutcome]:
    """Make the tables that are missing, and bring the others to their schemas by name; return what was done.

    Of each type there are those of `kinds`, histories alone by default. A table is left as it is if a change would
    break its readers; the others are done all the same. Doing it again changes nothing, nor does it in another process
    at the same moment.

    Raises:
        UserError: others change a table again and again.
    """
    return [_table(place, kind(record_type), dry_run=dry_run) for kind in kinds for record_type in types.values()]


def _table(place: TablePlace, model: TableModel, *, dry_run: bool) -> TableOutcome:
    for _ in range(_MOST_ATTEMPTS):
        with suppress(TableAlreadyExistsError, *TO_TRY_AGAIN):  # another process was faster: look at the table again
            return _followed(place, model, dry_run=dry_run)
    raise UserError(f"{model.name} cannot follow its schema while others change it: run the command again")


def _followed(place: TablePlace, model: TableModel, *, dry_run: bool) -> TableOutcome:
    # In a dry run the history has not followed its schema.
    history = place.load(model.history) if model.history and not dry_run else None
    if history is not None:
        model = in_order_of(history.schema(), model)
    name, wanted = model.name, model.schema
    table = place.load(name)
    if table is None:
        if not dry_run:
            place.catalog.create_table(
                place.identifier(name),
                wanted,
                location=f"{place.address}/{name}",
                partition_spec=model.spec,
                properties={"format-version": FORMAT_VERSION, **model.properties},
            )
        return TableOutcome(name, TableState.MADE, [f"{len(wanted.columns)} columns"])
    refused = breaking(name, table.schema(), wanted) + _other_partitions(table, model)
    if history is not None:
        refused += other_order(history.schema(), table.schema(), name)
    if refused:
        return TableOutcome(name, TableState.REFUSED, list(map(str, refused)))
    details = list(_evolve(table, wanted, model.properties, dry_run=dry_run))
    return TableOutcome(name, TableState.CHANGED if details else TableState.UNCHANGED, details)


def _other_partitions(table: Table, model: TableModel) -> list[BreakingChange]:
    own, wanted = _partitions(table.schema(), table.spec()), _partitions(model.schema, model.spec)
    if own == wanted:
        return []
    found = ", ".join(f"{transform}({column})" for column, transform in own) or "none"
    return [BreakingChange(model.name, f"partitioned by {found}: this is not a table that dmd iceberg tables made")]


def _partitions(schema: Schema, spec: PartitionSpec) -> list[tuple[str | None, str]]:
    return [(schema.find_column_name(one.source_id), str(one.transform)) for one in spec.fields]


def _evolve(table: Table, wanted: Schema, owned: Mapping[str, str], *, dry_run: bool) -> Iterator[str]:
    """Bring columns, docs and properties up to date in one commit, if they differ; yield the changes."""
    changed = {name: value for name, value in owned.items() if table.properties.get(name) != value}
    columns = list(_differences(table.schema(), wanted))
    if (columns or changed) and not dry_run:
        with table.transaction() as transaction:
            if columns:
                with transaction.update_schema() as update:
                    update.union_by_name(wanted)
            if changed:
                transaction.set_properties(changed)
    yield from columns
    yield from (f"property {name} = {value}" for name, value in changed.items())


def _differences(before: Schema, wanted: Schema) -> Iterator[str]:
    """Yield what a table's schema lacks of another that is no breaking change, by the full names of columns."""
    there = set(before.column_names)
    for name in wanted.column_names:
        field = wanted.find_field(name)
        if name not in there:
            yield f"column {name} added: {field.field_type if field.field_type.is_primitive else 'nested'}"
            continue
        old = before.find_field(name)
        if field.field_type.is_primitive and old.field_type != field.field_type:
            yield f"column {name} widened: {old.field_type} to {field.field_type}"
        if field.doc and old.doc != field.doc:
            yield f"column {name}: another doc"


def refusals(outcomes: list[TableOutcome]) -> list[TableOutcome]:
    """Return those that would break readers."""
    return [one for one in outcomes if one.state is TableState.REFUSED]

"""Items that a run puts into the table, and the rows that must come of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError

from firehose.local.user_error import UserError
from glue.model import RecordType
from glue.schema import load
from tests.given import Attributes, image, m, s
from transform.scrub import REDACTED

TYPES = load()

# The day of every time in an item, and so the partition of every row: the only one of the archive that the CI role may
# read (terraform/modules/pipeline/iam_ci.tf). Nobody's real data lies in it.
DAY = "1999-09-09"

# In every personal field: no phone number and no e-mail address, so that nobody gets a message whoever reads the table.
NOBODY = "e2e-nobody"

# What a second version of an item has that the first had not.
_CHANGED = {"demand": "eventName", "notification": "saleName", "event": "name", "sale": "name"}

LIVING = tuple(_CHANGED)  # a test holds that these are all types


def new_run(at: datetime) -> str:
    """What is in every id of a run, and in no other's: e2e-20250101-9f86d081."""
    return f"e2e-{at:%Y%m%d}-{uuid4().hex[:8]}"


class Row(NamedTuple):
    """What is asked of a row: "e2e-20250101-9f86d081-gone", "REMOVE", "true", ("[redacted]", "[redacted]")."""

    entity: str
    change: str
    deleted: str
    personal: tuple[str | None, ...]

    def __str__(self) -> str:
        """The row without what it says of a person: "REMOVE of e2e-20250101-9f86d081-gone"."""
        return f"{self.change} of {self.entity}"


@dataclass(frozen=True, slots=True)
class Life:
    """Two items of a type: one is created, changed and deleted, the other is created and stays.

    Life("sale", "e2e-20250101-9f86d081", "2025-01-01T10:00:00Z").rows -> [Row(...-gone, INSERT), ...]
    """

    name: str
    run: str
    at: str  # every time in it, and so its partition date

    @property
    def gone(self) -> Attributes:
        """The item that is deleted."""
        return self._item(f"{self.run}-gone")

    @property
    def kept(self) -> Attributes:
        """The item that stays."""
        return self._item(f"{self.run}-kept")

    @property
    def changed(self) -> Attributes:
        """The item that is deleted, before that."""
        return {**self.gone, _CHANGED[self.name]: s(f"{self.run}, changed")}

    @property
    def rows(self) -> list[Row]:
        """What the lake must have in the end, sorted."""
        gone, kept = self._reference(self.gone), self._reference(self.kept)
        person = (NOBODY,) * len(self.of_person)
        return sorted(
            [
                Row(gone, "INSERT", "false", person),
                Row(gone, "MODIFY", "false", person),
                Row(gone, "REMOVE", "true", (REDACTED,) * len(person)),
                Row(kept, "INSERT", "false", person),
            ]
        )

    @property
    def latest(self) -> list[Row]:
        """What the view of newest rows must have, sorted."""
        return [row for row in self.rows if row.change == "REMOVE" or row.entity == self._reference(self.kept)]

    @property
    def date(self) -> str:
        """The partition that the rows lie in."""
        return self.at[:10]

    def sql(self, table: str) -> str:
        """SQL for them, that Athena and DuckDB both take. A change that was delivered twice is one row."""
        shown = [
            "reference.id AS entity",
            "change.name AS changed",
            "CAST(coalesce(isdeleted, false) AS varchar) AS gone",
        ]
        shown += [name.lower() for name in self.of_person]
        return (
            f"SELECT DISTINCT change.id AS id, {', '.join(shown)} FROM {table} "  # noqa: S608 - all of it is ours
            f"WHERE partition_date = '{self.date}' AND reference.id LIKE '%{self.run}%'"
        )

    def read(self, answer: list[dict[str, str | None]]) -> list[Row]:
        """The rows of an answer to that SQL, sorted."""
        return sorted(
            Row(
                str(row["entity"]),
                str(row["changed"]),
                str(row["gone"]),
                tuple(row[name.lower()] for name in self.of_person),
            )
            for row in answer
        )

    @property
    def of_person(self) -> list[str]:
        """The personal fields of the type: ["phoneNumber", "email"]."""
        return [field.name for field in self._type.row.fields if field.pii]

    @property
    def _type(self) -> RecordType:
        return TYPES[self.name]

    def _reference(self, item: Attributes) -> str:
        """`reference.id`, which is made of ids of ours (BR-6)."""
        return "_".join(item[path[0]]["S"] for path in self._type.reference_id)

    def _item(self, entity: str) -> Attributes:
        at = s(self.at)
        ids = {"eventId": s(self.run), "saleId": s(self.run), "fanId": s(entity)}
        own: Mapping[str, Attributes] = {
            "demand": {**ids, "requestedDateTime": at, "date": m(requested=at)},
            "notification": {**ids, "date": m(created=at)},
            "event": {"id": s(entity), "date": m(firstSeen=at)},
            "sale": {"id": s(entity), "eventId": s(self.run), "saleStartDateTime": at},
        }
        return image(self.name, **own[self.name], **{name: s(NOBODY) for name in self.of_person})


class Items:
    """Puts items of one run into a table, and takes out again what it has put, and nothing else.

    Items(client, "prd3292-dev1-us-east-1-demand-table")
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self.table = table
        keys = client.describe_table(TableName=table)["Table"]
        kinds = {one["AttributeName"]: one["AttributeType"] for one in keys["AttributeDefinitions"]}
        self._keys = [one["AttributeName"] for one in keys["KeySchema"]]
        if {kinds[name] for name in self._keys} != {"S"}:
            raise UserError(f"the keys of {table} are not strings: no item can be made that is known for a test's")
        # What may be there, whatever became of the answer to its put.
        self._left: dict[str, Attributes] = {}

    def live(self, life: Life) -> None:
        """The life of both items: four changes that the stream gets."""
        gone = self._create(f"{life.run}-{life.name}-gone", life.gone)
        self._create(f"{life.run}-{life.name}-kept", life.kept)
        self._client.put_item(TableName=self.table, Item={**life.changed, **gone})
        self._delete(f"{life.run}-{life.name}-gone")

    def clear(self) -> int:
        """Deletes what is left; how many items that were."""
        left = list(self._left)
        for key in left:
            self._delete(key)
        return len(left)

    @property
    def left(self) -> list[str]:
        """The keys of items that are still to be deleted."""
        return list(self._left)

    def _create(self, key: str, item: Attributes) -> Attributes:
        keys = {name: s(key) for name in self._keys}
        self._left[key] = keys
        try:
            self._client.put_item(
                TableName=self.table,
                Item={**item, **keys},
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": self._keys[0]},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                del self._left[key]  # somebody else's
                raise UserError(f"{self.table} has an item {key} that is not ours") from None
            raise
        return keys

    def _delete(self, key: str) -> None:
        self._client.delete_item(TableName=self.table, Key=self._left[key])
        del self._left[key]

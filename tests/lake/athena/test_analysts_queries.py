"""Queries as analysts write them for Athena, over the lake of small_lake.py, with answers worked out by hand."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.query.sql import query
from firehose.local.user_error import UserError
from tests.lake.athena.small_lake import write_small_lake

SUNDAY = datetime(2025, 7, 6, 23, 30)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_lake(tmp_path_factory.mktemp("lake"))


# fmt: off
ANSWERS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "demands a month": (
        "SELECT date_trunc('month', requesteddatetime) AS m, count(*) AS n FROM demand GROUP BY 1 ORDER BY 1",
        [(datetime(2025, 1, 1), 2), (datetime(2025, 7, 1), 2)],
    ),
    "whole hours from request to notice": (
        "SELECT date_diff('hour', date.requested, date.notified) AS h, count(*) AS n FROM demand WHERE date.notified IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT 5",
        [(23, 1)],
    ),
    "changes a minute": (
        "SELECT date_format(change.at, '%Y-%m-%d %H:%i') AS minute, count(*) AS n FROM demand GROUP BY 1 ORDER BY 1 LIMIT 5",
        [("2025-01-01 10:00", 1), ("2025-01-02 23:30", 1), ("2025-07-06 23:30", 2)],
    ),
    "the first partition as a timestamp": (
        "SELECT min(date_parse(partition_date, '%Y-%m-%d')) AS first FROM demand",
        [(datetime(2025, 1, 1),)],
    ),
    "the newest change in epoch seconds": (
        "SELECT max(to_unixtime(change.at)) AS t FROM sale",
        [(1750715424.587,)],
    ),
    "the newest change from epoch seconds, cut by bigint division": (
        "SELECT max(from_unixtime(change.atmicros / 1000000)) AS t FROM sale",
        [("2025-06-23 21:50:24.000 UTC",)],
    ),
    "demands by hour in London": (
        "SELECT hour(at_timezone(CAST(requesteddatetime AS timestamp with time zone), 'Europe/London')) AS h, count(*) AS n FROM demand GROUP BY 1 ORDER BY 1",
        [(0, 2), (10, 1), (23, 1)],
    ),
    "about how many fans": (
        "SELECT approx_distinct(fanid) AS fans FROM demand",
        [(2,)],
    ),
    "an UNNEST of rows gives a column a field": (
        "SELECT e.id, i.url, i.width FROM event e CROSS JOIN UNNEST(e.images) AS i (url, ratio, width, height, fallback, attribution) WHERE i.width >= 2048 ORDER BY 1, 2 LIMIT 5",
        [("g1", "https://images.example.com/2048.jpg", 2048)],
    ),
    "sales by kind": (
        "SELECT t.kind, count(*) AS n FROM sale CROSS JOIN UNNEST(saletypes) AS t (kind) GROUP BY 1 ORDER BY 2 DESC, 1",
        [("PRESALE", 1), ("PUBLIC", 1), ("VIP", 1)],
    ),
    "kinds of a sale with their place": (
        "SELECT e.id, t.n, t.kind FROM sale e CROSS JOIN UNNEST(saletypes) WITH ORDINALITY AS t (kind, n) ORDER BY 1, 2 LIMIT 5",
        [("s1", 1, "PRESALE"), ("s1", 2, "VIP"), ("s2", 1, "PUBLIC")],
    ),
    "the second kind or null": (
        "SELECT id, element_at(saletypes, 2) AS second FROM sale ORDER BY id, change.at LIMIT 5",
        [("s1", "VIP"), ("s2", None), ("s3", None)],
    ),
    "how many pictures events have": (
        "SELECT cardinality(images) AS n, count(*) AS events FROM event GROUP BY 1 ORDER BY 1",
        [(0, 1), (2, 1)],
    ),
    "kinds of demand of an event": (
        "SELECT eventid, array_agg(DISTINCT demandtype ORDER BY demandtype) AS kinds FROM demand WHERE demandtype IS NOT NULL GROUP BY eventid ORDER BY eventid LIMIT 5",
        [("e1", ["invite", "remind"]), ("e2", ["remind"])],
    ),
    "how many large pictures": (
        "SELECT id, cardinality(filter(images, i -> i.width > 1000)) AS large FROM event ORDER BY id, change.at LIMIT 5",
        [("g1", 1), ("g2", 0)],
    ),
    "events with a British venue": (
        "SELECT id FROM event WHERE any_match(venues, v -> v.country.countrycode = 'GB') ORDER BY id, change.at LIMIT 3",
        [("g1",)],
    ),
    "domains of addresses, null where there is no match": (
        "SELECT regexp_extract(email, '@(.+)$', 1) AS domain, count(*) AS n FROM demand GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5",
        [("example.com", 2), ("example.org", 1), (None, 1)],
    ),
    "events called live or tour": (
        "SELECT count(*) AS n FROM event WHERE regexp_like(name, '(?i)live|tour')",
        [(1,)],
    ),
    "deletions among changes": (
        "SELECT count_if(isdeleted) AS deleted, count(*) AS n FROM demand",
        [(1, 4)],
    ),
    "venues with a latitude": (
        "SELECT count(TRY(CAST(venues[1].location.latitude AS double))) AS n FROM event",
        [(1,)],
    ),
    "first and last status by event": (
        "SELECT eventid, max_by(statusid, change.sequence) AS last, min_by(statusid, change.sequence) AS first FROM notification GROUP BY 1 ORDER BY 1 LIMIT 5",
        [("e1", "DELIVERED", "CREATED"), ("e2", "FAILED", "FAILED")],
    ),
    "the first fan of each event": (
        "WITH ranked AS (SELECT eventid, fanid, row_number() OVER (PARTITION BY eventid ORDER BY requesteddatetime, fanid) AS r FROM latest_demand WHERE NOT isdeleted) SELECT eventid, fanid FROM ranked WHERE r = 1 ORDER BY 1 LIMIT 5",
        [("e1", "f1"), ("e2", "f1")],
    ),
    "a month by literals": (
        "SELECT count(*) AS n FROM demand WHERE requesteddatetime BETWEEN TIMESTAMP '2025-01-01 00:00:00' AND TIMESTAMP '2025-02-01 00:00:00' - INTERVAL '1' SECOND",
        [(2,)],
    ),
    "files of a day": (
        "SELECT count(DISTINCT \"$path\") AS files FROM demand WHERE partition_date = '2025-01-01'",
        [(1,)],
    ),
    "IF and COALESCE": (
        "SELECT IF(contactmethod = 'sms', 'text', COALESCE(contactmethod, 'none')) AS c, count(*) AS n FROM demand GROUP BY 1 ORDER BY 1",
        [("email", 2), ("none", 1), ("text", 1)],
    ),
    "LIKE with ESCAPE": (
        "SELECT count(*) AS n FROM demand WHERE systemuserid LIKE 'archtics-7%' AND eventname NOT LIKE '%!_%' ESCAPE '!'",
        [(1,)],
    ),
    "DATE literals": (
        "SELECT count(*) AS n FROM sale WHERE salestartdate >= DATE '2025-01-01' AND CAST(partition_date AS date) < DATE '2026-01-01'",
        [(2,)],
    ),
    "concat is null where a part is null": (
        "SELECT concat(artistname, ' / ', salename) AS label, count(*) AS n FROM demand GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 4",
        [("Northern Dial / Presale", 3), (None, 1)],
    ),
    "whole per cent": (
        "SELECT count(*) FILTER (WHERE isdeleted) * 100 / count(*) AS percent FROM demand",
        [(25,)],
    ),
    "a day of the week, Sunday is 7": (
        "SELECT extract(DOW FROM requesteddatetime) AS dow, count(*) AS n FROM demand GROUP BY 1 ORDER BY 1",
        [(3, 1), (4, 1), (7, 2)],
    ),
    "a timestamp as text has milliseconds": (
        "SELECT CAST(salestartdatetime AS varchar) AS t FROM sale ORDER BY 1 LIMIT 2",
        [("1900-01-01 09:00:00.000",), ("2025-03-01 10:00:00.250",)],
    ),
    "days without demand too": (
        "SELECT s.d, count(m.fanid) AS n FROM UNNEST(sequence(DATE '2025-01-01', DATE '2025-01-03', INTERVAL '1' DAY)) AS s (d) LEFT JOIN demand m ON m.partition_date = CAST(s.d AS varchar) GROUP BY 1 ORDER BY 1",
        [(date(2025, 1, 1), 1), (date(2025, 1, 2), 1), (date(2025, 1, 3), 0)],
    ),
    "keys of a map": (
        "SELECT count(*) AS n FROM (SELECT map_keys(a.externallinks) AS k FROM event CROSS JOIN UNNEST(attractions) AS a (id, name, type, url, locale, aliases, images, classifications, externallinks)) WHERE contains(k, 'youtube')",
        [(1,)],
    ),
    "VALUES as a table": (
        "SELECT * FROM (VALUES ('sms', 1), ('email', 2)) AS v (method, rank) ORDER BY rank",
        [("sms", 1), ("email", 2)],
    ),
    "listagg": (
        "SELECT listagg(DISTINCT statusid, ',') WITHIN GROUP (ORDER BY statusid) AS s FROM notification",
        [("CREATED,DELIVERED,FAILED,SENT",)],
    ),
    "the longest gaps of a fan": (
        "SELECT fanid, requesteddatetime, date_diff('day', lag(requesteddatetime) OVER w, requesteddatetime) AS gap FROM demand WINDOW w AS (PARTITION BY fanid ORDER BY requesteddatetime, change.sequence) ORDER BY gap DESC NULLS LAST, fanid, requesteddatetime LIMIT 3",
        [("f1", SUNDAY, 186), ("f1", SUNDAY, 0), ("f1", datetime(2025, 1, 1, 10), None)],
    ),
    "a table of any environment's database": (
        'SELECT count(*) AS n FROM "prd3292_prod1_dmnd_pipeline_parquet"."demand" d JOIN "awsdatacatalog"."prd3292_qa1_dmnd_pipeline"."sale" s ON s.id = d.saleid',
        [(4,)],
    ),
    "partitions": (
        "SHOW PARTITIONS demand",
        [("partition_date=2025-01-01",), ("partition_date=2025-01-02",), ("partition_date=2025-07-06",)],
    ),
    "a zone that a column names": (
        "SELECT change.at AT TIME ZONE z FROM event JOIN (VALUES ('g1', 'Europe/London'), ('g2', 'Europe/Paris')) AS t (i, z) ON id = i ORDER BY id",
        [("2025-01-01 08:00:00.000 Europe/London",), ("2025-01-02 09:00:00.000 Europe/Paris",)],
    ),
}
# fmt: on


@pytest.mark.parametrize(("sql", "expected"), ANSWERS.values(), ids=[*ANSWERS])
def test_a_query_answers_what_its_meaning_says(sql: str, expected: list[tuple[Any, ...]], lake: Path) -> None:
    assert query(sql, str(lake)).rows == expected


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "SELECT count(*) AS n FROM demand WHERE partition_date >= DATE '2025-01-01'",
            "TYPE_MISMATCH: cannot apply operator: varchar >= date",
        ),
        (
            "SELECT substr(eventid, 1, 2) AS p, count(*) AS n FROM demand GROUP BY p",
            "COLUMN_NOT_FOUND: column 'p' cannot be resolved",
        ),
        ("SELECT change.at > '2025-01-01' FROM demand", "cannot apply operator: timestamp(3) > varchar(10)"),
    ],
)
def test_what_athena_refuses_is_refused(sql: str, says: str, lake: Path) -> None:
    with pytest.raises(UserError) as refused:
        query(sql, str(lake))

    assert says in str(refused.value)


def test_a_path_is_where_the_file_lies_and_is_not_in_a_star(lake: Path) -> None:
    ((path,),) = query("SELECT \"$path\" FROM demand WHERE eventid = 'e1' AND fanid = 'f1'", str(lake)).rows

    assert Path(path).is_file()
    assert "partition_date=2025-01-01" in path
    assert "$path" not in query("SELECT * FROM demand", str(lake)).columns

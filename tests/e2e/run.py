"""The end-to-end test: items into the table, rows out of SQL, and everything taken away again."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from firehose.local.aws_errors import as_user_errors
from glue.layout import Format
from tests.e2e.athena import Athena, Sql
from tests.e2e.items import Items, Life, Row

# Rows appear once in a buffer interval; each look is a query for each type that is waited for.
LOOK_SECONDS = 10


class Stopped(Exception):  # noqa: N818 - it says where the changes came to a stop
    """An environment does not do what it should: which changes came how far."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """What waiting is done with: seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL = Clocks()


@dataclass(frozen=True, slots=True)
class Search:
    """The rows of one type in the lake of one mode."""

    mode: Format
    life: Life
    sql: Sql

    def __str__(self) -> str:
        return f"{self.life.name} ({self.mode})"

    def missing(self) -> list[Row]:
        """The rows that are not there yet.

        Raises:
            Stopped: there is one that should not be.
        """
        return self._compare(self.life.name, self.life.rows)

    def check_view(self) -> None:
        """Asks the view of newest rows.

        Raises:
            Stopped: it shows others than it should.
        """
        view = f"latest_{self.life.name}"
        missing = self._compare(view, self.life.latest)
        if missing:
            raise Stopped(f"{view} ({self.mode}) does not show the {missing[0]}")

    def _compare(self, table: str, expected: list[Row]) -> list[Row]:
        found = self.life.read(self.sql(self.life.sql(table)))
        for row in found:
            if row not in expected:
                raise Stopped(f"{table} ({self.mode}) shows a {row}{_unlike(row, expected)}")
        if len(found) > len(expected):
            raise Stopped(f"{table} ({self.mode}) shows {len(found)} rows of {len(expected)} changes")
        return [row for row in expected if row not in found]


def _unlike(row: Row, expected: list[Row]) -> str:
    """In what a row is not as it should be."""
    meant = next((one for one in expected if (one.entity, one.change) == (row.entity, row.change)), None)
    if meant is None:
        return ", which it should not"
    return (
        f" with isdeleted = {row.deleted}"
        if row.deleted != meant.deleted
        else " with other personal data than it should"
    )


def run(
    items: Items,
    lives: list[Life],
    lakes: Mapping[Format, Sql],
    *,
    seconds: float,
    where_it_stopped: Callable[[Search], str],
    say: Callable[[str], None],
    clocks: Clocks = REAL,
) -> None:
    """Puts items of every type into the table and finds them in every lake within so many seconds; then clears up.

    Raises:
        Stopped: a change was not found, or not as it should be.
        UserError: AWS refuses something.
        QueryError: Athena does not answer.
    """
    with clearing(items, [sql for sql in lakes.values() if isinstance(sql, Athena)], say):
        with as_user_errors(f"the table {items.table}", "written"):
            for life in lives:
                items.live(life)
        say(f"table   {', '.join(life.name for life in lives)}: items created, changed and deleted")
        searches = [Search(mode, life, sql) for mode, sql in lakes.items() for life in lives]
        wait_until_found(searches, seconds, clocks, where_it_stopped, say)
        for search in searches:
            search.check_view()
        say(f"views   {', '.join(f'latest_{life.name}' for life in lives)}: the newest row of each item")


def wait_until_found(
    searches: list[Search],
    seconds: float,
    clocks: Clocks,
    where_it_stopped: Callable[[Search], str],
    say: Callable[[str], None],
) -> None:
    """Looks for all rows again and again.

    Raises:
        Stopped: after so many seconds some are not there; with where they are.
    """
    began = clocks.now()
    waiting = list(searches)
    while True:
        missing = {}
        for search in waiting:
            rows = search.missing()
            if rows:
                missing[search] = rows
            else:
                say(f"lake    {search}: every change found after {clocks.now() - began:.0f} s")
        if not missing:
            return
        if clocks.now() - began >= seconds:
            raise Stopped(
                "\n".join(
                    f"{search}: {len(rows)} of {len(search.life.rows)} changes not found in {seconds:.0f} s, first the "
                    f"{rows[0]}\n        {where_it_stopped(search)}"
                    for search, rows in missing.items()
                )
            )
        waiting = list(missing)
        clocks.sleep(LOOK_SECONDS)


@contextmanager
def clearing(items: Items, athenas: list[Athena], say: Callable[[str], None]) -> Iterator[None]:
    """Takes away in the end what the block has made, however it ends; says what could not be taken away."""
    try:
        yield
    finally:
        try:
            cleared = items.clear()
            results = sum(athena.clear() for athena in athenas)
        except BaseException:
            say(f"clear   NOT DONE: these items are still in {items.table}: {', '.join(items.left) or 'none'}")
            raise
        say(f"clear   {cleared} items deleted, {results} objects below test/")

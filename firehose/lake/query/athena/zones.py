"""Time zones, as literals name them."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from sqlglot import exp

from firehose.lake.query.athena.refusal import SqlError, did_you_mean, refuse

_OFFSET = re.compile(r"[+-]\d\d:\d\d|Z")


def check_zone(name: str, node: exp.Expr | None = None) -> None:
    """Refuse a zone's name that is neither an offset nor one of the IANA's.

    Raises:
        SqlError: with the names that resemble it.
    """
    if not _OFFSET.fullmatch(name) and name not in available_timezones():
        raise refuse(f"time zone not supported: {name}{did_you_mean(name, available_timezones())}", node)


def check_clock(local: str, name: str) -> None:
    """Refuse a literal's local time that no clock of its zone shows: 2025-03-30 01:30:00 in Europe/London.

    Raises:
        SqlError: as Trino refuses it.
    """
    check_zone(name)
    if _OFFSET.fullmatch(name) or name == "UTC":
        return
    year, month, day, hour, minute, second = (*map(int, re.findall(r"\d+", local)[:6]), 0, 0, 0)[:6]
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(name))
        shown = moment.astimezone(UTC).astimezone(ZoneInfo(name))
    except (ValueError, OverflowError):  # no such day, which DuckDB says, or a year that Python does not have
        return
    if shown.replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise SqlError(f"invalid TIMESTAMP: clocks in {name} are turned forward past {local}")

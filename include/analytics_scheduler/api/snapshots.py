"""`GET snapshots`: the stored figures, filtered, page by page, as JSON or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from psycopg.rows import dict_row

from analytics_scheduler.api.messages import NOT_STORED, Answer, ApiError, quoted, success
from analytics_scheduler.api.page_key import PageKey
from analytics_scheduler.api.snapshot_database import snapshot_queries
from analytics_scheduler.periods import parse_day
from analytics_scheduler.snapshots.metrics import METRICS, columns
from analytics_scheduler.vocabulary import PeriodType

DEFAULT_ROWS = 100
MAX_ROWS = 10_000
FORMATS = ("json", "csv")
CSV_TYPE = "text/csv"

SNAPSHOTS_EXAMPLE: Mapping[str, Any] = {
    "success": True,
    "data": {
        "snapshots": [
            {
                "id": "7f8e5c0e-4c8e-4b7e-9a57-0d3f2b8d5a11",
                "location_id": "3d6f0a52-8f0b-4a0e-8d65-6b1f0f9c2e10",
                "period_type": "daily",
                "period_start": "2026-11-22",
                "period_end": "2026-11-22",
                **{metric.name: metric.example for metric in METRICS},
                "created_at": "2026-11-23T02:00:05",
            }
        ],
        "next": None,
    },
}


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which rows to return: None stands for any, and the page begins after the row `after`."""

    period_type: PeriodType | None
    location_id: UUID | None
    first_day: date | None
    last_day: date | None
    rows: int
    after: PageKey | None


def show_snapshots(query: Mapping[str, str], accept: str) -> Answer:
    """Answer with one page of snapshots and, if there are more, with the key of the next page."""
    page, as_csv = parse_page(query), is_csv(query.get("format"), accept)
    names, rows = _read_rows(page)
    has_more = len(rows) > page.rows
    rows = rows[: page.rows]
    cursor = PageKey.of(rows[-1]).encode() if has_more else None
    headers = {} if cursor is None else {"Link": _link(query, cursor)}
    if as_csv:
        return _csv_answer(names, rows, headers)
    return success(
        data={"snapshots": [_as_json(row) for row in rows], "next": cursor}, headers=headers
    )


def parse_page(query: Mapping[str, str]) -> PageRequest:
    """Return the page that the parameters ask for; a value that is not allowed raises ApiError."""
    page = PageRequest(
        period_type=_period_type(query.get("period")),
        location_id=_location_id(query.get("location_id")),
        first_day=parse_day(query["from"]) if "from" in query else None,
        last_day=parse_day(query["to"]) if "to" in query else None,
        rows=_rows(query.get("limit")),
        after=PageKey.decode(query["after"]) if "after" in query else None,
    )
    if page.first_day and page.last_day and page.last_day < page.first_day:
        raise ApiError(400, f"to ({page.last_day}) must not be before from ({page.first_day}).")
    return page


def _period_type(text: str | None) -> PeriodType | None:
    if text is None:
        return None
    if text not in PeriodType.words():
        allowed = ", ".join(PeriodType.words())
        raise ApiError(400, f"period must be one of {allowed}, got {quoted(text)}.")
    return PeriodType(text)


def _location_id(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise ApiError(400, f"location_id must be a UUID, got {quoted(text)}.") from error


def _rows(text: str | None) -> int:
    if text is None:
        return DEFAULT_ROWS
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ROWS))
    if not (is_number and 1 <= int(text) <= MAX_ROWS):
        message = f"limit must be a whole number from 1 to {MAX_ROWS}, got {quoted(text)}."
        raise ApiError(400, message)
    return int(text)


def is_csv(text: str | None, accept: str) -> bool:
    """Return whether CSV is asked for: by the parameter `format`, or else the header Accept."""
    if text is None:
        return accept.strip().lower().startswith(CSV_TYPE)
    if text not in FORMATS:
        raise ApiError(400, f"format must be json or csv, got {quoted(text)}.")
    return text == "csv"


def _read_rows(page: PageRequest) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the names of the columns, and the rows; one row too many shows that there are more."""
    after = page.after
    with snapshot_queries() as queries:
        cursor = queries.run(
            "read_snapshots",
            parts={"figures": columns()},
            row_factory=dict_row,
            period_type=page.period_type.value if page.period_type else None,
            location_id=page.location_id,
            first_day=page.first_day,
            last_day=page.last_day,
            after_location=after.location_id if after else None,
            after_type=after.period_type if after else None,
            after_start=after.period_start if after else None,
            page_rows=page.rows + 1,
        )
        return [column.name for column in cursor.description or ()], cursor.fetchall()


def _link(query: Mapping[str, str], cursor: str) -> str:
    parameters = [(name, value) for name, value in query.items() if name != "after"]
    return f'<?{urlencode([*parameters, ("after", cursor)])}>; rel="next"'


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)  # twelve digits at most, which a JSON number holds exactly
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _csv_answer(
    names: Sequence[str], rows: Sequence[Mapping[str, Any]], headers: Mapping[str, str]
) -> Answer:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    # Decimals are written exactly as they are; dates in ISO 8601, as in JSON.
    writer.writerows(
        [value.isoformat() if isinstance(value, date) else value for value in row.values()]
        for row in rows
    )
    return Answer(
        200,
        text.getvalue().encode("utf-8"),
        f"{CSV_TYPE}; charset=utf-8",
        {
            **NOT_STORED,
            "Content-Disposition": 'attachment; filename="analytics_snapshots.csv"',
            **headers,
        },
    )

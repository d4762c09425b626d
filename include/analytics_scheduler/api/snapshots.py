"""`GET snapshots`: the stored figures, filtered, page by page, as JSON or CSV."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from analytics_scheduler.api.messages import Answer, ApiError, Request, quoted, success
from analytics_scheduler.api.probes import api_database_settings
from analytics_scheduler.database import connected, statement
from analytics_scheduler.periods import parse_day
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from analytics_scheduler.api.auth import Caller

DEFAULT_ROWS = 100
MAX_ROWS = 10_000
PARAMETERS = ("period", "location_id", "from", "to", "limit", "after", "format")
COLUMNS = (
    "id",
    "location_id",
    "period_type",
    "period_start",
    "period_end",
    "total_inventory_value",
    "total_items",
    "turnover_ratio",
    "wastage_value",
    "wastage_percentage",
    "revenue",
    "cost_of_goods_sold",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which rows are wanted; None stands for any. `after` is the key of the row before them."""

    period_type: PeriodType | None
    location_id: UUID | None
    first_day: date | None
    last_day: date | None
    rows: int
    after: tuple[UUID, str, date] | None
    is_csv: bool

    def values(self) -> dict[str, Any]:
        """Return the values of the statement; one row more tells whether there is a next page."""
        location, period_type, start = self.after or (None, None, None)
        return {
            "period_type": self.period_type.value if self.period_type else None,
            "location_id": self.location_id,
            "first_day": self.first_day,
            "last_day": self.last_day,
            "after_location": location,
            "after_type": period_type,
            "after_start": start,
            "page_rows": self.rows + 1,
        }


def show_snapshots(request: Request, _name: str, _caller: Caller) -> Answer:
    """Answer with one page of snapshots and, where there are more, the way to the next."""
    page = parse_page(request)
    settings = api_database_settings()
    with connected(settings, through_airflow=True) as connection:
        rows = connection.execute(statement("read_snapshots", settings), page.values()).fetchall()
    shown_rows, has_more = rows[: page.rows], len(rows) > page.rows
    cursor = encode_cursor(shown_rows[-1]) if has_more else None
    headers = {} if cursor is None else {"Link": _link(request, cursor)}
    if page.is_csv:
        return Answer(200, _as_csv(shown_rows), "text/csv; charset=utf-8", _csv_headers(headers))
    return success(
        data={"snapshots": [_as_object(row) for row in shown_rows], "next": cursor}, headers=headers
    )


def parse_page(request: Request) -> PageRequest:
    """Read the filters of a request, or refuse it with what is allowed."""
    values = request.parameters(*PARAMETERS)
    page = PageRequest(
        period_type=_period(values.get("period")),
        location_id=_location(values.get("location_id")),
        first_day=parse_day(values["from"]) if "from" in values else None,
        last_day=parse_day(values["to"]) if "to" in values else None,
        rows=_rows(values.get("limit")),
        after=decode_cursor(values["after"]) if "after" in values else None,
        is_csv=_is_csv(values.get("format"), request.accept),
    )
    if page.first_day and page.last_day and page.last_day < page.first_day:
        raise ApiError(400, f"The range ends ({page.last_day}) before it starts.")
    return page


def _period(text: str | None) -> PeriodType | None:
    if text is None:
        return None
    if text not in list(PeriodType):
        raise ApiError(400, f"Unknown period {quoted(text)}: allowed is daily, weekly, monthly.")
    return PeriodType(text)


def _location(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise ApiError(400, f"The location_id {quoted(text)} is no UUID.") from error


def _rows(text: str | None) -> int:
    if text is None:
        return DEFAULT_ROWS
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ROWS))
    if not (is_number and 1 <= int(text) <= MAX_ROWS):
        raise ApiError(400, f"The limit {quoted(text)} is not allowed: 1 to {MAX_ROWS} is.")
    return int(text)


def _is_csv(text: str | None, accept: str) -> bool:
    if text is None:
        return accept.strip().lower().startswith("text/csv")
    if text not in {"json", "csv"}:
        raise ApiError(400, f"Unknown format {quoted(text)}: allowed is json, csv.")
    return text == "csv"


def encode_cursor(row: Sequence[Any]) -> str:
    """Return the place of a row in the order of the pages, as one word."""
    key = json.dumps([str(row[1]), row[2], row[3].isoformat()])
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(text: str) -> tuple[UUID, str, date]:
    """Return the place that a cursor names, or refuse it."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        location, period_type, start = json.loads(base64.b64decode(padded, b"-_", validate=True))
        return UUID(location), PeriodType(period_type).value, date.fromisoformat(start)
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ApiError(400, "The cursor after is not one that was given out.") from error


def _link(request: Request, cursor: str) -> str:
    query = [(name, value) for name, value in request.query if name != "after"]
    return f'<?{urlencode([*query, ("after", cursor)])}>; rel="next"'


def _as_object(row: Sequence[Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in zip(COLUMNS, row, strict=True)}


def _plain(value: object) -> object:
    # Twelve digits at most: a JSON number holds every amount exactly.
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _as_csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(
        [value.isoformat() if isinstance(value, date) else value for value in row] for row in rows
    )
    return text.getvalue().encode("utf-8")


def _csv_headers(headers: Mapping[str, str]) -> dict[str, str]:
    disposition = 'attachment; filename="analytics_snapshots.csv"'
    return {"Cache-Control": "no-store", "Content-Disposition": disposition, **headers}

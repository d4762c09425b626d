"""The place of a row in the order of the pages, which a client passes back as one word."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from analytics_scheduler.api.messages import ApiError
from analytics_scheduler.vocabulary import PeriodType


@dataclass(frozen=True, slots=True)
class PageKey:
    """The unique key of a snapshot, by which the pages are ordered."""

    location_id: UUID
    period_type: str
    period_start: date

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> PageKey:
        """Return the key of a row, whatever other columns the row has."""
        return cls(row["location_id"], row["period_type"], row["period_start"])

    def encode(self) -> str:
        """Return the key as one word that needs no escaping in a URL."""
        key = json.dumps([str(self.location_id), self.period_type, self.period_start.isoformat()])
        return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> PageKey:
        """Return the key that `encode` made into a word; any other word raises ApiError (400)."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            location, period_type, start = json.loads(
                base64.b64decode(padded, b"-_", validate=True)
            )
            return cls(UUID(location), PeriodType(period_type).value, date.fromisoformat(start))
        except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
            message = "after must be the value of next from an earlier answer."
            raise ApiError(400, message) from error

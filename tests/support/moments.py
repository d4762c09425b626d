"""Moments, written as briefly as tests need them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(text: str) -> datetime:
    """Return the moment that a text without a time zone names in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)

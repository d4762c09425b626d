"""One example of every answer, for the description; tests hold them against the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TASKS: Mapping[str, Any] = {
    "success": True,
    "data": {"tasks": ["daily-snapshot", "weekly-snapshot", "monthly-snapshot", "cache-cleanup"]},
}
TRIGGERED: Mapping[str, Any] = {
    "success": True,
    "message": "daily snapshot triggered successfully",
}
_RUN: Mapping[str, Any] = {
    "run_id": "scheduled__2026-11-23T02:00:00+00:00",
    "state": "success",
    "kind": "scheduled",
    "triggered_by": None,
    "date": None,
    "moment": "2026-11-23T02:00:00Z",
    "started_at": "2026-11-23T02:00:01Z",
    "ended_at": "2026-11-23T02:00:09Z",
    "seconds": 8.0,
}
STATUS: Mapping[str, Any] = {
    "success": True,
    "data": {
        "now": "2026-11-23T10:00:00Z",
        "tasks": [
            {
                "name": "daily-snapshot",
                "active": True,
                "paused": False,
                "missing": False,
                "broken": False,
                "schedule": {
                    "cron": "0 2 * * *",
                    "words": "At 02:00",
                    "timezone": "UTC",
                    "changed": None,
                },
                "next_times": [f"2026-11-{day}T02:00:00+00:00" for day in range(24, 29)],
                "last_run": _RUN,
                "last_success": _RUN,
                "pulse": "fresh",
                "overdue": False,
                "due": "2026-11-23T02:00:00Z",
                "duration": {
                    "p50_seconds": 8.0,
                    "p95_seconds": 8.0,
                    "history": [
                        {"moment": "2026-11-23T02:00:00Z", "state": "success", "seconds": 8.0}
                    ],
                },
            }
        ],
        "coverage": {
            "daily": [
                {
                    "period_start": "2026-11-22",
                    "period_end": "2026-11-22",
                    "expected": 120,
                    "written": 120,
                }
            ],
            "weekly": [],
            "monthly": [],
        },
    },
}
_HEART: Mapping[str, Any] = {
    "pulse": "fresh",
    "due": "2026-11-23T02:00:00+00:00",
    "last_success": "2026-11-23T02:00:09+00:00",
}
_SERVERS: Mapping[str, Any] = {
    "database": {"state": "ok", "milliseconds": 4.1},
    "cache": {"state": "ok", "milliseconds": 0.9},
}
HEALTHY: Mapping[str, Any] = {
    "success": True,
    "data": {"status": "healthy", **_SERVERS, "tasks": {"daily-snapshot": _HEART}},
}
UNHEALTHY: Mapping[str, Any] = {
    "success": False,
    "error": "Unhealthy: daily-snapshot is overdue",
    "data": {
        "status": "unhealthy",
        **_SERVERS,
        "tasks": {"daily-snapshot": {**_HEART, "pulse": "overdue"}},
    },
}
SNAPSHOTS: Mapping[str, Any] = {
    "success": True,
    "data": {
        "snapshots": [
            {
                "id": "7f8e5c0e-4c8e-4b7e-9a57-0d3f2b8d5a11",
                "location_id": "3d6f0a52-8f0b-4a0e-8d65-6b1f0f9c2e10",
                "period_type": "daily",
                "period_start": "2026-11-22",
                "period_end": "2026-11-22",
                "total_inventory_value": 12840.5,
                "total_items": 913,
                "turnover_ratio": 0.03,
                "wastage_value": 12.4,
                "wastage_percentage": 3.1,
                "revenue": 702.0,
                "cost_of_goods_sold": 400.0,
                "created_at": "2026-11-23T02:00:05",
            }
        ],
        "next": None,
    },
}
CHANGE: Mapping[str, Any] = {"schedule": "30 2 * * *", "paused": False}
CHANGED: Mapping[str, Any] = {
    "success": True,
    "message": "daily-snapshot changed successfully",
    "data": {
        "task": "daily-snapshot",
        "previous_schedule": None,
        "schedule": "30 2 * * *",
        "in_force": "when the DAG file has been read again, within a minute",
        "previous_paused": True,
        "paused": False,
    },
}

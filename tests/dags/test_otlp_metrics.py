"""The metrics of a run arrive at an OTLP receiver, through Airflow's own OpenTelemetry exporter."""

from __future__ import annotations

import atexit
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from psycopg import Connection
from tests.support.dag_runs import load_dag, run_dag, warnings_of_airflow_ignored
from tests.support.inventory import Inventory
from tests.support.waiting import wait_until

Found = dict[str, Any]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[Found]:
    """Give the newest point of each metric that a collector has received, by its name."""
    points: Found = {}
    with collector(points) as port:
        for name, value in {
            "OTEL_ON": "True",
            "OTEL_HOST": "127.0.0.1",
            "OTEL_PORT": str(port),
            "OTEL_INTERVAL_MILLISECONDS": "200",
        }.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__{name}", value)
        initialize()
        yield points
        shut_down()
    monkeypatch.undo()
    initialize()


def initialize() -> None:
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics import stats_utils

    with warnings_of_airflow_ignored():
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def shut_down() -> None:
    """Shut down the exporter, which Airflow would otherwise flush when the process ends."""
    from airflow.sdk._shared.observability.metrics import otel_logger
    from opentelemetry import metrics

    provider: Any = metrics.get_meter_provider()
    provider.shutdown()
    atexit.unregister(otel_logger.flush_otel_metrics)


@contextmanager
def collector(points: Found) -> Iterator[int]:
    """Give the port of a server that takes metrics by OTLP over HTTP."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/metrics"
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                content = gzip.decompress(content)
            request = ExportMetricsServiceRequest.FromString(content)
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        data = getattr(metric, str(metric.WhichOneof("data")))
                        points[metric.name] = data.data_points[-1]
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Do not log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_run_sends_its_metrics_over_otlp(
    found: Found,
    connection: Connection[tuple[object, ...]],
    named_servers: None,
) -> None:
    load_dag("snapshot-retention")
    inventory = Inventory(connection)
    inventory.location("North")
    inventory.location("South")
    inventory.execute("UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'")

    run_dag("daily-snapshot", datetime(2026, 5, 20, 2, 1, 7, tzinfo=UTC))

    name = "airflow.analytics_scheduler"
    wait_until(lambda: f"{name}.snapshot-retention.overdue" in found)
    assert found[f"{name}.snapshot-retention.overdue"].as_int == 1
    assert found[f"{name}.daily-snapshot.runs.success"].as_int == 1
    assert found[f"{name}.daily-snapshot.rows_written"].as_int == 2
    assert 0 < found[f"{name}.daily-snapshot.duration"].sum < 60_000
    assert f"{name}.daily-snapshot.locations_failed" not in found

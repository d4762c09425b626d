"""Create a database of sample data on a temporary embedded server, and print its URL.

    .venv/bin/uv run python tests/benchmarks/load_sample.py [--locations 1000] [--products 500]
        [--movements 6000000] [--days 90]

The server runs until Ctrl-C, which deletes its data, too.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from analytics_scheduler.local.sample import load_sample
from analytics_scheduler.local.servers import create_database, database_url, embedded_postgres
from analytics_scheduler.migrations import migrate
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings

_DATABASE = "inventory"


@contextmanager
def sample_database(
    *, locations: int = 1_000, products: int = 500, movements: int = 6_000_000, days: int = 90
) -> Iterator[str]:
    """Yield the URL of a database whose movements end now, with the package's tables."""
    with embedded_postgres() as base_url:
        create_database(base_url, _DATABASE)
        url = database_url(base_url, _DATABASE)
        with psycopg.connect(url) as connection:
            queries = Queries(connection, DatabaseSettings.load({"DATABASE_URL": url}))
            started = time.monotonic()
            load_sample(
                queries,
                locations=locations,
                products=products,
                movements=movements,
                until=datetime.now(UTC),
                days=days,
            )
            seconds = time.monotonic() - started
            migrate(queries)
        print(f"{movements:,} movements loaded in {seconds:.1f} s", file=sys.stderr)
        yield url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locations", type=int, default=1_000)
    parser.add_argument("--products", type=int, default=500)
    parser.add_argument("--movements", type=int, default=6_000_000)
    parser.add_argument("--days", type=int, default=90)
    sizes = vars(parser.parse_args())
    try:
        with sample_database(**sizes) as url:
            print(url, flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()

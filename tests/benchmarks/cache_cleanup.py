"""Compare the cache cleanup with three usual ways, and measure what other clients notice of it.

    python tests/benchmarks/cache_cleanup.py [--keys 1000000] [--server /usr/bin/redis-server]

30 % of the keys are analytics entries. A third of them have expired and are not reclaimed, a third
have no TTL and have been idle for a day, and a third are live. Every way starts with the same keys.
Compare the keys per second of one run only: runs on other machines or at other times differ.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.redis_servers import EMBEDDED, RedisServer, redis_server

from analytics_scheduler.cache.cleanup import clean_up
from analytics_scheduler.cache.connection import connected_cache
from analytics_scheduler.settings import CacheSettings

PATTERN = "analytics:*"
IDLE_SECONDS = 86_400
KEYS_A_SCRIPT = 10_000
FILL = """
local payload = ARGV[3]
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
    local kind = number % 10
    if kind == 0 then
        redis.call('SET', 'analytics:report:' .. number, string.rep('x', 100), 'PX', 1)
    elseif kind == 1 then
        redis.call('RESTORE', 'analytics:report:' .. number, 0, payload, 'IDLETIME', 90000)
    elseif kind == 2 then
        redis.call('SET', 'analytics:report:' .. number, string.rep('x', 100), 'EX', 90000)
    else
        redis.call('SET', 'session:' .. number, string.rep('x', 100))
    end
end
"""


def fill(server: RedisServer, keys: int) -> None:
    with server.client() as client:
        client.flushall()
        client.config_set("save", "")
        client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        client.set("payload", "x" * 100)
        payload = client.dump("payload") or b""
        client.delete("payload")
        for first in range(0, keys, KEYS_A_SCRIPT):
            last = min(first + KEYS_A_SCRIPT, keys)
            client.eval(FILL, 0, first, last, payload)


def with_the_package(server: RedisServer) -> None:
    settings = CacheSettings.load({"REDIS_URL": server.url})
    with connected_cache(settings) as cache:
        clean_up(cache, settings)


def with_scan_iter(server: RedisServer) -> None:
    with server.client() as client:
        for key in client.scan_iter(match=PATTERN):
            if client.ttl(key) == -1 and (client.object("IDLETIME", key) or 0) >= IDLE_SECONDS:
                client.delete(key)


def with_redis_cli(server: RedisServer) -> None:
    """Remove all entries that match, also live ones: this way cannot tell them apart."""
    cli = f"redis-cli -p {server.port}"
    subprocess.run(
        f"{cli} --scan --pattern '{PATTERN}' | xargs {cli} unlink > /dev/null",
        shell=True,
        check=True,
    )


def with_pipelines(server: RedisServer) -> None:
    with server.client() as client:
        cursor, is_begun = 0, False
        while cursor or not is_begun:
            is_begun = True
            cursor, keys = client.scan(cursor, match=PATTERN, count=1_000)
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.ttl(key)
                    pipeline.object("IDLETIME", key)
                replies = pipeline.execute()
            checked = zip(keys, replies[::2], replies[1::2], strict=True)
            over = [key for key, ttl, idle in checked if ttl == -1 and idle >= IDLE_SECONDS]
            if over:
                client.unlink(*over)


WAYS: dict[str, Callable[[RedisServer], None]] = {
    "analytics-scheduler": with_the_package,
    "SCAN COUNT 1000 + pipelines": with_pipelines,
    "redis-cli --scan | xargs unlink": with_redis_cli,
    "scan_iter loop": with_scan_iter,
}


def observe(port: int) -> None:
    """Read a key a thousand times a second until standard input ends; print the latencies."""
    import selectors

    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    milliseconds = []
    with redis.Redis(port=port) as client:
        client.get("session:3")
        print("ready", flush=True)
        while not selector.select(timeout=0.001):
            started = time.perf_counter()
            client.get("session:3")
            milliseconds.append((time.perf_counter() - started) * 1_000)
    milliseconds.sort()
    p99 = milliseconds[len(milliseconds) * 99 // 100]
    print(json.dumps({"reads": len(milliseconds), "p99": p99, "max": milliseconds[-1]}))


def measure(server: RedisServer, keys: int, way: Callable[[RedisServer], None]) -> dict[str, float]:
    fill(server, keys)
    observer = subprocess.Popen(
        [sys.executable, __file__, "--observe", str(server.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert observer.stdout is not None
    observer.stdout.readline()
    started = time.perf_counter()
    way(server)
    seconds = time.perf_counter() - started
    seen, _ = observer.communicate()
    with server.client() as client:
        left = int(client.dbsize())
    return {"seconds": seconds, "left": left, **json.loads(seen)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--server", type=Path, default=EMBEDDED)
    parser.add_argument("--observe", type=int, metavar="PORT")
    arguments = parser.parse_args()
    if arguments.observe:
        observe(arguments.observe)
        return
    debug = () if arguments.server == EMBEDDED else ("--enable-debug-command", "yes")
    ours = 0.0
    with redis_server(*debug, executable=arguments.server) as server:
        print(f"{'way':<34}{'seconds':>9}{'keys/s':>12}{'slower':>8}{'p99 ms':>9}{'max ms':>9}")
        for name, way in WAYS.items():
            if "redis-cli" in name and shutil.which("redis-cli") is None:
                print(f"{name:<34}   redis-cli is not installed")
                continue
            found = measure(server, arguments.keys, way)
            ours = ours or found["seconds"]
            print(
                f"{name:<34}{found['seconds']:>9.2f}{arguments.keys / found['seconds']:>12,.0f}"
                f"{found['seconds'] / ours:>7.1f}x{found['p99']:>9.2f}{found['max']:>9.2f}"
                f"   {found['left']:,.0f} keys left",
                flush=True,
            )


if __name__ == "__main__":
    main()

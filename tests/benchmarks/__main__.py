"""Time every kind of work beside a yardstick, in pairs, and print one table.

    .venv/bin/uv run python -m tests.benchmarks [--quick] [--json FILE] [--only WORD ...]

A ratio is the median of the pairs' ratios, ours by the yardstick's, with its quartiles. A yardstick
is the best single statement that we know for the same rows, with none of the evidence that we keep.
The rows of both are compared. Timings are for reading: nothing fails because of one.

--quick takes a small sample and ends within two minutes; its ratios say little.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import works
from tests.benchmarks.sampled_database import SampledDatabase
from tests.benchmarks.works import FULL, QUICK, Result, Sizes

OF_THE_SAMPLE: Mapping[str, Callable[[SampledDatabase, Sizes], Iterator[Result]]] = {
    "days": works.days,
    "carried": works.carried,
    "longer": works.longer_periods,
    "ranges": works.ranges,
    "command": works.command,
    "airflow": works.in_airflow,
}
OTHERS: Mapping[str, Callable[[Sizes], Iterator[Result]]] = {
    "many": works.many_locations,
    "cache": works.cache,
}
WIDTHS = (38, 30, 9, 9, 7, 14, 6, 7)
HEADINGS = ("work", "yardstick", "ours s", "theirs s", "ratio", "quartiles", "rows", "MiB")


def row_of(result: Result) -> tuple[str, ...]:
    """Return a result as the cells of its row."""
    found = result.as_dict()
    low, _, high = result.quartiles()
    peak = result.peak_memory_mib
    rows = {None: "", 0: "equal"}.get(result.differing_rows, f"{result.differing_rows} differ")
    return (
        result.work,
        result.yardstick,
        f"{found['seconds']:.3f}",
        f"{found['yardstick_seconds']:.3f}",
        f"{found['ratio']:.2f}",
        f"{low:.2f} to {high:.2f}",
        rows,
        "" if peak is None else f"{peak:.0f}",
    )


def print_row(cells: tuple[str, ...]) -> None:
    """Print cells in columns: words to the left, figures to the right."""
    print(
        "".join(
            f"{cell:<{width}}" if number < 2 else f"{cell:>{width}}"
            for number, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
        ),
        flush=True,
    )


def results(sizes: Sizes, names: list[str], url: str | None) -> Iterator[Result]:
    """Give the results of the named kinds of work, in their order."""
    wanted = [name for name in OF_THE_SAMPLE if name in names]
    if wanted:
        with works.sampled(sizes, url) as database:
            for name in wanted:
                yield from OF_THE_SAMPLE[name](database, sizes)
    for name, work in OTHERS.items():
        if name in names:
            yield from work(sizes)


def main(argv: list[str] | None = None) -> int:
    """Print the table, and return 1 if rows differ from those of a yardstick."""
    kinds = [*OF_THE_SAMPLE, *OTHERS]
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, help="how many pairs (default: 7, or 2 if quick)")
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds, metavar="KIND")
    parser.add_argument("--url", help="a database with a sample and the package's tables")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    arguments = parser.parse_args(argv)
    sizes = QUICK if arguments.quick else FULL
    if arguments.rounds is not None:
        sizes = replace(sizes, rounds=arguments.rounds)
    print_row(HEADINGS)
    started = time.monotonic()
    found = []
    for result in results(sizes, arguments.only, arguments.url):
        found.append(result)
        print_row(row_of(result))
    print(f"{len(found)} works in {time.monotonic() - started:.0f} s")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([each.as_dict() for each in found], indent=2) + "\n")
    return 1 if any(each.differing_rows for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())

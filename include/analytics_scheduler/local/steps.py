"""The steps of `demo` and `up`: each prints one line, with the seconds it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from analytics_scheduler.output import Output

_WIDTH = 79


@dataclass(slots=True)
class Step:
    """A running step; its block sets `detail`, which is printed when it ends."""

    name: str
    output: Output
    detail: str = ""

    def progress(self, text: str) -> None:
        """Show the progress of the step if someone is watching."""
        self.output.progress(f"  {self.name}: {text}"[:_WIDTH].ljust(_WIDTH))


@contextmanager
def step(output: Output, name: str) -> Iterator[Step]:
    """Show a step while it runs, and print its line when it has succeeded."""
    under_way = Step(name, output)
    under_way.progress("...")
    started = time.monotonic()
    try:
        yield under_way
    finally:
        output.progress(" " * _WIDTH + "\r")
    text = f"{name}: {under_way.detail}" if under_way.detail else name
    output.line(f"  {text}  ({time.monotonic() - started:.1f} s)")

"""What a command prints: plain words for people, one JSON object for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command reports to; with `as_json` only `result` and `error` reach stdout."""

    as_json: bool
    stdout: TextIO
    stderr: TextIO

    def line(self, text: str = "") -> None:
        """Print a line for people."""
        if not self.as_json:
            print(text, file=self.stdout, flush=True)

    def result(self, data: dict[str, Any]) -> None:
        """Print the result for programs."""
        if self.as_json:
            print(json.dumps(data, default=str), file=self.stdout, flush=True)

    def warning(self, text: str) -> None:
        """Print a warning; it goes to stderr in both forms."""
        print(f"warning: {text}", file=self.stderr, flush=True)

    def error(self, text: str) -> None:
        """Print why the command failed."""
        if self.as_json:
            print(json.dumps({"success": False, "error": text}), file=self.stdout, flush=True)
        print(f"error: {text}", file=self.stderr, flush=True)

    def error_line(self, text: str) -> None:
        """Print one of several things that failed, for people."""
        print(f"error: {text}", file=self.stderr, flush=True)

    def progress(self, text: str) -> None:
        """Show how far the work came, on one line, where a person is watching."""
        if self.shows_progress:
            print(f"\r{text}", end="", file=self.stderr, flush=True)

    def progress_done(self) -> None:
        """End the line of progress."""
        if self.shows_progress:
            print(file=self.stderr)

    @property
    def shows_progress(self) -> bool:
        """Whether a progress bar is wanted: a person is watching."""
        return not self.as_json and self.stderr.isatty()


def standard_output(*, as_json: bool) -> Output:
    """Return the output of a command that runs in a terminal."""
    return Output(as_json, sys.stdout, sys.stderr)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, which takes an s unless the count is 1."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

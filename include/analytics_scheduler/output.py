"""What a command prints: lines for people, or one JSON object for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command prints; with `as_json`, stdout gets nothing but one JSON object.

    Warnings and errors go to stderr as "warning: ..." and "error: ..." in both modes.
    """

    as_json: bool
    stdout: TextIO
    stderr: TextIO

    def line(self, text: str = "") -> None:
        """Print a line on stdout, unless the output is JSON."""
        if not self.as_json:
            print(text, file=self.stdout, flush=True)

    def result(self, data: dict[str, Any]) -> None:
        """Print the result on stdout if the output is JSON; dates and decimals become strings."""
        if self.as_json:
            print(json.dumps(data, default=str), file=self.stdout, flush=True)

    def warning(self, text: str) -> None:
        """Print a warning on stderr."""
        print(f"warning: {text}", file=self.stderr, flush=True)

    def error(self, text: str) -> None:
        """Print why the command failed; as JSON this is the result too."""
        self.result({"success": False, "error": text})
        self.error_line(text)

    def error_line(self, text: str) -> None:
        """Print one of several errors on stderr; the result names them too."""
        print(f"error: {text}", file=self.stderr, flush=True)

    def progress(self, text: str) -> None:
        """Overwrite the progress line, if a person is watching."""
        if self.shows_progress:
            print(f"\r{text}", end="", file=self.stderr, flush=True)

    def progress_done(self) -> None:
        """End the progress line."""
        if self.shows_progress:
            print(file=self.stderr)

    @property
    def shows_progress(self) -> bool:
        """Whether a person is watching: stderr is a terminal, and the output is not JSON."""
        return not self.as_json and self.stderr.isatty()


def standard_output(*, as_json: bool) -> Output:
    """Return the output of the running process."""
    return Output(as_json, sys.stdout, sys.stderr)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, which takes an s unless the count is 1."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

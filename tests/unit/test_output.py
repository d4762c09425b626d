"""What a command prints, for people and for programs."""

from __future__ import annotations

import io
import json
from datetime import date
from decimal import Decimal
from uuid import UUID

from analytics_scheduler.output import Output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def output_of(*, as_json: bool, stderr: io.StringIO | None = None) -> Output:
    return Output(as_json, io.StringIO(), stderr or io.StringIO())


def printed(output: Output) -> tuple[str, str]:
    assert isinstance(output.stdout, io.StringIO)
    assert isinstance(output.stderr, io.StringIO)
    return output.stdout.getvalue(), output.stderr.getvalue()


def test_people_get_lines_and_no_json() -> None:
    output = output_of(as_json=False)
    output.line("12 rows written")
    output.result({"success": True})
    assert printed(output) == ("12 rows written\n", "")


def test_programs_get_one_json_object() -> None:
    output = output_of(as_json=True)
    output.line("12 rows written")
    output.result(
        {
            "success": True,
            "day": date(2026, 3, 14),
            "location": UUID(int=7),
            "value": Decimal("12.50"),
        }
    )
    stdout, stderr = printed(output)
    assert json.loads(stdout) == {
        "success": True,
        "day": "2026-03-14",
        "location": "00000000-0000-0000-0000-000000000007",
        "value": "12.50",
    }
    assert (stdout.count("\n"), stderr) == (1, "")


def test_error_in_both_forms() -> None:
    for_people, for_programs = output_of(as_json=False), output_of(as_json=True)
    for_people.error("No date.")
    for_programs.error("No date.")
    assert printed(for_people) == ("", "error: No date.\n")
    assert json.loads(printed(for_programs)[0]) == {"success": False, "error": "No date."}
    assert printed(for_programs)[1] == "error: No date.\n"


def test_warning_goes_to_stderr_only() -> None:
    output = output_of(as_json=True)
    output.warning("Redis is down")
    assert printed(output) == ("", "warning: Redis is down\n")


def test_progress_needs_a_terminal() -> None:
    assert output_of(as_json=False, stderr=Terminal()).shows_progress
    assert not output_of(as_json=True, stderr=Terminal()).shows_progress
    assert not output_of(as_json=False).shows_progress

"""README.md names the settings, figures, DAGs, commands and endpoints of the code, and no others.

`python tests/unit/test_readme.py` prints the tables of settings and figures for README.md.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from analytics_scheduler import settings as settings_module
from analytics_scheduler.api.endpoints import ENDPOINTS
from analytics_scheduler.api.routing import MOUNT
from analytics_scheduler.cli import COMMANDS
from analytics_scheduler.settings import SCHEDULE_DEFAULTS, SettingsGroup, schedule_variable
from analytics_scheduler.snapshots.metrics import METRICS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
_SETTINGS_HEADER = ("Variable", "Default", "Allowed")


def settings_rows() -> list[tuple[str, str, str]]:
    """Return variable, default and what is allowed, of every setting in the code's own order."""
    rows: dict[str, tuple[str, str, str]] = {}
    for value in list(vars(settings_module).values()):
        if isinstance(value, type) and issubclass(value, SettingsGroup):
            for entry in fields(value):
                meta = entry.metadata
                row = (meta["variable"], meta["default"] or "", meta["allowed"])
                rows.setdefault(meta["variable"], row)
    for task, default in SCHEDULE_DEFAULTS.items():
        variable = schedule_variable(task)
        rows[variable] = (variable, default, "a cron string of five fields, or six (seconds 0)")
    return list(rows.values())


def settings_table() -> str:
    """Return the settings as a table in Markdown."""
    lines = [f"| {' | '.join(_SETTINGS_HEADER)} |", "|---|---|---|"]
    for variable, default, allowed in settings_rows():
        quoted = f"`{default}`" if default else "none"
        lines.append(f"| `{variable}` | {quoted} | {allowed} |")
    return "\n".join(lines)


def figures_table() -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| Figure | Unit | Meaning |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {each.unit} | {each.meaning} |" for each in METRICS]
    return "\n".join(lines)


def tables(text: str) -> list[list[tuple[str, ...]]]:
    """Return the tables of a Markdown text: rows of cells without backquotes, header first."""
    found: list[list[tuple[str, ...]]] = []
    inside = False
    for line in text.splitlines():
        is_row = line.lstrip().startswith("|")
        if is_row and not inside:
            found.append([])
        inside = is_row
        if is_row and not re.fullmatch(r"[|\s:-]+", line):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found[-1].append(tuple(cell.strip().replace("`", "") for cell in cells))
    return found


def table_headed(text: str, first_cell: str) -> list[tuple[str, ...]]:
    """Return the rows below the header of the table whose first column has this name."""
    for table in tables(text):
        if table and table[0][0].casefold() == first_cell.casefold():
            return table[1:]
    pytest.fail(f"README.md has no table whose first column is called {first_cell!r}")


@pytest.fixture(scope="module")
def readme() -> str:
    return README.read_text(encoding="utf-8")


def test_tables_are_found_by_their_first_column() -> None:
    text = (
        "a\n\n| Word | Meaning |\n|---|:--|\n| `a` | one \\| two |\n\nb\n| Other |\n|---|\n| x |\n"
    )
    assert table_headed(text, "word") == [("a", "one \\| two")]
    assert table_headed(text, "Other") == [("x",)]


def test_every_setting_stands_in_the_readme_with_its_default(readme: str) -> None:
    documented = {row[0]: row[1] for row in table_headed(readme, "Variable")}
    expected = {variable: default or "none" for variable, default, _ in settings_rows()}
    assert documented == expected, f"the table must read:\n{settings_table()}"


def test_figures_are_those_of_the_code(readme: str) -> None:
    assert figures_table() in readme, f"the table must read:\n{figures_table()}"


def test_every_dag_stands_in_the_readme_with_its_schedule(readme: str) -> None:
    documented = {row[0]: row[1] for row in table_headed(readme, "DAG")}
    assert documented == dict(SCHEDULE_DEFAULTS)


def test_every_dag_of_the_readme_has_a_file(readme: str) -> None:
    files = {path.stem.replace("_", "-") for path in (ROOT / "dags").glob("*.py")}
    assert {row[0] for row in table_headed(readme, "DAG")} <= files


def test_every_command_stands_in_the_readme(readme: str) -> None:
    documented = [row[0] for row in table_headed(readme, "Command")]
    named = [word for cell in documented for word in re.findall(r"[a-z][a-z-]*", cell)]
    missing = [name for name in COMMANDS if name not in named]
    assert not missing, f"README.md does not name {missing}"
    firsts = {re.sub(r"^analytics-scheduler ", "", cell).split()[0] for cell in documented}
    assert firsts <= set(COMMANDS)


def test_every_endpoint_stands_in_the_readme(readme: str) -> None:
    """A part of the path may stand by its name or by its values: {type}, {daily,weekly}."""
    documented = {_without_names(row[0]) for row in table_headed(readme, "Request")}
    served = {f"{endpoint.method} {MOUNT}{endpoint.path}" for endpoint in ENDPOINTS}
    assert documented == {_without_names(request) for request in served}


def _without_names(request: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", request)


@pytest.mark.parametrize("form", [r"\]\((?!https?:|#|mailto:)([^)#\s]+)"])
def test_every_link_into_the_repository_leads_somewhere(readme: str, form: str) -> None:
    broken = [target for target in re.findall(form, readme) if not (ROOT / target).exists()]
    assert not broken


if __name__ == "__main__":
    print(settings_table(), figures_table(), sep="\n\n")

"""README.md names the settings, figures, DAGs, commands and endpoints of the code, and no others.

`python -m tests.unit.test_readme` prints the tables of settings and figures for README.md.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.support import markdown
from tests.support.settings import declared_settings

from analytics_scheduler.api.endpoints import ENDPOINTS
from analytics_scheduler.api.routing import MOUNT
from analytics_scheduler.cli import COMMANDS
from analytics_scheduler.settings import SCHEDULE_DEFAULTS
from analytics_scheduler.snapshots.metrics import METRICS

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
_SETTINGS_HEADER = ("Variable", "Default", "Meaning", "Allowed")


def settings_table() -> str:
    """Return the settings as a table in Markdown, in the order in which they are declared."""
    lines = [f"| {' | '.join(_SETTINGS_HEADER)} |", "|---|---|---|---|"]
    for setting in declared_settings():
        default = f"`{setting.default}`" if setting.default else "none"
        allowed = setting.parser.allowed
        lines.append(f"| `{setting.variable}` | {default} | {setting.help} | {allowed} |")
    return "\n".join(lines)


def figures_table() -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| Figure | Unit | Meaning |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {each.unit} | {each.meaning} |" for each in METRICS]
    return "\n".join(lines)


def table_headed(first_cell: str, text: str | None = None) -> list[tuple[str, ...]]:
    """Return the rows of the table whose first column has this name, by default of README.md."""
    searched = README.read_text(encoding="utf-8") if text is None else text
    return markdown.table_headed(searched, first_cell)


def test_tables_are_found_by_their_first_column() -> None:
    text = (
        "a\n\n| Word | Meaning |\n|---|:--|\n| `a` | one \\| two |\n\nb\n| Other |\n|---|\n| x |\n"
    )
    assert table_headed("word", text) == [("a", "one \\| two")]
    assert table_headed("Other", text) == [("x",)]


def test_readme_shows_every_setting() -> None:
    readme = README.read_text(encoding="utf-8")
    assert settings_table() in readme, f"the table must read:\n{settings_table()}"


def test_readme_shows_every_figure() -> None:
    readme = README.read_text(encoding="utf-8")
    assert figures_table() in readme, f"the table must read:\n{figures_table()}"


def test_readme_shows_every_dag_and_schedule() -> None:
    documented = {row[0]: row[1] for row in table_headed("DAG")}
    assert documented == dict(SCHEDULE_DEFAULTS)


def test_every_dag_of_the_readme_has_a_file() -> None:
    files = {path.stem.replace("_", "-") for path in (REPOSITORY / "dags").glob("*.py")}
    assert {row[0] for row in table_headed("DAG")} <= files


def test_readme_shows_every_command() -> None:
    documented = [row[0] for row in table_headed("Command")]
    named = [word for cell in documented for word in re.findall(r"[a-z][a-z-]*", cell)]
    missing = [name for name in COMMANDS if name not in named]
    assert not missing, f"README.md does not name {missing}"
    firsts = {re.sub(r"^analytics-scheduler ", "", cell).split()[0] for cell in documented}
    assert firsts <= set(COMMANDS)


def test_readme_shows_every_endpoint() -> None:
    """A parameter may be shown by its name or by its values: {type}, {daily,weekly}."""
    documented = {_without_names(row[0]) for row in table_headed("Request")}
    served = {f"{endpoint.method} {MOUNT}{endpoint.path}" for endpoint in ENDPOINTS}
    assert documented == {_without_names(request) for request in served}


def _without_names(request: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", request)


def test_every_link_to_a_file_leads_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", README.read_text(encoding="utf-8"))
    assert targets
    broken = [target for target in targets if not (REPOSITORY / target).exists()]
    assert not broken


if __name__ == "__main__":
    print(settings_table(), figures_table(), sep="\n\n")

"""The pages in include/docs name files, statements, tables and words that exist.

Pages whose commands or examples are run have tests of their own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.markdown import README, REPOSITORY, table_headed

from analytics_scheduler.queries import SQL_FOLDER, statements
from analytics_scheduler.snapshots.metrics import NAMES
from analytics_scheduler.vocabulary import RevisionReason, VerifyFinding

PAGES = {path.name: path for path in sorted((REPOSITORY / "include" / "docs").glob("*.md"))}
PACKAGE = SQL_FOLDER.parent
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
PERMANENT_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?\{analytics\}\.(\w+)")
TEMPORARY_TABLE = re.compile(r"CREATE TEMPORARY TABLE (\w+)")


def text_of(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(
        r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE
    )
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def tree_of(text: str) -> Iterator[str]:
    """Give the paths in the figure of the folders, relative to the repository."""
    (figure,) = re.findall(r"```\n(dags/.*?)```", text, re.DOTALL)
    folder = ""
    for line in figure.splitlines():
        names = line[: 2 + len(line[2:].split("   ")[0])].rstrip()
        if not names.startswith("  "):
            folder = names
            yield folder
        else:
            yield from (f"{folder}{name}" for name in names.split())


@pytest.mark.parametrize("path", [README, *PAGES.values()], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        assert not anchor or anchor in anchors_of(file), f"{target}#{anchor}"


def test_readme_links_every_page() -> None:
    linked = {target for target, _ in LINK.findall(README.read_text(encoding="utf-8"))}
    assert {f"include/docs/{name}" for name in PAGES} <= linked


def test_architecture_names_existing_files() -> None:
    text = text_of("architecture.md")
    named = re.findall(r"`([\w./-]+\.(?:py|sql|lua|md))`", text)
    roots = (REPOSITORY, PACKAGE)
    missing = [name for name in named if not any((root / name).exists() for root in roots)]
    assert named
    assert missing == []


def test_architecture_shows_existing_folders() -> None:
    shown = list(tree_of(text_of("architecture.md")))
    assert len(shown) > len(list(PACKAGE.iterdir())) / 2
    assert [path for path in shown if not (REPOSITORY / path).exists()] == []


def test_architecture_shows_every_folder() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    shown = {path.strip("/").split("/")[-1] for path in tree_of(text_of("architecture.md"))}
    assert folders <= shown


def test_architecture_names_existing_statements() -> None:
    rows = table_headed(text_of("architecture.md"), "Step")
    named = [name for _, _, cell in rows for name in re.findall(r"\w+", cell)]
    assert named
    assert [name for name in named if name not in statements()] == []


def test_architecture_lists_every_table() -> None:
    files = [*(SQL_FOLDER / "migrations").glob("*.sql"), SQL_FOLDER / "migrations.sql"]
    created = {name for file in files for name in PERMANENT_TABLE.findall(file.read_text())}
    documented = [row[0] for row in table_headed(text_of("architecture.md"), "Table")]
    assert sorted(documented) == sorted(created)


def test_architecture_lists_temporary_tables() -> None:
    files = (SQL_FOLDER / "snapshots").glob("*.sql")
    texts = [file.read_text() for file in files if file.name != "verify.sql"]
    created = {name for text in texts for name in TEMPORARY_TABLE.findall(text)}
    documented = [row[0] for row in table_headed(text_of("architecture.md"), "Temporary table")]
    assert sorted(documented) == sorted(created)


def test_figures_page_defines_every_figure() -> None:
    documented = [row[0] for row in table_headed(text_of("figures.md"), "Column")]
    assert sorted(documented) == sorted(NAMES)


def test_figures_page_explains_every_finding() -> None:
    rows = table_headed(text_of("figures.md"), "Finding")
    documented = {finding: exits for finding, _, exits in rows}
    assert documented == {each.meaning: "yes" if each.is_wrong else "no" for each in VerifyFinding}


def test_figures_page_names_every_reason() -> None:
    assert [
        word for word in RevisionReason.words() if f"`{word}`" not in text_of("figures.md")
    ] == []


def test_changelog_has_the_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## {project['version']}\n" in text_of("changelog.md")

"""`.ci/run` runs its verbs and fails if one fails; hooks and the workflow run the same verbs."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.signals import default_signals
from tests.support.waiting import wait_until

from analytics_scheduler.local.processes import stop_sessions

REPOSITORY = Path(__file__).parents[2]
VERBS = ["lint", "sql", "types", "test"]
TOOLS = {
    "lint": ["ruff format", "ruff check", "check-jsonschema", "check-jsonschema", "hadolint"],
    "sql": ["sqlfluff lint"],
    "types": ["mypy"],
    "test": ["pytest"],
}
# Stand-ins: pip does nothing; uv notes what it is to run, and fails for the tool named in FAILING.
PIP = "#!/bin/sh\n"
UV = """#!/bin/sh
echo "$*" >> calls
case "$*" in *"${FAILING:-nothing}"*) echo "failed: $FAILING"; exit 7;; esac
"""
# Runs until it is stopped.
SLOW_UV = """#!/bin/sh
trap 'rm running.$$; exit 1' TERM
touch running.$$
while true; do sleep 0.05; done
"""
# Stands for `python3 -m venv .venv` on a machine that has only Python.
PYTHON = "#!/bin/sh\nmkdir -p .venv/bin && cp stand-ins/* .venv/bin\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of what `.ci/run` reads, with stand-ins for Python and the tools."""
    (tmp_path / "tmp").mkdir()
    for name in (".ci/run", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    for name, text in {"bin/python3": PYTHON, "stand-ins/pip": PIP, "stand-ins/uv": UV}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def environment(checkout: Path) -> dict[str, str]:
    return {"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "TMPDIR": str(checkout / "tmp")}


def run(
    checkout: Path, *verbs: str, failing: str = "nothing"
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the verbs; return how that ended, and the tools that were called, in order."""
    ended = subprocess.run(
        [checkout / ".ci/run", *verbs],
        env={**environment(checkout), "FAILING": failing},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = checkout / "calls"
    called = calls.read_text().splitlines() if calls.exists() else []
    return ended, [_tool(call) for call in called]


def _tool(call: str) -> str:
    words = call.removeprefix("run ").removeprefix("--quiet ").split()
    return " ".join(words[:2]) if words[0] in {"ruff", "sqlfluff"} else words[0]


def of_verb(verb: str, tools: list[str]) -> list[str]:
    """Return the tools of one verb, in their order; those of several verbs run at the same time."""
    return [tool for tool in tools if tool in TOOLS[verb]]


def test_no_verb_means_all_in_order(checkout: Path) -> None:
    """Each verb calls its tools in their order, and the tests come last."""
    ended, tools = run(checkout)
    assert ended.returncode == 0, ended.stderr
    assert {verb: of_verb(verb, tools) for verb in VERBS} == TOOLS
    assert len(tools) == sum(len(named) for named in TOOLS.values())
    assert tools[-1] == "pytest"
    reported = re.findall(r"^(\w+)(?:: .*)? \(after", ended.stdout, re.MULTILINE)
    assert reported == ["environment", *VERBS, "passed"]


@pytest.mark.parametrize("verbs", [[verb] for verb in VERBS] + [["types", "lint"]])
def test_only_the_given_verbs_run(checkout: Path, verbs: list[str]) -> None:
    ended, tools = run(checkout, *verbs)
    assert ended.returncode == 0, ended.stderr
    assert {verb: of_verb(verb, tools) for verb in verbs} == {verb: TOOLS[verb] for verb in verbs}
    assert len(tools) == sum(len(TOOLS[verb]) for verb in verbs)


@pytest.mark.parametrize("verbs", [["deploy"], ["lint", "deploy"], ["lint sql"], [""]])
def test_an_unknown_verb_runs_nothing(checkout: Path, verbs: list[str]) -> None:
    ended, tools = run(checkout, *verbs)
    assert ended.returncode == 2
    assert f"unknown verb '{verbs[-1]}'. The verbs are: {' '.join(VERBS)}." in ended.stderr
    assert tools == []


@pytest.mark.parametrize(
    ("failing", "last"),
    [
        ("ruff format", "ruff format"),
        ("ruff check", "ruff check"),
        ("compose-spec", "check-jsonschema"),
        ("github-workflows", "check-jsonschema"),
        ("hadolint", "hadolint"),
        ("sqlfluff", "sqlfluff lint"),
        ("mypy", "mypy"),
        ("pytest", "pytest"),
    ],
)
def test_a_failing_tool_fails_the_run(checkout: Path, failing: str, last: str) -> None:
    ended, tools = run(checkout, failing=failing)
    assert ended.returncode == 7
    [verb] = [verb for verb, named in TOOLS.items() if last in named]
    assert of_verb(verb, tools)[-1] == last
    assert ("pytest" in tools) == (verb == "test")
    assert f"failed: {failing}" in ended.stdout
    assert "passed" not in ended.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_check(checkout: Path, number: signal.Signals) -> None:
    (checkout / "stand-ins/uv").write_text(SLOW_UV)
    with default_signals():
        process = subprocess.Popen(
            [checkout / ".ci/run"], env=environment(checkout), start_new_session=True
        )
    try:
        wait_until(lambda: len(list(checkout.glob("running.*"))) == len(VERBS) - 1)
        process.send_signal(number)
        assert process.wait(10) == 128 + number
        wait_until(lambda: not list(checkout.glob("running.*")))
    finally:
        stop_sessions([process])
    assert not list((checkout / "tmp").iterdir())


def test_the_test_command_is_the_one_of_readme(checkout: Path) -> None:
    readme = checkout / "README.md"
    readme.write_text(readme.read_text().replace("uv run pytest", "uv run pytests"))
    ended, tools = run(checkout, "test")
    assert ended.returncode == 1
    assert "README.md has no line" in ended.stderr
    assert tools == []


def documents_with_verbs() -> Iterator[tuple[str, str]]:
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    for repository in hooks["repos"]:
        yield from (("hook", hook["entry"]) for hook in repository["hooks"])
    for job in workflow()["jobs"].values():
        yield from (("workflow", step["run"]) for step in job["steps"] if "run" in step)


def workflow() -> Any:
    return yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())


def test_hooks_and_workflow_run_the_verbs() -> None:
    commands = list(documents_with_verbs())
    verbs: dict[str, list[str]] = {"hook": [], "workflow": []}
    for place, command in commands:
        script, *named = command.split()
        assert script == ".ci/run"
        verbs[place] += named
    assert verbs == {"hook": ["lint", "sql", "types"], "workflow": VERBS}


def test_hooks_need_no_other_host() -> None:
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    assert {hook["language"] for hook in hooks["repos"][0]["hooks"]} == {"system"}


def matrix() -> dict[str, list[str]]:
    found: dict[str, list[str]] = workflow()["jobs"]["test"]["strategy"]["matrix"]
    return found


def test_matrix_covers_what_is_supported() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert matrix() == {
        "python": ["3.11", "3.12", "3.13"],
        "postgres": ["14", "15", "16", "17", "18"],
    }


def test_readme_names_the_pythons_of_the_matrix() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r"\b3\.1\d\b", readme))) == matrix()["python"]


def test_no_file_names_a_package_registry() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    hosts = re.compile(r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|rubygems\.org)\b")
    named = [
        name
        for name in tracked
        if name and (REPOSITORY / name).is_file() and REPOSITORY / name != Path(__file__)
        if hosts.search((REPOSITORY / name).read_text(encoding="utf-8", errors="replace"))
    ]
    assert named == []

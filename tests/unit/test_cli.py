"""The command line: help, bad arguments, errors in both forms, exit statuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from analytics_scheduler import settings
from analytics_scheduler.cli import COMMANDS, build_parser, command_module, main


@pytest.fixture(autouse=True)
def kept_signal_handler() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_DB", raising=False)
    monkeypatch.setenv(
        "DATABASE_URL", "postgresql://shop:s3cret@127.0.0.1:1/inventory?connect_timeout=2"
    )


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert any(line.split()[:1] == [name] for line in text.splitlines())
        assert " ".join(command_module(name).HELP.split()) in " ".join(text.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_takes_json(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert "--json" in capsys.readouterr().out
    module = command_module(name)
    assert module.HELP
    assert callable(module.add_arguments)
    assert callable(module.run)


@pytest.mark.parametrize("arguments", [["check", "--json"], ["health"]])
def test_closed_pipe_is_no_traceback(arguments: list[str], no_database: None) -> None:
    command = [sys.executable, "-m", "analytics_scheduler", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


@pytest.mark.parametrize("argv", [["snapshot"], [], ["--json"], ["check", "--colour"]])
def test_bad_arguments_end_with_status_2(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert "usage: analytics-scheduler" in capsys.readouterr().err


def test_an_unknown_command_lists_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["snapshot"])
    error = capsys.readouterr().err
    assert "snapshot" in error
    assert "check" in error


def test_a_bad_setting_ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASK_TIMEOUT_SECONDS", "soon")
    assert main(["check"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: TASK_TIMEOUT_SECONDS (how many seconds ")
    assert ", got 'soon'." in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("argv", [["check"], ["migrate"], ["run", "daily"]])
def test_an_unreachable_database_is_named(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 1
    error = capsys.readouterr().err
    assert "host 127.0.0.1 port 1 database inventory user shop" in error
    assert "s3cret" not in error
    assert "Traceback" not in error


@pytest.mark.parametrize("argv", [["check"], ["check", "--json"]])
def test_a_retired_setting_gives_one_warning(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "RETIRED", {"SNAPSHOT_SPEED": "it is always the highest"})
    monkeypatch.setattr(command_module("check"), "run", lambda *_: 0)
    monkeypatch.setenv("SNAPSHOT_SPEED", "highest")
    assert main(argv) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "warning: SNAPSHOT_SPEED is set but no longer read: it is always the highest.\n"
    )


@pytest.mark.usefixtures("no_database")
def test_an_error_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json"]) == 1
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert answer["success"] is False
    assert "cannot be reached" in answer["error"]
    assert "s3cret" not in captured.out


def test_an_interrupt_ends_with_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_module("check"), "run", interrupted)
    assert main(["check"]) == 130
    assert "Interrupted" in capsys.readouterr().err


def test_sigterm_ends_with_status_143() -> None:
    script = (
        "import os, signal, sys\n"
        "from analytics_scheduler import cli\n"
        "module = cli.command_module('check')\n"
        "module.run = lambda *_: os.kill(os.getpid(), signal.SIGTERM) or signal.pause()\n"
        "sys.exit(cli.main(['check']))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert ended.returncode == 143


def test_one_command_is_parsed_without_the_others() -> None:
    arguments = build_parser(["check"]).parse_args(["check", "--json"])
    assert (arguments.command, arguments.json) == ("check", True)

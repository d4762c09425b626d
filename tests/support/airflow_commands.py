"""Commands of Airflow, each in a separate process that does not import Airflow again.

Started as a program, this module imports what the commands use, and forks for each of them.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from analytics_scheduler.local.processes import stop_sessions

_SECONDS = 120
# What `airflow dags test` imports, most of it only when the task starts.
_IMPORTED = (
    "airflow.api_fastapi.execution_api.app",
    "airflow.api_fastapi.execution_api.routes",
    "airflow.cli.commands.dag_command",
    "airflow.cli.commands.db_command",
    "airflow.dag_processing.dagbag",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
)


@contextmanager
def airflow_commands(environ: Mapping[str, str], folder: Path) -> Iterator[Callable[..., str]]:
    """Give a function that runs a command of this Airflow and returns its output.

    The command must succeed. Processes that still run at the end of the block are stopped.
    """
    process = subprocess.Popen(
        [sys.executable, __file__],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )

    def run(*words: str) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        said = folder / f"said-by-{'-'.join(words)}"
        process.stdin.write(json.dumps([list(words), str(said)]).encode() + b"\n")
        process.stdin.flush()
        ended, _, _ = select.select([process.stdout], [], [], _SECONDS)
        status = process.stdout.readline().decode().strip() if ended else "none in time"
        text = said.read_text(errors="replace") if said.exists() else ""
        assert status == "0", f"status {status}: {text[-3000:]}"
        return text

    with process:
        try:
            yield run
        finally:
            stop_sessions([process])


def main() -> None:
    """Read commands, each a line of JSON, and answer each with its exit status."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Airflow logs to it
    for name in _IMPORTED:
        import_module(name)
    for line in sys.stdin:
        words, said = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(words, Path(said))
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _run(words: list[str], said: Path) -> None:
    """Run a command of Airflow in this process, without the input and output of its parent."""
    with said.open("wb") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.argv = ["airflow", *words]
    import_module("airflow.__main__").main()


if __name__ == "__main__":
    main()

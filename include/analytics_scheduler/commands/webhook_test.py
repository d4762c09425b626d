"""Send a signed test event to SCHEDULER_WEBHOOK_URL at once, and say what came back.

Nothing is stored and the database is not asked. Exit status 0: the receiver accepted it; 1: not.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from analytics_scheduler.output import Output

HELP = "send a test event to the webhook, and say what came back"


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Take no arguments of its own."""


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Send one event; return 1 where the receiver did not accept it."""
    from analytics_scheduler.alerts.events import TEST, compose
    from analytics_scheduler.alerts.webhook import post, webhook_host
    from analytics_scheduler.errors import AlertNotSentError
    from analytics_scheduler.settings import AlertSettings

    settings = AlertSettings.load()
    host = webhook_host(settings)
    words = "This is a test: alerts of the analytics scheduler arrive here."
    answer = post(settings, compose(TEST, None, at=datetime.now(UTC), words=words))
    if not answer.is_accepted:
        raise AlertNotSentError(
            f"The webhook's host {host} answered {answer}: only 200 to 299 mean that an alert "
            "arrived. Check the path of SCHEDULER_WEBHOOK_URL and that the receiver knows "
            "SCHEDULER_WEBHOOK_SECRET; redirects are not followed."
        )
    output.line(f"The test event arrived at {host}: {answer}.")
    output.result(
        {
            "success": True,
            "host": host,
            "status": answer.status,
            "milliseconds": answer.milliseconds,
        }
    )
    return 0

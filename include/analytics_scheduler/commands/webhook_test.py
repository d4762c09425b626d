"""Send a signed test event to SCHEDULER_WEBHOOK_URL, and show what the receiver answered.

Nothing is stored, and the database is not needed. Exit status 0: the receiver accepted it; 1: not.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from analytics_scheduler.output import Output

HELP = "send a test event to the webhook, and say what came back"


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Accept the common options only."""


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Send the event and print the answer; raises AlertNotSentError unless it was accepted."""
    from analytics_scheduler.alerts.message import build_message
    from analytics_scheduler.alerts.webhook import post, webhook_host
    from analytics_scheduler.errors import AlertNotSentError
    from analytics_scheduler.settings import AlertSettings
    from analytics_scheduler.vocabulary import AlertEvent

    settings = AlertSettings.load()
    host = webhook_host(settings)
    text = "This is a test: alerts of the Analytics Scheduler arrive here."
    message = build_message(AlertEvent.TEST, None, at=datetime.now(UTC), text=text)
    response = post(settings, message)
    if not response.is_accepted:
        raise AlertNotSentError(
            f"The webhook's host {host} answered with {response}: only 200 to 299 mean that an "
            "alert arrived. Check the path of SCHEDULER_WEBHOOK_URL, and that the receiver knows "
            "SCHEDULER_WEBHOOK_SECRET. Redirects are not followed."
        )
    output.line(f"The test event arrived at {host}: {response}.")
    output.result(
        {
            "success": True,
            "host": host,
            "status": response.status,
            "milliseconds": response.milliseconds,
        }
    )
    return 0

"""Runs the command line for `python -m analytics_scheduler`."""

import sys

from analytics_scheduler.cli import main

sys.exit(main())

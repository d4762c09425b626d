"""`python -m analytics_scheduler` is the command line."""

import sys

from analytics_scheduler.cli import main

sys.exit(main())
